import { join } from 'node:path';
import { localDistributions } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasKubectl, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import {
  createJobNamespace,
  isSessionJobStable,
  type SessionPair,
  sessionCluster,
  sessionJob,
  sessionPair,
} from './support/session-job.ts';

/**
 * A session cluster and a session job of the same names in two namespaces, on real Flink 1.20 (test_multi_sessionjob of the
 * Apache operator), and the end of one of the namespaces. Needs an installed Flink 1.20 (`drey flink install 1.20`) and
 * kubectl; skipped otherwise.
 */

const distribution = await localDistributions(systemDistribution())('1.20');
const NAMESPACES = ['default', 'flink'] as const;
const CLUSTER = 'session';
const JOB = 'session-job';
/** How long the end of a namespace with a running job in it may take. */
const NAMESPACE_END_SECONDS = 60;

describe.skipIf(distribution === undefined || !hasKubectl)('the same names in two namespaces', () => {
  let drey: TestCluster;
  const pairs = (): SessionPair[] => NAMESPACES.map((namespace) => sessionPair(drey, namespace, CLUSTER, JOB));
  const idOf = (pair: SessionPair | undefined) => pair?.job().status?.jobStatus?.jobId;
  const jobManagers = (): number[] => jvmsBelow(drey.pid(), 'KubernetesSessionClusterEntrypoint');

  beforeAll(async () => {
    drey = await startDrey('e2e-namespaces');
    createJobNamespace(drey, NAMESPACES[1]);
  });
  afterAll(async () => {
    await drey?.stop();
  });

  it('run independently of each other', async () => {
    const jar = join(distribution?.home ?? '', 'examples', 'streaming', 'StateMachineExample.jar');
    for (const namespace of NAMESPACES) {
      const cluster = sessionCluster(CLUSTER);
      drey.apply({ ...cluster, metadata: { ...cluster.metadata, namespace } });
      drey.apply(sessionJob({ name: JOB, namespace }, CLUSTER, jar, { upgradeMode: 'savepoint' }));
    }
    for (const pair of pairs()) {
      await pair.reach('running', isSessionJobStable);
      expect(pair.cluster().status?.jobManagerDeploymentStatus).toBe('READY');
      await pair.withState();
    }
    const [one, other] = pairs().map(idOf);
    expect(one).not.toBe(other);
    expect(jobManagers()).toHaveLength(2);
  });

  it('are upgraded one without the other', async () => {
    const [one, other] = pairs();
    const before = [idOf(one), idOf(other)];
    const patch = JSON.stringify({ spec: { job: { parallelism: 2 } } });
    drey.kubectl('patch', 'flinksessionjob', JOB, '-n', NAMESPACES[1], '--type=merge', '-p', patch);
    await other?.reach(
      'upgraded',
      (object) => isSessionJobStable(object) && object.status?.jobStatus?.jobId !== before[1],
    );
    expect((await other?.restored())?.is_savepoint).toBe(true);
    expect(idOf(one)).toBe(before[0]);
    expect(one?.job().status?.jobStatus?.state).toBe('RUNNING');
  });

  it('end with their namespace, while the other goes on', async () => {
    const [one] = pairs();
    const id = idOf(one);
    const before = await one?.withState();
    drey.kubectl('delete', 'namespace', NAMESPACES[1], '--wait=false');
    drey.kubectl('wait', '--for=delete', `namespace/${NAMESPACES[1]}`, `--timeout=${NAMESPACE_END_SECONDS - 5}s`);
    expect(
      drey.kubectl('get', 'flinkdeployments,flinksessionjobs,pods', '-n', NAMESPACES[1], '-o', 'name').trim(),
    ).toBe('');
    expect(jobManagers()).toHaveLength(1);
    expect(idOf(one)).toBe(id);
    await one?.reach('stable', isSessionJobStable, 1_000);
    const completed = before?.counts.completed ?? 0;
    await expect
      .poll(async () => (await one?.withState())?.counts.completed, { timeout: 30_000 })
      .toBeGreaterThan(completed + 1);
  });
});
