import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigMap,
  type Container,
  CoreEvent,
  Deployment,
  isKubeError,
  Job,
  type KubeClient,
  Node,
  PersistentVolumeClaim,
  Pod,
  type PodSpec,
  Service,
  StatefulSet,
  systemClock,
  systemRandom,
} from '@drey/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from './cluster.ts';
import { detectIsolation } from './node/isolation.ts';

const isolation = await detectIsolation();
/** Blocks of this test process alone, so that suites can run side by side. */
const block = 100 + (process.pid % 40);
const problems: string[] = [];

const start = (dataDirectory?: string): Promise<Cluster> =>
  startCluster({
    clock: systemClock,
    random: systemRandom,
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
    images: { mappings: {}, findDistribution: async () => undefined },
    podRange: `127.${block}.0.0/16`,
    serviceRange: `127.${block + 50}.0.0/16`,
    backoff: { initialMs: 50, maxMs: 200, resetAfterMs: 60_000 },
    onProblem: (where, error) => problems.push(`${where}: ${error}`),
  });

async function until<T>(what: string, read: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + 15_000;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not reached: ${what}; problems: ${problems.join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const sh = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'busybox',
  command: ['sh', '-c', script],
  ...more,
});
const meta = (name: string, labels?: Record<string, string>) => ({
  name,
  namespace: 'default',
  ...(labels === undefined ? {} : { labels }),
});
const podOf = (name: string, spec: PodSpec): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: meta(name), spec });
const template = (app: string, spec: PodSpec) => ({ metadata: { labels: { app } }, spec });

const getPod = (client: KubeClient, name: string) =>
  client.get(Pod, 'default', name).catch((error: unknown) => {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  });
const podsOf = async (client: KubeClient, app: string) =>
  (await client.list(Pod, { namespace: 'default', labelSelector: `app=${app}` })).items;
const phase = (client: KubeClient, name: string, wanted: string) =>
  until(`${name} ${wanted}`, async () => {
    const pod = await getPod(client, name);
    return pod?.status?.phase === wanted && pod;
  });

async function logOf(cluster: Cluster, pod: string, previous = false): Promise<string> {
  const options = { follow: false, previous, timestamps: false };
  const target = { namespace: 'default', pod, container: 'main' };
  const parts: Uint8Array[] = [];
  for await (const part of cluster.node.logs(target, options, new AbortController().signal)) parts.push(part);
  return Buffer.concat(parts).toString();
}

const httpText = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const call = request({ host, port, timeout: 2000, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text));
    });
    call.on('error', () => resolve(undefined));
    call.end();
  });
