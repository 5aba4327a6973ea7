import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { describe, expect, it } from 'vitest';
import { SimulatedJob } from './job.ts';
import type { JobSpec } from './job-records.ts';
import { SimulatedStorage } from './storage.ts';
import { ProcessTimers } from './timers.ts';
import { usualTimings } from './timings.ts';

const JOB_ID = '0'.repeat(32);

/** One job of a JobManager process under a test's control. */
function aJob(
  spec: Partial<JobSpec> = {},
  storage = new SimulatedStorage(),
  keptByHa: (path: string) => void = () => undefined,
) {
  const clock = new VirtualClock();
  const timers = new ProcessTimers(clock);
  const slots = { free: 4 };
  const job = new SimulatedJob(
    {
      ...{ jobId: JOB_ID, name: 'a job', parallelism: 2, savepointPath: undefined, adaptive: false },
      ...{ checkpointIntervalMs: 1000, checkpointDir: 'file:///ck', retainOnCancellation: true, ...spec },
    },
    {
      ...{ timers, random: new SeededRandom(1), timings: usualTimings, storage, clusterId: 'ns/app', process: 'p' },
      slots: () => slots.free,
      haCheckpoint: () => undefined,
      recordHaCheckpoint: (_job, _id, path) => keptByHa(path),
      onRequirement: () => undefined,
      onSlotsFreed: () => undefined,
      onTerminal: () => undefined,
    },
  );
  return { clock, timers, slots, job, storage, runs: () => clock.until(() => job.tasksRunningSince !== undefined) };
}

describe('A simulated job', () => {
  it('keeps one checkpoint: an older one goes when a newer one is complete', async () => {
    const { clock, job, storage, runs } = aJob();
    await runs();
    await clock.advance(3_500);
    expect(job.latestCheckpoint?.id).toBe(3);
    expect([...storage.snapshots.keys()]).toEqual([`/ck/${JOB_ID}/chk-3`]);
  });

  it('goes back to its newest checkpoint when a task fails, and loses what came after it', async () => {
    const { clock, job, storage, runs } = aJob();
    await runs();
    await clock.advance(1_700);
    const [snapshot] = storage.snapshots.values();
    job.failTask('boom');
    expect(job.state).toBe('RESTARTING');
    expect(job.position).toBe(snapshot?.position);
    await clock.until(() => job.state === 'RUNNING' && job.tasksRunningSince !== undefined);
    expect(job.restored?.snapshot).toEqual(snapshot);
  });

  it('recovers from no savepoint that was taken meanwhile, since its user may delete it', async () => {
    const kept: string[] = [];
    const { clock, job, storage, runs } = aJob({ checkpointIntervalMs: 10_000 }, new SimulatedStorage(), (path) =>
      kept.push(path),
    );
    await runs();
    await clock.advance(12_000);
    const [checkpoint] = storage.snapshots.values();
    let savepoint: string | undefined;
    job.snapshot({ savepoint: true, stop: false, directory: 'file:///sp' }, (end) => {
      savepoint = 'path' in end ? end.path : undefined;
    });
    await clock.until(() => savepoint !== undefined);
    job.failTask('boom');
    expect(job.restored?.snapshot).toEqual(checkpoint);
    expect(kept).not.toContain(savepoint);
    expect(kept).toContain(checkpoint?.path);
  });

  it('fails for good when a task fails and checkpointing is off', async () => {
    const { job, runs } = aJob({ checkpointIntervalMs: undefined });
    await runs();
    job.failTask('boom');
    expect(job.state).toBe('FAILED');
  });

  it('a stop whose savepoint cannot be written leaves it running, with its checkpoints going on', async () => {
    const { clock, job, runs } = aJob();
    await runs();
    let failure = '';
    job.snapshot({ savepoint: true, stop: true, directory: 'file:///proc/sp' }, (end) => {
      failure = 'error' in end ? end.error : '';
    });
    await clock.advance(3_000);
    expect(failure).toContain('Failed to create directory');
    expect(job.state).toBe('RUNNING');
    expect(job.latestCheckpoint?.id).toBeGreaterThan(1);
  });

  it('a stop ends it, and its savepoint outlives its checkpoints', async () => {
    const { clock, job, storage, runs } = aJob();
    await runs();
    await clock.advance(1_500);
    job.snapshot({ savepoint: true, stop: true, directory: 'file:///sp' }, () => undefined);
    await clock.until(() => job.state === 'FINISHED');
    expect([...storage.snapshots.values()].map((one) => one.kind)).toEqual(['savepoint']);
  });

  it('takes no snapshot while its tasks do not run', async () => {
    const { clock, slots, job } = aJob();
    slots.free = 0;
    await clock.advance(2_000);
    let failure = '';
    job.snapshot({ savepoint: true, stop: false, directory: 'file:///sp' }, (end) => {
      failure = 'error' in end ? end.error : '';
    });
    expect(failure).toContain('not being executed at the moment');
    slots.free = 2;
    job.slotsChanged();
    await clock.until(() => job.tasksRunningSince !== undefined);
  });

  it('nothing of it moves any more after its process died', async () => {
    const { clock, timers, job, storage, runs } = aJob();
    await runs();
    await clock.advance(1_500);
    timers.stop();
    job.abandon();
    const before = [...storage.snapshots.keys()];
    await clock.advance(10_000);
    expect([...storage.snapshots.keys()]).toEqual(before);
    expect(storage.history.at(-1)).toMatchObject({ type: 'ended', state: 'RUNNING' });
  });

  it('a start from a place where nothing is fails', async () => {
    const { clock, job } = aJob({ savepointPath: 'file:///sp/nowhere' });
    await clock.until(() => job.isTerminal);
    expect(job.state).toBe('FAILED');
    expect(job.failure).toContain('Cannot find checkpoint or savepoint');
  });
});
