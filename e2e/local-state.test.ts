import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, startDrey, type TestCluster } from './support/drey.ts';
import { asStandalone, flinkJob, until, withHighAvailability } from './support/flink-job.ts';

/**
 * 12.1 item 17, on real Flink: whether a TaskManager that is started again finds its local state, by Flink's own log. Needs the
 * distributions and kubectl.
 */

const STATEFUL = {
  'kubernetes.taskmanager.stateful-set.enabled': 'true',
  'kubernetes.taskmanager.stateful-set.volume.size': '1Gi',
};
/** What a StatefulSet switches on by itself. */
const LOCAL_RECOVERY = {
  'execution.checkpointing.local-backup.enabled': 'true',
  'execution.state-recovery.from-local': 'true',
};
const VERSIONS = [
  { image: 'flink:1.20', flinkVersion: 'v1_20' },
  { image: 'flink:2.3', flinkVersion: 'v2_3' },
] as const;
const LOGGING = [
  'rootLogger.level = INFO',
  'rootLogger.appenderRef.console.ref = Console',
  'appender.console.name = Console',
  'appender.console.type = CONSOLE',
  'appender.console.layout.type = PatternLayout',
  'appender.console.layout.pattern = %d %-5p %c - %m%n',
  'logger.state.name = org.apache.flink.runtime.state',
  'logger.state.level = DEBUG',
].join('\n');