const webServer = (text: string): Container => ({
  name: 'main',
  image: 'busybox',
  command: [
    process.execPath,
    '-e',
    `require('http').createServer((q, r) => r.end(${JSON.stringify(text)} + process.env.NAME)).listen(8080, process.env.IP)`,
  ],
  env: [
    { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  ],
  ports: [{ name: 'web', containerPort: 8080 }],
  readinessProbe: { httpGet: { port: 'web' }, periodSeconds: 1 },
});

describe.skipIf(isolation.type !== 'namespaces')('cluster', () => {
  let cluster: Cluster;
  let client: KubeClient;
  beforeAll(async () => {
    cluster = await start();
    ({ client } = cluster);
  });
  afterAll(() => cluster.stop(1));

  it('registers a ready node', async () => {
    const node = await client.get(Node, undefined, 'drey');
    expect(node.status?.conditions?.find((c) => c.type === 'Ready')?.status).toBe('True');
    expect(node.spec?.taints ?? []).toEqual([]);
  });

  it('runs a pod as soon as the ConfigMap it mounts appears', async () => {
    const spec: PodSpec = {
      restartPolicy: 'Never',
      containers: [
        sh('cat /conf/greeting; ls /var/run/secrets/kubernetes.io/serviceaccount', {
          volumeMounts: [{ name: 'conf', mountPath: '/conf' }],
        }),
      ],
      volumes: [{ name: 'conf', configMap: { name: 'late' } }],
    };
    await client.create(Pod, podOf('reader', spec));
    await until('assigned', async () => (await getPod(client, 'reader'))?.status?.podIP !== undefined);
    const metadata = meta('late');
    await client.create(ConfigMap, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { greeting: 'hello\n' } });
    await phase(client, 'reader', 'Succeeded');
    expect(await logOf(cluster, 'reader')).toBe('hello\nca.crt\nnamespace\ntoken\n');
  });

  it('restarts what fails, with back-off, and keeps the log of the instance before', async () => {
    const spec: PodSpec = { containers: [sh('echo attempt; exit 3')] };
    await client.create(Pod, podOf('failing', spec));
    const pod = await until('three restarts', async () => {
      const found = await getPod(client, 'failing');
      return (found?.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 3 && found;
    });
    expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(await logOf(cluster, 'failing', true)).toBe('attempt\n');
    await client.delete(Pod, 'default', 'failing');
    await until('gone', async () => (await getPod(client, 'failing')) === undefined);
  });

  it('says what to do about an image that it does not know', async () => {
    await client.create(Pod, podOf('unknown', { containers: [{ name: 'main', image: 'nginx:1' }] }));
    const waiting = await until('waiting', async () => {
      const state = (await getPod(client, 'unknown'))?.status?.containerStatuses?.[0]?.state?.waiting;
      return state?.reason === 'ErrImagePull' && state;
    });
    expect(waiting.message).toContain("drey up --image 'nginx:1=flink:1.20'");
    const events = await until('event', async () => {
      const { items } = await client.list(CoreEvent, { namespace: 'default' });
      const found = items.filter((e) => e.involvedObject.name === 'unknown' && e.reason === 'Failed');
      return found.length > 0 && found;
    });
    expect(events[0]?.message).toContain('Failed to pull image "nginx:1"');
    await client.delete(Pod, 'default', 'unknown');
  });

  it('kills a container that uses more memory than its limit', async () => {
    const command = [process.execPath, '-e', 'const a = []; setInterval(() => a.push(Buffer.alloc(2e7, 1)), 20)'];
    const container: Container = {
      name: 'main',
      image: 'busybox',
      command,
      resources: { limits: { memory: '128Mi' } },
    };
    await client.create(Pod, podOf('hungry', { restartPolicy: 'Never', containers: [container] }));
    const pod = await phase(client, 'hungry', 'Failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('rolls a Deployment out behind its Service, and cleans up after it', async () => {
    const deployment = (text: string): Deployment => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: meta('web'),
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: template('web', { terminationGracePeriodSeconds: 1, containers: [webServer(text)] }),
      },
    });
    await client.create(Deployment, deployment('one '));
    const service = await client.create(Service, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('web'),
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'web' }] },
    });
    const address = service.spec?.clusterIP ?? '';
    expect(address).toMatch(new RegExp(`^127\\.${block + 50}\\.`));
    const available = (generation: number) =>
      until(`generation ${generation} available`, async () => {
        const { status } = await client.get(Deployment, 'default', 'web');
        return (
          (status?.observedGeneration ?? 0) >= generation &&
          status?.updatedReplicas === 2 &&
          status?.availableReplicas === 2 &&
          status?.replicas === 2
        );
      });
    const { metadata } = await client.get(Deployment, 'default', 'web');
    await available(metadata.generation ?? 0);
    const seen = new Set<string>();
    for (let i = 0; i < 4; i++) seen.add(await until('an answer', () => httpText(address, 80)));
    expect([...seen].every((text) => text.startsWith('one web-'))).toBe(true);
    expect(seen.size).toBe(2);
    const patched = await client.patch(Deployment, 'default', 'web', 'strategic', { spec: deployment('two ').spec });
    await available(patched.metadata.generation ?? 0);
    await until('only new pods', async () => (await podsOf(client, 'web')).length === 2);
    expect(await until('an answer', () => httpText(address, 80))).toMatch(/^two web-/);
    await client.delete(Deployment, 'default', 'web', { propagation: 'Background' });
    await until('pods gone', async () => (await podsOf(client, 'web')).length === 0);
  });

  it('runs commands in a pod and connects to its ports', async () => {
    await client.create(Pod, podOf('server', { containers: [webServer('direct ')] }));
    await until('ready', async () => (await getPod(client, 'server'))?.status?.containerStatuses?.[0]?.ready);
    const target = { namespace: 'default', pod: 'server', container: 'main' };
    const session = await cluster.node.exec(target, ['sh', '-c', 'echo $NAME; hostname'], { stdin: false, tty: false });
    let text = '';
    for await (const part of session.stdout) text += Buffer.from(part).toString();
    expect(text).toBe('server\nserver\n');
    const connection = await cluster.node.dial('default', 'server', 8080);
    await connection.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
    let answer = '';
    for await (const part of connection.readable) answer += Buffer.from(part).toString();
    expect(answer).toContain('direct server');
  });

  it('keeps what is written to a persistent volume claim from one pod to the next', async () => {
    await client.create(PersistentVolumeClaim, {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: meta('store'),
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const volumes = [{ name: 'store', persistentVolumeClaim: { claimName: 'store' } }];
    const volumeMounts = [{ name: 'store', mountPath: '/store' }];
    for (const [name, script] of [
      ['writer', 'echo kept > /store/f'],
      ['second-reader', 'cat /store/f'],
    ] as const) {
      await client.create(
        Pod,
        podOf(name, { restartPolicy: 'Never', containers: [sh(script, { volumeMounts })], volumes }),
      );
      await phase(client, name, 'Succeeded');
    }
    expect(await logOf(cluster, 'second-reader')).toBe('kept\n');
    expect((await client.get(PersistentVolumeClaim, 'default', 'store')).status?.phase).toBe('Bound');
  });

  it('completes a Job and runs a StatefulSet in order', async () => {
    await client.create(Job, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: meta('work'),
      spec: { completions: 2, template: { spec: { restartPolicy: 'Never', containers: [sh('echo done')] } } },
    });
    await client.create(StatefulSet, {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: meta('db'),
      spec: {
        replicas: 2,
        serviceName: 'db',
        selector: { matchLabels: { app: 'db' } },
        template: template('db', {
          terminationGracePeriodSeconds: 1,
          containers: [sh('trap "exit 0" TERM; sleep 600 & wait')],
        }),
      },
    });
    const job = await until('job complete', async () => {
      const found = await client.get(Job, 'default', 'work');
      return found.status?.conditions?.some((c) => c.type === 'Complete') && found;
    });
    expect(job.status?.succeeded).toBe(2);
    await until(
      'both pods ready',
      async () => (await client.get(StatefulSet, 'default', 'db')).status?.readyReplicas === 2,
    );
    expect((await podsOf(client, 'db')).map((pod) => pod.metadata.name).sort()).toEqual(['db-0', 'db-1']);
  });
});

describe.skipIf(isolation.type !== 'namespaces')('cluster with a data directory', () => {
  it('takes its pods up again after a restart: same address, one restart more', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'drey-cluster-test-'));
    try {
      const first = await start(directory);
      await first.client.create(Pod, podOf('survivor', { containers: [sh('echo first; sleep 600')] }));
      const ended: PodSpec = { restartPolicy: 'Never', containers: [sh('echo over')] };
      await first.client.create(Pod, podOf('ended', ended));
      await phase(first.client, 'ended', 'Succeeded');
      const before = await phase(first.client, 'survivor', 'Running');
      await first.stop(0);
      const second = await start(directory);
      const after = await until('running again', async () => {
        const pod = await getPod(second.client, 'survivor');
        return pod?.status?.containerStatuses?.[0]?.restartCount === 1 && pod;
      });
      expect(after.status?.podIP).toBe(before.status?.podIP);
      expect(after.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(255);
      expect(await logOf(second, 'survivor', true)).toBe('first\n');
      expect(await logOf(second, 'ended')).toBe('over\n');
      await second.stop(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
