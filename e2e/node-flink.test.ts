import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, localDistributions, startCluster } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import {
  type AnyObject,
  ConfigMap,
  Deployment,
  type KubeClient,
  Pod,
  type Resource,
  Role,
  RoleBinding,
  Service,
  ServiceAccount,
  systemClock,
  systemRandom,
} from '@drey/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * Real Flink on the process node, from objects written by hand: the JobManager creates its TaskManagers through the
 * embedded API server. Needs an installed Flink 1.20 (`drey flink install 1.20`); skipped otherwise.
 */

const findDistribution = localDistributions(systemDistribution());
const distribution = await findDistribution('1.20');
const JOB_ID = '0123456789abcdef0123456789abcdef';
const LABELS = { app: 'demo', type: 'flink-native-kubernetes', component: 'jobmanager' };
const block = 100 + (process.pid % 40);

const exports_ = ['java.base/sun.net.util', 'java.rmi/sun.rmi.registry', 'java.security.jgss/sun.security.krb5'];
const opens = ['lang', 'net', 'io', 'nio', 'lang.reflect', 'text', 'time', 'util', 'util.concurrent'].map(
  (name) => `java.base/java.${name}`,
);
const javaOptions = [
  '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  ...exports_.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...[...opens, 'java.base/sun.nio.ch'].map((name) => `--add-opens=${name}=ALL-UNNAMED`),
].join(' ');

const settings = {
  'kubernetes.cluster-id': 'demo',
  'kubernetes.namespace': 'default',
  'execution.target': 'kubernetes-application',
  'internal.cluster.execution-mode': 'NORMAL',
  'kubernetes.internal.jobmanager.entrypoint.class':
    'org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint',
  '$internal.application.main': 'org.apache.flink.streaming.examples.statemachine.StateMachineExample',
  '$internal.pipeline.job-id': JOB_ID,
  'pipeline.jars': 'local:///opt/flink/examples/streaming/StateMachineExample.jar',
  'blob.server.port': '6124',
  'taskmanager.rpc.port': '6122',
  'rest.bind-port': '8081',
  'jobmanager.memory.process.size': '1024m',
  'taskmanager.memory.process.size': '1024m',
  'kubernetes.container.image.ref': 'flink:1.20',
  'kubernetes.service-account': 'flink',
  'kubernetes.taskmanager.cpu.amount': '1.0',
  'taskmanager.numberOfTaskSlots': '2',
  'parallelism.default': '2',
  'execution.checkpointing.interval': '500ms',
  'resourcemanager.taskmanager-registration.timeout': '60s',
  'env.java.opts.all': javaOptions,
};
const highAvailability = {
  'high-availability.type': 'kubernetes',
  'high-availability.storageDir': 'file:///flink-data/ha',
  'high-availability.kubernetes.leader-election.lease-duration': '3 s',
  'high-availability.kubernetes.leader-election.renew-deadline': '3 s',
  'high-availability.kubernetes.leader-election.retry-period': '1 s',
  'execution.checkpointing.dir': 'file:///flink-data/checkpoints',
  'kubernetes.pod-template-file.taskmanager': '/opt/flink/pod-template/taskmanager-pod-template.yaml',
};
const LOGGING = [
  'rootLogger.level = INFO',
  'rootLogger.appenderRef.console.ref = Console',
  'appender.console.name = Console',
  'appender.console.type = CONSOLE',
  'appender.console.layout.type = PatternLayout',
  'appender.console.layout.pattern = %d %-5p %c - %m%n',
].join('\n');
const POD_TEMPLATE = (directory: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    spec: {
      containers: [{ name: 'flink-main-container', volumeMounts: [{ name: 'data', mountPath: '/flink-data' }] }],
      volumes: [{ name: 'data', hostPath: { path: directory } }],
    },
  });

