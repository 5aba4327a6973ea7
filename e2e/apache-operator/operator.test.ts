import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDrey, type TestCluster } from '../support/drey.ts';
import {
  installItsCrds,
  type JavaOperator,
  olderExample,
  startJavaOperator,
  whyNoJavaOperator,
} from './java-operator.ts';

if (whyNoJavaOperator !== undefined) {
  process.stdout.write(`SKIPPED, the Apache operator on the embedded cluster: ${whyNoJavaOperator}\n`);
}

describe.skipIf(whyNoJavaOperator !== undefined)(
  'the Apache operator (Java), unchanged, on the embedded cluster',
  () => {
    let cluster: TestCluster;
    let operator: JavaOperator;

    beforeAll(async () => {
      cluster = await startDrey('e2e-apache', '--no-operator');
      installItsCrds(cluster);
      operator = await startJavaOperator(cluster);
    });

    afterAll(async () => {
      operator?.stop();
      await cluster?.stop();
    });

    it('deploys a job on real Flink 1.18 to RUNNING, and deletes it', async () => {
      cluster.apply(
        olderExample('apache', (object) => {
          object.spec.job = { ...object.spec.job, upgradeMode: 'stateless' };
        }),
      );
      try {
        await operator.nameService('apache-rest');
        await cluster.reach(
          'apache',
          'RUNNING',
          (object) => {
            if (object.status?.jobManagerDeploymentStatus === 'ERROR')
              throw new Error(object.status.error ?? 'the JobManager failed');
            return object.status?.jobStatus?.state === 'RUNNING';
          },
          180_000,
        );
      } catch (error) {
        const jobManager = cluster
          .kubectl('logs', 'deployment/apache')
          .split('\n')
          .filter((line) => /ERROR|Caused by|Exception/.test(line))
          .slice(0, 30)
          .join('\n');
        throw new Error(
          `${String(error)}\nthe JobManager's log ends in:\n${jobManager}\nthe operator's log ends in:\n${operator.log()}`,
        );
      }
      const overview = await cluster.flink<{ jobs: { state: string }[] }>('apache', '/jobs/overview');
      expect(overview.jobs.map((one) => one.state)).toEqual(['RUNNING']);
      cluster.kubectl('delete', 'flinkdeployment', 'apache', '--timeout=120s');
      expect(cluster.kubectl('get', 'deployments,pods', '-o', 'name').trim()).toBe('');
    });
  },
);
