import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { describe, expect, test } from 'vitest';
import { JobPulse } from './job-pulse.ts';
import type { FlinkCheckpoints, FlinkCluster } from './ports.ts';

const JOB = 'b'.repeat(32);

function checkpoints(number: number): FlinkCheckpoints {
  const completed = { id: number, path: `file:///cp/chk-${number}`, stateSizeBytes: 1, triggeredAt: number * 1000 };
  return { completed, savepoint: undefined, restored: undefined, pendingSince: undefined };
}

function world() {
  const clock = new VirtualClock();
  const state = { job: 'RUNNING', checkpoint: undefined as number | undefined, asked: 0 };
  const flink = {
    pulse: async () => ({ kind: 'ok', value: state.job }),
    checkpoints: async () => {
      state.asked += 1;
      return state.checkpoint === undefined
        ? { kind: 'not-found', message: '' }
        : { kind: 'ok', value: checkpoints(state.checkpoint) };
    },
  } as unknown as FlinkCluster;
  const woken: string[] = [];
  const pulse = new JobPulse({
    clock,
    random: new SeededRandom(1),
    wake: (key) => woken.push(key),
    signal: new AbortController().signal,
  });
  const follow = (process: string | undefined) => pulse.follow('k', { flink, jobId: JOB, state: 'RUNNING', process });
  return { clock, state, woken, pulse, follow };
}

describe('The pulse of a running job', () => {
  test('wakes its key once when the job is in another state, and then leaves it alone', async () => {
    const { clock, state, woken, follow } = world();
    follow(undefined);
    await clock.advance(5_000);
    expect(woken).toEqual([]);
    state.job = 'RESTARTING';
    await clock.advance(5_000);
    expect(woken).toEqual(['k']);
  });

  test('looks at checkpoints only where nobody else keeps them', async () => {
    const { clock, state, follow } = world();
    follow(undefined);
    await clock.advance(10_000);
    expect(state.asked).toBe(0);
  });

  test('wakes its key for the first checkpoint of a run, and only remembers the others', async () => {
    const { clock, state, woken, pulse, follow } = world();
    follow('p/0');
    state.checkpoint = 1;
    await clock.advance(5_000);
    state.checkpoint = 8;
    await clock.advance(60_000);
    expect(woken).toEqual(['k']);
    expect(pulse.seen('k')).toEqual({ jobId: JOB, process: 'p/0', path: 'file:///cp/chk-8', triggeredAt: 8000 });
  });

  test('sees the first checkpoint of a run with its next look, and looks less often when there is none for long', async () => {
    const { clock, state, woken, follow } = world();
    follow('p/0');
    await clock.advance(8_000);
    state.checkpoint = 1;
    await clock.advance(800);
    expect(woken).toEqual(['k']);
    const without = world();
    without.follow('p/0');
    await without.clock.advance(60_000);
    const before = without.state.asked;
    await without.clock.advance(21_000);
    expect(without.state.asked - before).toBeLessThanOrEqual(11);
  });

  test('knows of what it remembers that the job was started anew since', () => {
    const { pulse } = world();
    pulse.remember('k', JOB, 'p/0', checkpoints(3));
    pulse.retire('k');
    expect(pulse.seen('k')).toEqual({ jobId: JOB, process: undefined, path: 'file:///cp/chk-3', triggeredAt: 3000 });
    pulse.forget('k');
    expect(pulse.seen('k')).toBeUndefined();
  });
});

test('A thousand jobs are looked at as often as 280: four hundred times a second', async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const flink = {
    pulse: async () => {
      asked++;
      return { kind: 'ok', value: 'RUNNING' };
    },
  } as unknown as FlinkCluster;
  const { signal } = new AbortController();
  const pulse = new JobPulse({ clock, random: new SeededRandom(1), wake: () => undefined, signal });
  for (let job = 0; job < 1_000; job++) {
    pulse.follow(`k${job}`, { flink, jobId: JOB, state: 'RUNNING', process: undefined });
  }
  await clock.advance(10_000);
  const settled = asked;
  await clock.advance(10_000);
  expect(asked - settled).toBeGreaterThan(3_600);
  expect(asked - settled).toBeLessThan(4_400);
});
