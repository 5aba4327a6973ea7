import { describe, expect, test } from 'vitest';
import type { Cached } from '../cache/store.ts';
import { Deployment, Pod } from '../kinds.ts';
import { type Answer, FakeTransport, SeededRandom, VirtualClock } from '../testing/index.ts';
import { failure } from '../testing/model-server.ts';
import { Applier, intentHash, projection } from './apply.ts';
import type { KubeClient } from './client.ts';
import { addFinalizer, removeFinalizer } from './finalizers.ts';
import { createKubeClient } from './kube-client.ts';

const clientOver = (transport: FakeTransport): KubeClient =>
  createKubeClient({ transport, clock: new VirtualClock(), random: new SeededRandom(1) });

const intent = (image: string, cpu = '1000m'): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'ns', labels: { app: 'x' } },
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: { spec: { containers: [{ name: 'main', image, resources: { limits: { cpu } } }] } },
  },
});

/** What a server makes of it: normalised quantities, defaults, another's sidecar and label, a version that moves. */
function live(from: Deployment, version: string): Deployment {
  const object = structuredClone(from);
  const [main] = object.spec?.template.spec?.containers ?? [];
  if (main?.resources?.limits) main.resources.limits.cpu = '1';
  object.spec?.template.spec?.containers.push({ name: 'sidecar', image: 'mesh' });
  object.metadata = { ...object.metadata, uid: 'u1', resourceVersion: version, labels: { app: 'x', other: 'y' } };
  return { ...object, status: { replicas: Number(version) } };
}

const options = { fieldManager: 'drey' } as const;

describe('Applier', () => {
  const setUp = (): { applier: Applier; transport: FakeTransport } => {
    const answer = (body: unknown): Answer => ({ body: live(JSON.parse(String(body)) as Deployment, '1') });
    const transport = new FakeTransport((request) => answer(request.body));
    return { applier: new Applier(clientOver(transport)), transport };
  };

  test('sends an intent once, and again only when it or the owned part of the object changes', async () => {
    const { applier, transport } = setUp();
    const apply = async (i: Deployment, l: Cached<Deployment> | undefined): Promise<string> =>
      (await applier.apply(Deployment, i, l, options)).type;
    expect(await apply(intent('a'), undefined)).toBe('applied');
    expect(await apply(intent('a'), live(intent('a'), '1'))).toBe('unchanged');
    expect(await apply(intent('a'), live(intent('a'), '7'))).toBe('unchanged');
    expect(await apply(intent('b'), live(intent('a'), '7'))).toBe('applied');
    expect(await apply(intent('b'), live(intent('evil'), '9'))).toBe('applied');
    expect(
      await apply(intent('b'), { ...live(intent('b'), '9'), metadata: { name: 'd', namespace: 'ns', uid: 'u2' } }),
    ).toBe('applied');
    expect(await apply(intent('b'), undefined)).toBe('applied');
    expect(transport.requests).toHaveLength(5);
  });

  test('sends an intent that lost a field', async () => {
    const { applier } = setUp();
    await applier.apply(Deployment, intent('a'), undefined, options);
    const less = intent('a');
    delete less.metadata.labels;
    expect((await applier.apply(Deployment, less, live(intent('a'), '1'), options)).type).toBe('applied');
  });

  test('keeps managers and dry runs apart, and forgets what failed', async () => {
    let fail = true;
    const transport = new FakeTransport((request) =>
      fail ? failure(409, 'Conflict') : { body: live(JSON.parse(String(request.body)) as Deployment, '1') },
    );
    const applier = new Applier(clientOver(transport));
    const now = live(intent('a'), '1');
    await expect(applier.apply(Deployment, intent('a'), now, options)).rejects.toMatchObject({
      code: 'E_KUBE_CONFLICT',
    });
    fail = false;
    expect((await applier.apply(Deployment, intent('a'), now, { ...options, dryRun: true })).type).toBe('applied');
    expect((await applier.apply(Deployment, intent('a'), now, options)).type).toBe('applied');
    expect((await applier.apply(Deployment, intent('a'), now, { fieldManager: 'other' })).type).toBe('applied');
    expect((await applier.apply(Deployment, intent('a'), now, options)).type).toBe('unchanged');
  });
});

