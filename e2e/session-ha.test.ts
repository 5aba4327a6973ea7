import { join } from 'node:path';
import type { FlinkSessionJob } from '@drey/api';
import { localDistributions } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasKubectl, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import { withHighAvailability } from './support/flink-job.ts';
import {
  isSessionJobStable,
  type SessionPair,
  sessionCluster,
  sessionJob,
  sessionPair,
} from './support/session-job.ts';

/**
 * kill -9 of a session cluster's JobManager on real Flink 1.20: with high availability Flink itself takes the job up again
 * (test_sessionjob_kubernetes_ha of the Apache operator), without it Drey does, from the newest state it knows. Needs an
 * installed Flink 1.20 (`drey flink install 1.20`) and kubectl; skipped otherwise.
 */

const distribution = await localDistributions(systemDistribution())('1.20');
const CLUSTER = 'session';
const JOB = 'session-job';

type UpgradeMode = 'last-state' | 'savepoint';

/** Where the newest checkpoint is that the operator has written down. */
const newestIn = (status: FlinkSessionJob['status']): string | undefined => status?.jobStatus?.newestCheckpoint?.path;

describe.skipIf(distribution === undefined || !hasKubectl)(
  'a session job whose JobManager is killed with kill -9',
  () => {
    let drey: TestCluster;

    beforeAll(async () => {
      drey = await startDrey('e2e-session-ha');
    });
    afterAll(async () => {
      await drey?.stop();
    });

    async function running(isHighlyAvailable: boolean, upgradeMode: UpgradeMode): Promise<SessionPair> {
      const jar = join(distribution?.home ?? '', 'examples', 'streaming', 'StateMachineExample.jar');
      drey.apply(sessionCluster(CLUSTER, isHighlyAvailable ? withHighAvailability : undefined));
      drey.apply(sessionJob({ name: JOB, namespace: 'default' }, CLUSTER, jar, { upgradeMode }));
      const pair = sessionPair(drey, 'default', CLUSTER, JOB);
      await pair.reach('running', isSessionJobStable);
      return pair;
    }

    /** Kills the JobManager, and waits until the status says that something happened. */
    async function killJobManager(): Promise<void> {
      const pids = jvmsBelow(drey.pid(), 'KubernetesSessionClusterEntrypoint');
      expect(pids).toHaveLength(1);
      process.kill(pids[0] as number, 'SIGKILL');
      await drey.reach(CLUSTER, 'seen dead', ({ status }) => status?.jobManagerDeploymentStatus !== 'READY', 30_000);
    }

    const clusterBack = () =>
      drey.reach(CLUSTER, 'back', ({ status }) => status?.jobManagerDeploymentStatus === 'READY', 120_000);

    function remove(): void {
      drey.kubectl('delete', 'flinksessionjob', JOB, '--timeout=60s');
      drey.kubectl('delete', 'flinkdeployment', CLUSTER, '--timeout=120s');
      expect(drey.kubectl('get', 'pods', '-o', 'name').trim()).toBe('');
    }

    it('is restored by Flink from its newest checkpoint as the same job, with high availability', async () => {
      const pair = await running(true, 'last-state');
      const before = await pair.withState();
      const id = pair.job().status?.jobStatus?.jobId;
      await killJobManager();
      await clusterBack();
      const restored = await pair.restored();
      expect(restored.is_savepoint).toBe(false);
      expect(restored.id).toBeGreaterThanOrEqual(before.latest.completed?.id ?? 0);
      const after = await pair.reach('running again', isSessionJobStable);
      expect(after.status?.jobStatus?.jobId).toBe(id);
      expect((await pair.withState()).latest.completed?.id ?? 0).toBeGreaterThan(restored.id);
      remove();
    });

    it.each<UpgradeMode>(['last-state', 'savepoint'])(
      'is started by Drey from the newest state it knows, without high availability, in mode %s',
      async (upgradeMode) => {
        const pair = await running(false, upgradeMode);
        const known = await pair.reach('a known checkpoint', ({ status }) => newestIn(status) !== undefined);
        const id = known.status?.jobStatus?.jobId;
        await killJobManager();
        await clusterBack();
        await pair.reach(
          'running again',
          (object) => isSessionJobStable(object) && object.status?.jobStatus?.jobId !== id,
        );
        const restored = await pair.restored();
        expect(restored.external_path).toMatch(new RegExp(`^file:.*/${id}/chk-\\d+$`));
        expect(restored.id).toBeGreaterThanOrEqual(Number(newestIn(known.status)?.replace(/^.*chk-/, '')));
        remove();
      },
    );
  },
);
