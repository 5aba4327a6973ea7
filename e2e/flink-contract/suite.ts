import { type Answer, type FlinkRest, isGloballyTerminal, type JobState, type Operation } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** A session cluster of Flink, real or simulated, with one TaskManager of four slots and a checkpoint every second. */
export interface FlinkTarget {
  readonly rest: FlinkRest;
  /** The id of an uploaded jar of the StateMachineExample, and its class. */
  readonly jar: { readonly id: string; readonly entryClass: string };
  /** URI of an empty folder. */
  readonly savepoints: string;
  /** URI of a folder in which nothing can be made. */
  readonly unwritable: string;
  /** Lets time pass. */
  sleep(ms: number): Promise<void>;
  /** kill -9 of the only TaskManager. */
  killTaskManager(): Promise<void>;
  startTaskManager(): Promise<void>;
  close(): Promise<void>;
}

const STEP_MS = 100;
const LIMIT_MS = 60_000;
const JOB_IDS = '0f1e2d3c4b5a69788796a5b4c3d2e1';
const UNKNOWN_JOB = 'f'.repeat(32);

function must<T>(answer: Answer<T>): T {
  if (answer.kind !== 'ok') throw new Error(`Flink answered ${JSON.stringify(answer)}`);
  return answer.value;
}

/**
 * What Drey relies on in Flink's REST API, through its own client. Runs unchanged against real and simulated Flink, so that
 * the simulation cannot drift. `brief` leaves out what takes long on real Flink.
 */
