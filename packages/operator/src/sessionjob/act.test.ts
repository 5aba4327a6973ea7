import { expect, test } from 'vitest';
import type { Env, FlinkCluster } from '../runtime/ports.ts';
import { aRunningSessionJob } from '../testing/session-worlds.ts';
import { act } from './act.ts';
import type { SessionJobPlan } from './plan.ts';
import type { Submissions } from './submissions.ts';

const job = aRunningSessionJob();
const request = {
  jobId: 'b'.repeat(32),
  triggerId: 'c'.repeat(32),
  targetDirectory: '',
  drain: false,
  format: 'NATIVE',
};
const plan = {
  ...{ status: job.status ?? {}, events: [], wakeUp: { kind: 'on-change' } },
  steps: [{ kind: 'stop-with-savepoint', request }],
} as unknown as SessionJobPlan;

/** Carries the plan out while the cluster is as given; how often Flink was asked to stop the job. */
async function stops(cluster: { readonly operation?: object; readonly deleted?: boolean }): Promise<number> {
  let asked = 0;
  const deletionTimestamp = cluster.deleted ? '2026-01-01T00:00:00Z' : undefined;
  const env = {
    caches: {
      sessionJobs: { written: () => undefined },
      flinkDeployments: { get: () => ({ status: { operation: cluster.operation } }) },
      deployments: { get: () => ({ metadata: { deletionTimestamp } }) },
    },
    kube: { get: async () => job },
    metrics: { steps: { inc: () => undefined } },
  } as unknown as Env;
  const flink = {
    stopWithSavepoint: async () => {
      asked += 1;
      return { kind: 'ok', value: undefined };
    },
  } as unknown as FlinkCluster;
  const options = { signal: new AbortController().signal, flink, submissions: {} as Submissions };
  await act(env, job, plan, options).catch((error: { code?: string }) =>
    expect(error.code).toBe('E_OPERATOR_OUTDATED'),
  );
  return asked;
}

test('A job is stopped for its change, also where its cluster waits for that', async () => {
  expect(await stops({})).toBe(1);
  expect(await stops({ operation: { kind: 'upgrade', id: 'a', phase: 'stopping', epoch: 0 } })).toBe(1);
});

test('A job is not stopped any more once its cluster has begun to go', async () => {
  expect(await stops({ operation: { kind: 'upgrade', id: 'a', phase: 'removing', epoch: 0 } })).toBe(0);
  expect(await stops({ deleted: true })).toBe(0);
});
