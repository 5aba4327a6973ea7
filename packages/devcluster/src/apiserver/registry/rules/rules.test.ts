import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ApiServer, createApiServer, ObjectStore } from '../../index.ts';

let server: ApiServer;

interface Answered {
  readonly code: number;
  readonly warnings: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: answers are read field by field
  readonly body: any;
}

async function send(method: string, path: string, body: unknown, type = 'application/json'): Promise<Answered> {
  const response = await server.handle({
    method,
    path,
    query: new URLSearchParams(),
    headers: { 'content-type': type },
    body: Buffer.from(JSON.stringify(body)),
    user: { name: 'admin', groups: ['system:masters'] },
    signal: new AbortController().signal,
  });
  const text = Buffer.from(response.body as Uint8Array).toString();
  return { code: response.status, warnings: response.warnings ?? [], body: JSON.parse(text) };
}

const pods = '/api/v1/namespaces/n/pods';
const deployments = '/apis/apps/v1/namespaces/n/deployments';
const autoscalers = '/apis/autoscaling/v2/namespaces/n/horizontalpodautoscalers';
const merge = 'application/merge-patch+json';

const podSpec = (...ports: object[]): object => ({ containers: [{ name: 'c', image: 'i', ports }] });

const deployment = (...ports: object[]): object => ({
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: podSpec(...ports) },
  },
});

beforeEach(async () => {
  const clock = new VirtualClock();
  server = createApiServer({ store: new ObjectStore({ clock }), clock, random: new SeededRandom(1) });
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
});

describe('warnings about ports', () => {
  const http = { containerPort: 80 };

  test.each<[string, object[], string[]]>([
    ['the same port twice', [http, http], ['duplicate']],
    [
      'the same port under two names',
      [
        { ...http, name: 'a' },
        { ...http, name: 'b' },
      ],
      ['duplicate'],
    ],
    ['ports of two protocols', [http, { ...http, protocol: 'UDP' }], []],
    ['a host port on one of two', [{ ...http, hostPort: 80 }, http], ['overlapping']],
    [
      'two host ports',
      [
        { ...http, hostPort: 81 },
        { ...http, hostPort: 82 },
      ],
      [],
    ],
    [
      'one host port, once of one address',
      [
        { ...http, hostPort: 81, hostIP: '1.2.3.4' },
        { ...http, hostPort: 81 },
      ],
      ['dangerously ambiguous'],
    ],
  ])('tell of %s', async (_, ports, problems) => {
    const { code, warnings } = await send('POST', pods, { metadata: { name: 'p' }, spec: podSpec(...ports) });
    expect(code).toBe(201);
    expect(warnings).toEqual(
      problems.map(
        (problem) => `spec.containers[0].ports[1]: ${problem} port definition with spec.containers[0].ports[0]`,
      ),
    );
  });

  test('count the ports of all containers, those that start first before the others', async () => {
    const spec = { ...podSpec(http), initContainers: [{ name: 'i', image: 'i', ports: [http] }] };
    const { warnings } = await send('POST', pods, { metadata: { name: 'p' }, spec });
    expect(warnings).toEqual([
      'spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]',
    ]);
  });

  test('come again with each change of a Deployment, but not with one of its labels or with one of a pod', async () => {
    const at = 'spec.template.spec.containers[0]';
    const warning = `${at}.ports[1]: duplicate port definition with ${at}.ports[0]`;
    expect((await send('POST', deployments, deployment(http, http))).warnings).toEqual([warning]);
    const change = (body: object): Promise<Answered> => send('PATCH', `${deployments}/d`, body, merge);
    expect((await change({ metadata: { labels: { a: 'b' } } })).warnings).toEqual([]);
    expect((await change({ spec: { replicas: 3 } })).warnings).toEqual([warning]);
    await send('POST', pods, { metadata: { name: 'p' }, spec: podSpec(http, http) });
    expect((await send('PATCH', `${pods}/p`, { metadata: { labels: { a: 'b' } } }, merge)).warnings).toEqual([]);
  });

  test('names of pods should be labels', async () => {
    const { warnings } = await send('POST', pods, { metadata: { name: 'a.b' }, spec: podSpec() });
    expect(warnings).toEqual([
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
    ]);
  });
});

describe('finalizers', () => {
  test.each(['not a name', 'x', 'a.b', 'a b/c'])('of an update are judged like those of a create: %s', async (name) => {
    await send('POST', deployments, deployment());
    const patched = await send('PATCH', `${deployments}/d`, { metadata: { finalizers: [name] } }, merge);
    const created = await send('POST', deployments, { ...deployment(), metadata: { name: 'e', finalizers: [name] } });
    expect([patched.code, created.code]).toEqual([422, 422]);
    expect(patched.body.details.causes).toEqual(created.body.details.causes);
  });

  test('of a lease need no domain', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/n/leases';
    const codes = ['x', 'not a name'].map(async (name, i) => {
      return (await send('POST', leases, { metadata: { name: `l${i}`, finalizers: [name] } })).code;
    });
    expect(await Promise.all(codes)).toEqual([201, 422]);
  });
});

describe('stateful sets', () => {
  /** Its pod mounts a volume of this name. */
  const make = (mounted: string): Promise<Answered> =>
    send('POST', '/apis/apps/v1/namespaces/n/statefulsets', {
      metadata: { name: `mounts-${mounted}` },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: mounted, mountPath: '/m' }] }] },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'claimed' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    });

  test('may mount the volumes of their claims, and no others', async () => {
    const { code, body } = await make('claimed');
    expect(code).toBe(201);
    // They are not part of the template.
    expect(body.spec.template.spec.volumes).toBeUndefined();
    const other = await make('other');
    expect(other.code).toBe(422);
    expect(other.body.details.causes).toEqual([
      expect.objectContaining({ field: 'spec.template.spec.containers[0].volumeMounts[0].name' }),
    ]);
  });
});

describe('autoscalers', () => {
  const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 };
  const make = (more: object): Promise<Answered> =>
    send('POST', autoscalers, { metadata: { name: 'h' }, spec: { ...spec, ...more } });
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 };

  test('aim at 80 percent of cpu, in both versions', async () => {
    const { body } = await make({});
    const target = { type: 'Utilization', averageUtilization: 80 };
    expect(body.spec).toEqual({
      ...spec,
      minReplicas: 1,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    });
    const old = await send('POST', autoscalers.replace('v2', 'v1'), { metadata: { name: 'o' }, spec });
    expect(old.body.spec).toEqual({ ...spec, minReplicas: 1, targetCPUUtilizationPercentage: 80 });
  });

  test('with a behavior have all of it', async () => {
    const policy = { type: 'Pods', value: 1, periodSeconds: 5 };
    const { body } = await make({ behavior: { scaleUp: { policies: [policy] } } });
    expect(body.spec.behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [policy] },
      scaleDown: { selectPolicy: 'Max', policies: [percent] },
    });
  });

  test('do not scale to zero by cpu', async () => {
    const { body } = await make({ minReplicas: 0 });
    expect(body.details.causes).toEqual([
      expect.objectContaining({
        field: 'spec.minReplicas',
        message: 'Invalid value: 0: must be greater than or equal to 1',
      }),
      expect.objectContaining({ field: 'spec.metrics', reason: 'FieldValueForbidden' }),
    ]);
  });
});
