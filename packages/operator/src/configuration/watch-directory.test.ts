import { VirtualClock } from '@drey/kube/testing';
import { expect, test } from 'vitest';
import type { OperatorFiles } from '../runtime/config-directory.ts';
import { changeOf } from './changes.ts';
import { watchDirectory } from './watch-directory.ts';

const files = (config: Record<string, string>): OperatorFiles => ({ config, logging: undefined });

function watched() {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const seen: OperatorFiles[] = [];
  const failures: unknown[] = [];
  const state = {
    content: files({ a: '1' }) as OperatorFiles | Error,
    notified: (): void => {},
    reads: 0,
    stopped: false,
  };
  const ended = watchDirectory(
    {
      ...{ directory: '/conf', clock, intervalMs: () => 300_000 },
      read: () => {
        state.reads += 1;
        return state.content instanceof Error ? Promise.reject(state.content) : Promise.resolve(state.content);
      },
      notify: (_directory, changed) => {
        state.notified = changed;
        return () => {
          state.stopped = true;
        };
      },
      changed: (next) => seen.push(next),
      failed: (error) => failures.push(error),
    },
    files({ a: '1' }),
    stop.signal,
  );
  return { clock, stop, seen, failures, state, ended };
}

test('A change is seen soon after the system tells of it, once all steps of a swap are over', async () => {
  const { clock, state, seen } = watched();
  state.content = files({ a: '2' });
  state.notified();
  await clock.advance(400);
  expect(seen).toEqual([]);
  await clock.advance(200);
  expect(seen).toEqual([files({ a: '2' })]);
});

test('A change that nobody tells of is seen after the interval, and the same content is no change', async () => {
  const { clock, state, seen } = watched();
  await clock.advance(300_000);
  expect([state.reads, seen.length]).toEqual([1, 0]);
  state.content = files({ a: '3' });
  await clock.advance(300_000);
  expect(seen).toEqual([files({ a: '3' })]);
});

test('What cannot be read is told once, and what comes after it is taken', async () => {
  const { clock, state, seen, failures } = watched();
  state.content = new Error('line 1: no configuration');
  await clock.advance(900_000);
  expect(failures).toEqual([state.content]);
  state.content = files({ a: '4' });
  await clock.advance(300_000);
  expect(seen).toEqual([files({ a: '4' })]);
});

test('The watch ends with its signal', async () => {
  const { clock, stop, state, ended } = watched();
  stop.abort();
  await clock.settle();
  await ended;
  expect(state.stopped).toBe(true);
});

test('A change names its keys, not its values, and those that wait for the next start', () => {
  const before = { a: '1', 'kubernetes.operator.reconcile.parallelism': '5', same: 'x' };
  const after = { b: 'secret', 'kubernetes.operator.reconciler.max.parallelism': '6', same: 'x' };
  expect(changeOf(before, after)).toEqual({
    keys: ['a', 'b', 'kubernetes.operator.reconcile.parallelism', 'kubernetes.operator.reconciler.max.parallelism'],
    atNextStart: ['kubernetes.operator.reconcile.parallelism', 'kubernetes.operator.reconciler.max.parallelism'],
  });
});
