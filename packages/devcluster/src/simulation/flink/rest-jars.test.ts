import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { expect, it } from 'vitest';
import { SimulatedJobManager } from './jobmanager.ts';
import { handleRest } from './rest.ts';
import { SimulatedStorage } from './storage.ts';
import { usualTimings } from './timings.ts';

const SOURCE = 'bc764cd8ddf7a0cff126f51c16239658';
const SINK = '20ba6b65f97481d5570070de90e4e791';

async function session(version: string): Promise<SimulatedJobManager> {
  const clock = new VirtualClock();
  const jobManager = new SimulatedJobManager({
    ...{ clock, random: new SeededRandom(1), storage: new SimulatedStorage(), timings: usualTimings, version },
    ...{ clusterId: 'default/session', host: '10.1.0.1', adaptive: true, shutdownOnFinish: false },
    jobDefaults: {
      checkpointIntervalMs: 1000,
      checkpointDir: 'file:///of-the-cluster',
      retainOnCancellation: false,
      savepointDir: undefined,
    },
    onSlotsNeeded: () => undefined,
    onExit: () => undefined,
  });
  await clock.until(() => jobManager.restUp);
  jobManager.jars.set('a.jar', { id: 'a.jar', name: 'a.jar', uploaded: 0 });
  return jobManager;
}

/** Runs a jar with a configuration; the job. */
function run(jobManager: SimulatedJobManager, flinkConfiguration: object) {
  handleRest(jobManager, 'POST', '/jars/a.jar/run', { parallelism: 1, flinkConfiguration });
  const [job] = jobManager.jobs.values();
  return job;
}

it('runs a jar with the options of the request before those of the cluster', async () => {
  const job = run(await session('1.20.5'), {
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'execution.checkpointing.interval': '5 s',
  });
  expect(job?.spec).toMatchObject({
    ...{ retainOnCancellation: true, checkpointIntervalMs: 5000, checkpointDir: 'file:///of-the-cluster' },
  });
});

it('gives each vertex the parallelism that the configuration overrides, and tells it as what is required', async () => {
  const jobManager = await session('1.20.5');
  const job = run(jobManager, { 'pipeline.jobvertex-parallelism-overrides': `${SOURCE}:3` });
  expect(job?.parallelism).toBe(3);
  const { body } = handleRest(jobManager, 'GET', `/jobs/${job?.spec.jobId}/resource-requirements`, null);
  expect(body).toEqual({
    [SOURCE]: { parallelism: { lowerBound: 1, upperBound: 3 } },
    [SINK]: { parallelism: { lowerBound: 1, upperBound: 1 } },
  });
});

it('knows no resource requirements before Flink 1.18', async () => {
  const status = async (version: string): Promise<number> => {
    const jobManager = await session(version);
    const id = run(jobManager, {})?.spec.jobId;
    return handleRest(jobManager, 'GET', `/jobs/${id}/resource-requirements`, null).status;
  };
  expect([await status('1.17.2'), await status('1.18.1')]).toEqual([404, 200]);
});