export function flinkContract(
  name: string,
  open: () => Promise<FlinkTarget>,
  extent: 'whole' | 'brief' = 'whole',
): void {
  describe(`Flink's contract on ${name}`, () => {
    let flink: FlinkTarget;
    let ids = 0;
    const wholeOnly = it.runIf(extent === 'whole');

    beforeAll(async () => {
      flink = await open();
    });
    afterAll(() => flink?.close());

    const freshId = (): string => `${JOB_IDS}${(16 + ids++).toString(16)}`;
    const run = (jobId: string, savepointPath?: string): Promise<Answer<string>> =>
      flink.rest.runJar(flink.jar.id, {
        entryClass: flink.jar.entryClass,
        parallelism: 2,
        jobId,
        ...(savepointPath === undefined ? {} : { savepointPath }),
      });

    async function eventually<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
      for (let waited = 0; waited < LIMIT_MS; waited += STEP_MS) {
        const found = await read();
        if (found !== undefined) return found;
        await flink.sleep(STEP_MS);
      }
      throw new Error(`${what} did not come within ${LIMIT_MS} ms`);
    }

    async function stateOf(jobId: string): Promise<JobState | undefined> {
      const jobs = must(await flink.rest.jobs());
      return jobs.find((one) => one.jobId === jobId)?.state;
    }

    const reaches = (jobId: string, wanted: JobState): Promise<true> =>
      eventually(`${jobId} ${wanted}`, async () => ((await stateOf(jobId)) === wanted ? true : undefined));

    /** All tasks run. */
    const runs = (jobId: string): Promise<true> =>
      eventually(`tasks of ${jobId}`, async () => {
        const job = must(await flink.rest.jobsOverview()).find((one) => one.jobId === jobId);
        const { tasks } = job ?? {};
        return job?.state === 'RUNNING' &&
          tasks !== undefined &&
          (tasks.total ?? 0) > 0 &&
          tasks.running === tasks.total
          ? true
          : undefined;
      });

    async function started(savepointPath?: string): Promise<string> {
      const jobId = freshId();
      expect(await run(jobId, savepointPath)).toEqual({ kind: 'ok', value: jobId });
      await runs(jobId);
      return jobId;
    }

    async function cancelled(jobId: string): Promise<void> {
      expect((await flink.rest.cancel(jobId)).kind).toBe('ok');
      await reaches(jobId, 'CANCELED');
    }

    const outcome = (jobId: string, triggerId: string): Promise<Exclude<Operation<string>, { kind: 'in-progress' }>> =>
      eventually(`the end of ${triggerId}`, async () => {
        const operation = must(await flink.rest.savepointOperation(jobId, triggerId));
        return operation.kind === 'in-progress' ? undefined : operation;
      });

    async function stopped(jobId: string): Promise<string> {
      const triggerId = freshId();
      const request = { targetDirectory: flink.savepoints, drain: false, triggerId };
      expect(await flink.rest.stopWithSavepoint(jobId, request)).toEqual({ kind: 'ok', value: triggerId });
      const end = await outcome(jobId, triggerId);
      if (end.kind !== 'completed') throw new Error(JSON.stringify(end));
      await reaches(jobId, 'FINISHED');
      return end.value;
    }

    it('runs a job under the id it is given, and refuses the same id again', async () => {
      const jobId = await started();
      const again = await run(jobId);
      expect(again.kind).toBe('rejected');
      expect(again.kind === 'rejected' && again.message).toContain('already been submitted');
      expect(must(await flink.rest.jobs()).filter((one) => one.jobId === jobId)).toHaveLength(1);
      await cancelled(jobId);
    });

    it('stops with a savepoint of a chosen trigger id, and starts another job from it', async () => {
      const first = await started();
      const location = await stopped(first);
      expect(location.replace(/^file:\/*/, '/')).toContain(flink.savepoints.replace(/^file:\/*/, '/'));
      const second = await started(location);
      const { restored } = must(await flink.rest.checkpoints(second)).latest;
      expect(restored?.externalPath).toBe(location);
      expect(restored?.isSavepoint).toBe(true);
      await cancelled(second);
    });

    it('says that a stop is complete when the tasks have ended, and not before', async () => {
      const jobId = await started();
      const triggerId = freshId();
      await flink.rest.stopWithSavepoint(jobId, { targetDirectory: flink.savepoints, drain: false, triggerId });
      expect((await outcome(jobId, triggerId)).kind).toBe('completed');
      const job = must(await flink.rest.jobsOverview()).find((one) => one.jobId === jobId);
      expect(job?.tasks?.running ?? 0).toBe(0);
    });

    it('knows an operation by its trigger id only: repeating it starts nothing', async () => {
      const jobId = await started();
      const triggerId = freshId();
      const request = { targetDirectory: flink.savepoints, triggerId };
      expect(await flink.rest.triggerSavepoint(jobId, request)).toEqual({ kind: 'ok', value: triggerId });
      expect(await flink.rest.triggerSavepoint(jobId, request)).toEqual({ kind: 'ok', value: triggerId });
      const end = await outcome(jobId, triggerId);
      expect(end.kind).toBe('completed');
      expect(await flink.rest.triggerSavepoint(jobId, request)).toEqual({ kind: 'ok', value: triggerId });
      expect(await outcome(jobId, triggerId)).toEqual(end);
      const { history } = must(await flink.rest.checkpoints(jobId));
      expect(history.filter((one) => one.isSavepoint)).toHaveLength(1);
      await cancelled(jobId);
    });

    wholeOnly('repeats a stop by its trigger id after the job has ended', async () => {
      const jobId = await started();
      const triggerId = freshId();
      const request = { targetDirectory: flink.savepoints, drain: false, triggerId };
      must(await flink.rest.stopWithSavepoint(jobId, request));
      const end = await outcome(jobId, triggerId);
      await reaches(jobId, 'FINISHED');
      expect(await flink.rest.stopWithSavepoint(jobId, request)).toEqual({ kind: 'ok', value: triggerId });
      expect(await outcome(jobId, triggerId)).toEqual(end);
    });

    it('answers not-found for a trigger id it was never given', async () => {
      const jobId = await started();
      expect((await flink.rest.savepointOperation(jobId, freshId())).kind).toBe('not-found');
      expect((await flink.rest.checkpointOperation(jobId, freshId())).kind).toBe('not-found');
      await cancelled(jobId);
    });

    wholeOnly('accepts a savepoint of an unknown job, and lets it fail', async () => {
      const triggerId = freshId();
      const request = { targetDirectory: flink.savepoints, triggerId };
      expect(await flink.rest.triggerSavepoint(UNKNOWN_JOB, request)).toEqual({ kind: 'ok', value: triggerId });
      const end = await outcome(UNKNOWN_JOB, triggerId);
      expect(end.kind).toBe('failed');
      expect(end.kind === 'failed' && end.failure.stackTrace).toContain('FlinkJobNotFoundException');
    });

    wholeOnly('a job goes on when its stop fails for a folder that cannot be written', async () => {
      const jobId = await started();
      const triggerId = freshId();
      const request = { targetDirectory: flink.unwritable, drain: false, triggerId };
      must(await flink.rest.stopWithSavepoint(jobId, request));
      const end = await outcome(jobId, triggerId);
      expect(end.kind).toBe('failed');
      expect(end.kind === 'failed' && end.savepoint).toBeFalsy();
      await runs(jobId);
      const location = await stopped(jobId);
      expect(location).not.toBe('');
    });

    wholeOnly('refuses a start from a place where nothing is, and the job is FAILED', async () => {
      const jobId = freshId();
      const path = `${flink.savepoints}/savepoint-nowhere`;
      const answer = await run(jobId, path);
      expect(answer.kind).toBe('rejected');
      expect(answer.kind === 'rejected' && answer.message).toContain('Cannot find checkpoint or savepoint');
      await reaches(jobId, 'FAILED');
      const result = must(await flink.rest.executionResult(jobId));
      expect(result?.failure?.stackTrace).toContain('savepoint-nowhere');
    });

    wholeOnly(
      'takes checkpoints by itself and on request, each with a higher number, and keeps the newest',
      async () => {
        const jobId = await started();
        const second = await eventually('the second checkpoint', async () => {
          const { completed } = must(await flink.rest.checkpoints(jobId)).latest;
          return completed !== undefined && completed.id >= 2 ? completed : undefined;
        });
        expect(second.status).toBe('COMPLETED');
        expect(second.isSavepoint).toBe(false);
        expect(second.externalPath).toMatch(new RegExp(`/${jobId}/chk-${second.id}$`));
        const triggerId = must(await flink.rest.triggerCheckpoint(jobId, {}));
        const asked = await eventually('the checkpoint that was asked for', async () => {
          const operation = must(await flink.rest.checkpointOperation(jobId, triggerId));
          return operation.kind === 'in-progress' ? undefined : operation;
        });
        expect(asked.kind === 'completed' && asked.value).toBeGreaterThan(second.id);
        await cancelled(jobId);
      },
    );

    wholeOnly(
      'says of a job that ended otherwise, and of one it does not know, that it cannot be cancelled',
      async () => {
        const jobId = await started();
        await stopped(jobId);
        const ended = await flink.rest.cancel(jobId);
        expect(ended).toMatchObject({ kind: 'rejected', status: 409 });
        expect((await flink.rest.cancel(UNKNOWN_JOB)).kind).toBe('not-found');
        const states = must(await flink.rest.jobs()).map((one) => one.state);
        expect(states.every(isGloballyTerminal)).toBe(true);
      },
    );

    wholeOnly('a job that lost its TaskManager goes on from its newest checkpoint when another one comes', async () => {
      const jobId = await started();
      const before = await eventually(
        'a checkpoint',
        async () => must(await flink.rest.checkpoints(jobId)).latest.completed,
      );
      await flink.killTaskManager();
      await eventually('the loss', async () => {
        const job = must(await flink.rest.jobsOverview()).find((one) => one.jobId === jobId);
        return job?.state !== 'RUNNING' || job.tasks?.running !== job.tasks?.total ? true : undefined;
      });
      await flink.startTaskManager();
      await runs(jobId);
      const { restored } = must(await flink.rest.checkpoints(jobId)).latest;
      expect(restored?.id).toBeGreaterThanOrEqual(before.id);
      const { entries } = must(await flink.rest.exceptions(jobId, 10));
      expect(entries.length).toBeGreaterThan(0);
      await cancelled(jobId);
    });
  });
}