async function createAll(client: KubeClient, more: Record<string, string>, data: string): Promise<void> {
  const namespace = 'default';
  const meta = { name: 'flink', namespace };
  const create = (resource: Resource<never>, object: unknown) =>
    client.create(resource as Resource<AnyObject>, object as AnyObject);
  await create(ServiceAccount as Resource<never>, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta });
  await client.create(Role, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: meta,
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['create', 'list', 'watch', 'delete'] },
      {
        apiGroups: [''],
        resources: ['configmaps'],
        verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
      },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'delete'] },
    ],
  });
  await client.create(RoleBinding, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: meta,
    subjects: [{ kind: 'ServiceAccount', name: 'flink', namespace }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'flink' },
  });
  await client.create(Deployment, jobManager(data));
  const ports = [
    { name: 'jobmanager-rpc', port: 6123 },
    { name: 'blobserver', port: 6124 },
  ];
  await client.create(Service, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'demo', namespace },
    spec: { clusterIP: 'None', selector: LABELS, ports },
  });
  await client.create(Service, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'demo-rest', namespace },
    spec: { selector: LABELS, ports: [{ name: 'rest', port: 8081, targetPort: 8081 }] },
  });
  const config = Object.entries({ ...settings, ...more }).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  await client.create(ConfigMap, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'flink-config-demo', namespace, labels: { app: 'demo', type: 'flink-native-kubernetes' } },
    data: { 'config.yaml': config.join('\n'), 'log4j-console.properties': LOGGING },
  });
  await client.create(ConfigMap, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'pod-template-demo', namespace },
    data: { 'taskmanager-pod-template.yaml': POD_TEMPLATE(data) },
  });
}

function jobManager(data: string): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'demo', namespace: 'default', labels: LABELS },
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: 'flink',
          terminationGracePeriodSeconds: 5,
          containers: [
            {
              name: 'flink-main-container',
              image: 'flink:1.20',
              command: ['/docker-entrypoint.sh'],
              args: ['bash', '-c', 'kubernetes-jobmanager.sh kubernetes-application '],
              resources: { limits: { memory: '1024Mi' }, requests: { cpu: '1', memory: '1024Mi' } },
              env: [
                { name: '_POD_IP_ADDRESS', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
              ],
              volumeMounts: [
                { name: 'flink-config-volume', mountPath: '/opt/flink/conf' },
                { name: 'pod-template-volume', mountPath: '/opt/flink/pod-template' },
                { name: 'data', mountPath: '/flink-data' },
              ],
            },
          ],
          volumes: [
            { name: 'flink-config-volume', configMap: { name: 'flink-config-demo' } },
            { name: 'pod-template-volume', configMap: { name: 'pod-template-demo' } },
            { name: 'data', hostPath: { path: data } },
          ],
        },
      },
    },
  };
}

