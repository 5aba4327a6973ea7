import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import { flinkJob, until } from './support/flink-job.ts';

const EXAMPLES = 'local:///opt/flink/examples/streaming';
const CLEANUP = 'kubernetes.operator.job-result-store.cleanup.enabled';
const UPGRADES = 3;

/** The result of a job that is over, and that Flink has cleaned up after. */
const JOB_RESULT = /^job-result-store\/.*\/[0-9a-f]{32}\.json$/;
const KINDS = ['application-result-store', 'job-result-store'];

/** 12.1 item 5, on real Flink 2.3, which keeps results of applications beside those of jobs. */
describe.skipIf(!hasKubectl)('files of results in an HA directory that is mounted', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startDrey('e2e-results');
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  /** A deployment with high availability, and its HA directory. */
  function withResults(name: string, configuration: Record<string, string>): { object: FlinkDeployment; ha: string } {
    let ha = '';
    const object = example(name, ({ spec }) => {
      const directory = String(spec.flinkConfiguration?.['execution.checkpointing.dir']);
      ha = directory.replace(/^file:\/\//, '').replace(/checkpoints$/, 'ha');
      spec.image = 'flink:2.3';
      spec.flinkVersion = 'v2_3';
      spec.flinkConfiguration = {
        ...spec.flinkConfiguration,
        'high-availability.type': 'kubernetes',
        'high-availability.storageDir': `file://${ha}`,
        // The example of 2.x has state that Flink cannot write in canonical format.
        'kubernetes.operator.savepoint.format.type': 'NATIVE',
        ...configuration,
      };
    });
    return { object, ha };
  }

  /** The directories of results, by kind and start, with the files in each. */
  function results(ha: string, name: string): Record<string, string[]> {
    const found = KINDS.map((kind) => join(kind, name)).filter((path) => existsSync(join(ha, path)));
    const starts = found.flatMap((path) => readdirSync(join(ha, path)).map((start) => join(path, start)));
    return Object.fromEntries(starts.map((path) => [path, readdirSync(join(ha, path)).sort()]));
  }

  /** The files of results of jobs, and when each was written. Flink itself deletes that of an application in the end. */
  function filesOf(ha: string, name: string): Record<string, number> {
    const paths = Object.entries(results(ha, name))
      .flatMap(([path, files]) => files.map((file) => join(path, file)))
      .filter((path) => JOB_RESULT.test(path));
    return Object.fromEntries(paths.map((path) => [path, statSync(join(ha, path)).mtimeMs]));
  }

  /** The directories that the running cluster is configured with. */
  function inUse(name: string): string[] {
    const data = cluster.kubectl('get', 'configmap', `flink-config-${name}`, '-o', 'jsonpath={.data.config\\.yaml}');
    return [...data.matchAll(/\/((?:job|application)-result-store\/\S+?)"?$/gm)].map(([, path]) => path ?? '').sort();
  }

  /** Stops the job with its state and starts another one, so often; each stop leaves a result. */
  async function upgrade(name: string): Promise<void> {
    await cluster.reach(name, 'running', isStable, 120_000);
    await flinkJob(cluster, name).tasksRun();
    for (let number = 1; number <= UPGRADES; number += 1) {
      const patch = JSON.stringify({ spec: { restartNonce: number } });
      cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', patch);
      await cluster.reach(name, `upgrade ${number}`, isStable, 120_000);
      await flinkJob(cluster, name).tasksRun();
    }
  }

  it('pile up with each upgrade without the option, which then deletes those of the start that it finds', async () => {
    const name = 'piled';
    const { object, ha } = withResults(name, {});
    cluster.apply(object);
    await upgrade(name);
    const left = results(ha, name);
    for (const kind of KINDS) {
      expect(Object.keys(left).filter((path) => path.startsWith(kind)).length).toBeGreaterThanOrEqual(UPGRADES);
    }
    expect(Object.values(left).flat().length).toBeGreaterThanOrEqual(UPGRADES);
    // The option takes effect with the next start, which deletes what the start before it left, and no more.
    cluster.kubectl(
      ...['patch', 'flinkdeployment', name, '--type=merge', '-p'],
      JSON.stringify({ spec: { flinkConfiguration: { [CLEANUP]: 'true' } } }),
    );
    await until('the results of the start without the option are recorded', async () =>
      cluster.deployment(name).status?.resultStores?.length === 1 ? true : undefined,
    );
    const before = inUse(name);
    cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', '{"spec":{"restartNonce":100}}');
    await cluster.reach(name, 'another upgrade', isStable, 120_000);
    const kept = Object.keys(left).filter((path) => !before.includes(path));
    expect(kept.length).toBeGreaterThan(0);
    await until('only the start before is cleaned up', async () => {
      const now = Object.keys(results(ha, name));
      return before.every((path) => !now.includes(path)) ? true : undefined;
    });
    expect(Object.keys(results(ha, name))).toEqual(expect.arrayContaining(kept));
    cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=120s');
  });

  it('12.1 item 5: with the option every start leaves exactly the newest directory, which a restarted JobManager finds', async () => {
    const name = 'cleaned';
    const { object, ha } = withResults(name, { [CLEANUP]: 'true' });
    cluster.apply(object);
    await upgrade(name);
    const own = inUse(name);
    expect(own.map((path) => path.split('/')[0])).toEqual(KINDS);
    const now = await until('only directories of the running cluster', async () => {
      const paths = Object.keys(results(ha, name));
      return paths.every((path) => own.includes(path)) ? paths : undefined;
    });
    expect(now.sort()).toEqual(own);
    // The JobManager of a job that is over must not run it again, so its result is there.
    cluster.kubectl(
      ...['patch', 'flinkdeployment', name, '--type=merge', '-p'],
      JSON.stringify({
        spec: {
          job: {
            jarURI: `${EXAMPLES}/WordCount.jar`,
            entryClass: 'org.apache.flink.streaming.examples.wordcount.WordCount',
            args: ['--execution-mode', 'STREAMING'],
            upgradeMode: 'stateless',
          },
        },
      }),
    );
    const isOver = ({ status }: FlinkDeployment): boolean => status?.jobStatus?.state === 'FINISHED';
    await cluster.reach(name, 'finished', isOver, 120_000);
    const last = await until('the result of the last start alone', async () => {
      const found = filesOf(ha, name);
      const isOne = Object.keys(results(ha, name)).sort().join() === inUse(name).join();
      return isOne && Object.keys(found).length === 1 ? found : undefined;
    });
    const restarts = (): string =>
      cluster.kubectl(
        ...['get', 'pods', '-l', `app=${name},component=jobmanager`, '-o'],
        'jsonpath={.items[0].status.containerStatuses[0].restartCount} {.items[0].status.containerStatuses[0].ready}',
      );
    expect(restarts()).toBe('0 true');
    const [jobManager] = jvmsBelow(cluster.pid(), 'KubernetesApplicationClusterEntrypoint');
    process.kill(jobManager as number, 'SIGKILL');
    await until('the JobManager is back', async () => (restarts() === '1 true' ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(filesOf(ha, name)).toEqual(last);
    expect(cluster.deployment(name).status?.jobStatus?.state).toBe('FINISHED');
    // On deletion state is kept, and with it these.
    cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=120s');
    expect(filesOf(ha, name)).toEqual(last);
  });
});