describe('projection', () => {
  test.each([
    [{ a: 1 }, { a: 2, b: 3 }, { a: 2 }],
    [{ a: { b: 1 } }, {}, { a: undefined }],
    [{ args: ['x'] }, { args: ['x', 'y'] }, { args: ['x', 'y'] }],
    [[{ name: 'a', v: 1 }], [{ name: 'b' }, { name: 'a', v: 2, w: 3 }], [{ name: 'a', v: 2 }]],
    [
      [{ containerPort: 1 }],
      [
        { containerPort: 1, protocol: 'UDP' },
        { containerPort: 1, protocol: 'TCP' },
      ],
      [{ containerPort: 1 }],
    ],
    [[{ key: 'k' }], [{ key: 'k' }, { key: 'l' }], [{ key: 'k' }, { key: 'l' }]],
    [[], [{ name: 'a' }], [{ name: 'a' }]],
  ])('of %j on %j is %j', (wanted, there, result) => {
    expect(projection(wanted, there)).toEqual(result);
  });

  test('a hash does not depend on the order of members, but on that of elements', () => {
    expect(intentHash({ a: 1, b: { c: 1, d: 2 } })).toBe(intentHash({ b: { d: 2, c: 1 }, a: 1 }));
    expect(intentHash([1, 2])).not.toBe(intentHash([2, 1]));
  });
});

describe('finalizers', () => {
  const pod = (...finalizers: string[]): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', uid: 'u', ...(finalizers.length > 0 && { finalizers }) },
  });
  const patches = (transport: FakeTransport): unknown[] => transport.requests.map((r) => JSON.parse(String(r.body)));

  test('are added and removed one at a time, on the very object, if the list is as it was', async () => {
    const transport = new FakeTransport(() => ({ body: pod() }));
    const client = clientOver(transport);
    await addFinalizer(client, Pod, pod(), 'f');
    await addFinalizer(client, Pod, pod('x'), 'f');
    await removeFinalizer(client, Pod, pod('x', 'f', 'y'), 'f');
    const uid = { op: 'test', path: '/metadata/uid', value: 'u' };
    expect(patches(transport)).toEqual([
      [
        uid,
        { op: 'test', path: '/metadata/finalizers', value: null },
        { op: 'add', path: '/metadata/finalizers', value: ['f'] },
      ],
      [
        uid,
        { op: 'test', path: '/metadata/finalizers', value: ['x'] },
        { op: 'add', path: '/metadata/finalizers/-', value: 'f' },
      ],
      [
        uid,
        { op: 'test', path: '/metadata/finalizers/1', value: 'f' },
        { op: 'remove', path: '/metadata/finalizers/1' },
      ],
    ]);
    expect(transport.requests.map((r) => r.headers['content-type'])).toEqual(
      Array(3).fill('application/json-patch+json'),
    );
  });

  test('can be made conditional on the exact version, and name what the server refuses', async () => {
    const refused = failure(422, 'Invalid', [{ reason: 'FieldValueInvalid' }]);
    const transport = FakeTransport.sequence(failure(422, 'Invalid'), refused);
    const client = clientOver(transport);
    const seen = { ...pod(), metadata: { ...pod().metadata, resourceVersion: '7' } };
    await expect(addFinalizer(client, Pod, seen, 'f', { exact: true })).rejects.toMatchObject({
      code: 'E_KUBE_CONFLICT',
    });
    await expect(addFinalizer(client, Pod, seen, 'not a name')).rejects.toMatchObject({ code: 'E_KUBE_INVALID' });
    expect(patches(transport)[0]).toContainEqual({ op: 'test', path: '/metadata/resourceVersion', value: '7' });
  });

  test('that are as wanted need no request', async () => {
    const transport = FakeTransport.sequence();
    const client = clientOver(transport);
    expect(await addFinalizer(client, Pod, pod('f'), 'f')).toBeUndefined();
    expect(await removeFinalizer(client, Pod, pod('x'), 'f')).toBeUndefined();
    expect(transport.requests).toEqual([]);
  });

  test('of an object that changed are a conflict, of one that is gone are removed', async () => {
    const client = clientOver(
      FakeTransport.sequence(failure(422, 'Invalid'), failure(404, 'NotFound'), failure(404, 'NotFound')),
    );
    await expect(addFinalizer(client, Pod, pod(), 'f')).rejects.toMatchObject({ code: 'E_KUBE_CONFLICT' });
    expect(await removeFinalizer(client, Pod, pod('f'), 'f')).toBeUndefined();
    await expect(addFinalizer(client, Pod, pod(), 'f')).rejects.toMatchObject({ code: 'E_KUBE_NOT_FOUND' });
  });
});