async function until<T>(what: string, read: () => Promise<T | undefined | false>, limitMs = 90_000): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await read().catch(() => undefined);
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not reached: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Of the host's processes: the JVM whose environment belongs to a pod. */
function javaOf(podName: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const isJava = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]?.endsWith('/java');
      return isJava && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOSTNAME=${podName}`);
    } catch {
      return false;
    }
  });
  return Number(found);
}

describe.skipIf(distribution === undefined).each([
  { mode: 'without HA', more: { 'jobmanager.rpc.address': 'demo.default' }, fastStart: true },
  { mode: 'with Kubernetes HA', more: highAvailability, fastStart: true },
  { mode: "by Flink's own scripts", more: { 'jobmanager.rpc.address': 'demo.default' }, fastStart: false },
])('Flink on the process node, $mode', ({ mode, more, fastStart }) => {
  let cluster: Cluster;
  let data: string;
  let rest: string;

  const json = async (path: string): Promise<Record<string, unknown>> =>
    (await fetch(`${rest}${path}`)).json() as Promise<Record<string, unknown>>;
  const runningTasks = async (): Promise<number> => {
    const { jobs } = (await json('/jobs/overview')) as {
      jobs: { jid: string; state: string; tasks: { running: number; total: number } }[];
    };
    const job = jobs.find((one) => one.jid === JOB_ID);
    return job?.state === 'RUNNING' && job.tasks.running === job.tasks.total ? job.tasks.running : 0;
  };
  const restored = async (): Promise<number> => {
    const { latest } = (await json(`/jobs/${JOB_ID}/checkpoints`)) as { latest?: { restored?: { id: number } } };
    return latest?.restored?.id ?? 0;
  };
  const completed = async (): Promise<number> => {
    const { counts } = (await json(`/jobs/${JOB_ID}/checkpoints`)) as { counts?: { completed: number } };
    return counts?.completed ?? 0;
  };
  const pods = async (component: string): Promise<Pod[]> =>
    (await cluster.client.list(Pod, { namespace: 'default', labelSelector: `component=${component}` })).items;

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'drey-flink-'));
    cluster = await startCluster({
      clock: systemClock,
      random: systemRandom,
      fastStart,
      podRange: `127.${block}.0.0/16`,
      serviceRange: `127.${block + 50}.0.0/16`,
      images: { mappings: {}, findDistribution },
    });
    await createAll(cluster.client, more, data);
    const service = await cluster.client.get(Service, 'default', 'demo-rest');
    rest = `http://${service.spec?.clusterIP}:8081`;
  });
  afterAll(async () => {
    await cluster?.stop(1);
    rmSync(data, { recursive: true, force: true });
  });

  it('runs the job on TaskManagers that the JobManager asked for', async () => {
    const begin = performance.now();
    expect(await until('all tasks running', async () => (await runningTasks()) > 0 && runningTasks())).toBeGreaterThan(
      0,
    );
    process.stdout.write(`Flink ${mode}: all tasks running after ${Math.round(performance.now() - begin)} ms\n`);
    const [taskManager] = await pods('taskmanager');
    expect(taskManager?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Deployment', name: 'demo' });
    expect(taskManager?.status?.phase).toBe('Running');
    await until('a checkpoint', async () => (await completed()) > 0);
  });

  it.skipIf(!fastStart)('replaces a TaskManager that was killed, and goes on from a checkpoint', async () => {
    const [before] = await pods('taskmanager');
    process.kill(javaOf(before?.metadata.name ?? ''), 'SIGKILL');
    await until('another TaskManager', async () =>
      (await pods('taskmanager')).some((pod) => pod.metadata.uid !== before?.metadata.uid),
    );
    await until('restored', async () => (await restored()) > 0 && (await runningTasks()) > 0);
    expect(await pods('taskmanager')).toHaveLength(1);
  });

  it.skipIf(!fastStart)('restarts a JobManager that was killed', async () => {
    const [before] = await pods('jobmanager');
    await until('a checkpoint', async () => (await completed()) > 0);
    process.kill(javaOf(before?.metadata.name ?? ''), 'SIGKILL');
    const after = await until('restarted', async () => {
      const [pod] = await pods('jobmanager');
      return pod?.status?.containerStatuses?.[0]?.restartCount === 1 && pod;
    });
    expect(after.status?.podIP).toBe(before?.status?.podIP);
    expect(after.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137, signal: 9 });
    await until('all tasks running again', async () => (await runningTasks()) > 0);
    if (mode.includes('HA') && !mode.includes('without')) expect(await restored()).toBeGreaterThan(0);
  });

  it('leaves no process behind when its objects are deleted', async () => {
    await cluster.client.delete(Deployment, 'default', 'demo', { propagation: 'Foreground' });
    await until('pods gone', async () => (await cluster.client.list(Pod, { namespace: 'default' })).items.length === 0);
    const left = execFileSync('ps', ['-eo', 'args'])
      .toString()
      .split('\n')
      .filter((line) => line.includes(`127.${block}.`) && line.includes('/java '));
    expect(left).toEqual([]);
  });
});