describe.skipIf(!hasKubectl)('local state of standalone TaskManagers on real Flink', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startDrey('e2e-local-state');
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  /** A job on two TaskManagers with a slot each. */
  function standalone(
    name: string,
    { image, flinkVersion }: (typeof VERSIONS)[number],
    configuration: Record<string, string>,
  ): FlinkDeployment {
    return example(name, (object) => {
      const { spec } = object;
      spec.image = image;
      spec.flinkVersion = flinkVersion;
      withHighAvailability(object);
      asStandalone(object);
      spec.logConfiguration = { 'log4j-console.properties': LOGGING };
      spec.taskManager = { ...spec.taskManager, replicas: 2 };
      spec.flinkConfiguration = { ...spec.flinkConfiguration, 'taskmanager.numberOfTaskSlots': '1', ...configuration };
    });
  }

  interface Seen {
    readonly name: string;
    readonly uid: string;
  }

  const seen = (what: string, name: string, component = ''): Seen[] => {
    const labels = `app=${name}${component && `,component=${component}`}`;
    const { items } = JSON.parse(cluster.kubectl('get', what, '-l', labels, '-o', 'json')) as {
      readonly items: readonly { readonly metadata: Seen }[];
    };
    return items.map(({ metadata }) => ({ name: metadata.name, uid: metadata.uid }));
  };
  const taskManagers = (name: string): Seen[] => seen('pods', name, 'taskmanager');

  /** What the log of a TaskManager says about each state that it was to restore. */
  const restores = (pod: string): { readonly local: number; readonly remote: number } => {
    const log = cluster.kubectl('logs', pod);
    const lines = (text: string): number => log.split('\n').filter((line) => line.includes(text)).length;
    return { local: lines('Found registered local state'), remote: lines('Did not find registered local state') };
  };

  /** Kills a TaskManager with its pod, or tells it to go, and waits until its successor runs. */
  async function replaced(
    name: string,
    how: 'killed' | 'told to go' = 'killed',
  ): Promise<{ readonly before: Seen; readonly after: Seen }> {
    const pods = taskManagers(name);
    const [before] = pods;
    if (before === undefined) throw new Error('no TaskManager');
    const hurry = how === 'killed' ? ['--grace-period=0', '--force'] : [];
    cluster.kubectl('delete', 'pod', before.name, ...hurry);
    const after = await until('no successor restored anything', async () => {
      const fresh = taskManagers(name).find(({ uid }) => !pods.some((one) => one.uid === uid));
      if (fresh === undefined) return undefined;
      const { local, remote } = restores(fresh.name);
      return local + remote > 0 ? fresh : undefined;
    });
    await flinkJob(cluster, name).tasksRun();
    return { before, after };
  }

  /** Directories of the node that hold local state of a cluster. */
  const directories = (name: string): string[] =>
    readdirSync(join(dirname(cluster.kubeconfig), 'data'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      new RegExp(`flink-local-state-${name}-taskmanager-\\d+$`).test(path),
    );

  async function started(object: FlinkDeployment): Promise<void> {
    const { name } = object.metadata as { readonly name: string };
    cluster.apply(object);
    await cluster.reach(name, 'running', isStable, 120_000);
    await flinkJob(cluster, name).tasksRun();
    await flinkJob(cluster, name).withState();
  }

  it.each(VERSIONS)(
    '12.1 item 17: with a StatefulSet a TaskManager that is replaced restores from its local state: $image',
    async (version) => {
      const name = `stateful-${version.flinkVersion.replace('_', '-')}`;
      await started(standalone(name, version, STATEFUL));
      expect(seen('statefulsets', name).map((one) => one.name)).toEqual([`${name}-taskmanager`]);
      const claims = seen('pvc', name);
      expect(directories(name)).toHaveLength(2);
      expect(claims.map((one) => one.name).sort()).toEqual([
        `flink-local-state-${name}-taskmanager-0`,
        `flink-local-state-${name}-taskmanager-1`,
      ]);

      for (const how of ['killed', 'told to go'] as const) {
        await flinkJob(cluster, name).withState();
        const { before, after } = await replaced(name, how);
        expect(after.name, how).toBe(before.name);
        const { local, remote } = restores(after.name);
        expect(remote, how).toBe(0);
        expect(local, how).toBeGreaterThan(0);
      }
      expect(seen('pvc', name)).toEqual(claims);
      // Nothing of it went through the operator, and no job was lost.
      expect(cluster.deployment(name).status?.jobStatus?.state).toBe('RUNNING');

      // An upgrade makes the StatefulSet anew on the same claims. A JobManager that is told to go frees its slots, and with a slot
      // Flink deletes its local state: the new job restores from its checkpoint.
      const [set] = seen('statefulsets', name);
      cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', '{"spec":{"restartNonce":1}}');
      await until('no other StatefulSet', async () => {
        const [now] = seen('statefulsets', name);
        return now !== undefined && now.uid !== set?.uid ? true : undefined;
      });
      await cluster.reach(name, 'running again', isStable, 120_000);
      await flinkJob(cluster, name).tasksRun();
      expect(await flinkJob(cluster, name).restoredFrom()).toContain('/chk-');
      expect(seen('pvc', name)).toEqual(claims);
      for (const pod of taskManagers(name)) expect(restores(pod.name)).toMatchObject({ local: 0 });

      cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=120s');
      await until('something of the cluster is left', async () =>
        seen('all,pvc', name).length === 0 && directories(name).length === 0 ? true : undefined,
      );
    },
  );

  it('12.1 item 17: with a Deployment a TaskManager that is replaced finds nothing, although local recovery is on', async () => {
    const name = 'stateless-pods';
    await started(standalone(name, VERSIONS[0], LOCAL_RECOVERY));
    const { before, after } = await replaced(name);
    expect(after.name).not.toBe(before.name);
    expect(restores(after.name)).toMatchObject({ local: 0 });
    expect(restores(after.name).remote).toBeGreaterThan(0);

    // The same job as a StatefulSet: the Deployment goes before it, and the state comes along.
    const patch = JSON.stringify({ spec: { flinkConfiguration: STATEFUL } });
    cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', patch);
    await until('no StatefulSet', async () => (seen('statefulsets', name).length === 1 ? true : undefined));
    await cluster.reach(name, 'running as a StatefulSet', isStable, 120_000);
    await flinkJob(cluster, name).tasksRun();
    expect(await flinkJob(cluster, name).restoredFrom()).toContain('/chk-');
    expect(seen('deployments', name).map((one) => one.name)).toEqual([name]);
    cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=120s');
    await until('something of the cluster is left', async () =>
      seen('all,pvc', name).length === 0 ? true : undefined,
    );
  });
});
