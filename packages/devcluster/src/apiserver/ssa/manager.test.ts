import type { AnyObject } from '@drey/kube';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StatusError } from '../model.ts';
import { builtinSchema, type TypeSchema } from '../schema/index.ts';
import {
  applyServerSide,
  keepTimesOfNoop,
  recordUpdate,
  type SsaContext,
  scaleOwners,
  scaleOwnersToParent,
} from './index.ts';

const configMap = builtinSchema('', 'v1', 'ConfigMap') as TypeSchema;
const deployment = builtinSchema('apps', 'v1', 'Deployment') as TypeSchema;

const context = (manager: string, more: Partial<SsaContext> = {}): SsaContext => ({
  manager,
  apiVersion: 'v1',
  subresource: undefined,
  time: '2026-01-01T00:00:00Z',
  schema: configMap,
  ...more,
});

const cm = (content: object = {}, metadata: object = {}): AnyObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', uid: 'u', ...metadata }, ...content }) as AnyObject;

const empty = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} } as AnyObject;

function apply(live: AnyObject, manager: string, content: object, force = false, time?: string): AnyObject {
  const intent = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, ...content } as AnyObject;
  return applyServerSide({
    ...context(manager, time === undefined ? {} : { time }),
    live,
    intent,
    force,
    kind: 'ConfigMap',
  });
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return `${error.status.code} ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

const owned = (object: AnyObject): Record<string, unknown> =>
  Object.fromEntries((object.metadata.managedFields ?? []).map((e) => [`${e.manager} ${e.operation}`, e.fieldsV1]));

describe('apply', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'), { maxKeys: 4 });

  test('applied twice it is a no-op, down to the times', () => {
    fc.assert(
      fc.property(data, data, (first, second) => {
        const live = apply(apply(empty, 'm1', { data: first }), 'm2', { data: second }, true);
        const again = apply(live, 'm2', { data: second }, true, '2027-01-01T00:00:00Z');
        expect(keepTimesOfNoop(live, again)).toEqual(live);
      }),
    );
  });

  test('managers of different fields commute', () => {
    fc.assert(
      fc.property(data, data, (first, second) => {
        const rest = Object.fromEntries(Object.entries(second).filter(([key]) => !(key in first)));
        const [a, b] = [{ data: first }, { data: rest }];
        // An apply that changes nothing gets no time, so times depend on the order.
        const [one, other] = [apply(apply(empty, 'm1', a), 'm2', b), apply(apply(empty, 'm2', b), 'm1', a)];
        expect({ data: one.data, owned: owned(one) }).toEqual({ data: other.data, owned: owned(other) });
      }),
    );
  });

  test('a forced apply always wins, and owns what it applies', () => {
    fc.assert(
      fc.property(data, data, (first, second) => {
        const live = apply(apply(empty, 'm1', { data: first }), 'm2', { data: second }, true);
        expect(live.data ?? {}).toMatchObject(second);
        const own = (owned(live)['m2 Apply'] ?? {}) as { 'f:data'?: object };
        expect(Object.keys(own['f:data'] ?? {}).sort()).toEqual(
          Object.keys(second)
            .map((k) => `f:${k}`)
            .sort(),
        );
      }),
    );
  });

  test('a field that nobody applies any more goes, unless an update owns it', () => {
    const live = apply(empty, 'm1', { data: { a: '1', b: '2' } });
    const updated = recordUpdate({
      ...context('u'),
      old: cm(live),
      object: cm({ data: { a: '1', b: '3' } }, { managedFields: live.metadata.managedFields }),
    });
    expect(apply(updated, 'm1', { data: {} }).data).toEqual({ b: '3' });
  });

  test('conflicts name every field of every manager', () => {
    const live = apply(apply(empty, 'm1', { data: { a: '1', b: '1' } }), 'm2', { data: { a: '1' } });
    expect(messageOf(() => apply(live, 'm3', { data: { a: '2', b: '2' } }))).toBe(
      '409 Apply failed with 3 conflicts: conflicts with "m1":\n- .data.a\n- .data.b\nconflicts with "m2":\n- .data.a',
    );
  });

  test('update managers are named with their version and subresource', () => {
    const live = recordUpdate({
      ...context('w', { subresource: undefined }),
      old: undefined,
      object: cm({ data: { a: '1' } }),
    });
    expect(messageOf(() => apply(live, 'm', { data: { a: '2' } }))).toBe(
      '409 Apply failed with 1 conflict: conflict with "w" using v1: .data.a',
    );
  });

  test.each<[object, string]>([
    [
      { bogus: 1 },
      '500 failed to create typed patch object (/c; /v1, Kind=ConfigMap): .bogus: field not declared in schema',
    ],
    [
      { data: { k: 5 } },
      '500 failed to create typed patch object (/c; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:5}',
    ],
    [
      { metadata: { name: 'c', finalizers: ['x', 'x'] } },
      '500 failed to create typed patch object (/c; /v1, Kind=ConfigMap): .metadata.finalizers: duplicate entries for key [="x"]',
    ],
    [{ kind: 'Secret' }, '400 invalid object type: /v1, Kind=Secret'],
    [{ metadata: { name: 'c', managedFields: [] } }, '400 metadata.managedFields must be nil'],
  ])('%j is refused in the words of the real server', (content, message) => {
    expect(messageOf(() => apply(empty, 'm', content))).toBe(message);
  });

  test('what was written before anybody applied is owned by before-first-apply', () => {
    const live = apply(cm({ data: { old: '1' } }), 'm', { data: { a: '1' } });
    expect(owned(live)).toEqual({
      'before-first-apply Update': { 'f:data': { '.': {}, 'f:old': {} } },
      'm Apply': { 'f:data': { 'f:a': {} } },
    });
  });

  test('kubectl takes over the fields of its own client-side apply, and keeps its annotation up to date', () => {
    const key = 'kubectl.kubernetes.io/last-applied-configuration';
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '1' } };
    const object = cm({ data: { a: '1' } }, { annotations: { [key]: JSON.stringify(applied) } });
    const live = recordUpdate({ ...context('kubectl-client-side-apply'), old: undefined, object });
    expect(messageOf(() => apply(live, 'other', { data: { a: '2' } }))).toContain('409');
    const next = apply(live, 'kubectl', { data: { a: '<2>' } });
    expect(next.data).toEqual({ a: '<2>' });
    expect(next.metadata.annotations?.[key]).toBe(
      '{"apiVersion":"v1","data":{"a":"\\u003c2\\u003e"},"kind":"ConfigMap","metadata":{"name":"c"}}\n',
    );
  });

  test('an entry of a version that is gone is dropped', () => {
    const live = apply(empty, 'm1', { data: { a: '1' } });
    const moved: AnyObject = {
      ...live,
      metadata: {
        ...live.metadata,
        managedFields: (live.metadata.managedFields ?? []).map((e) => ({ ...e, apiVersion: 'v0' })),
      },
    };
    const options = { ...context('m2'), schemaOf: () => undefined, live: moved, force: false, kind: 'ConfigMap' };
    const next = applyServerSide({ ...options, intent: cm({ data: { b: '1' } }) });
    expect(Object.keys(owned(next))).toEqual(['m2 Apply']);
  });

  test('lists that repeat a key are owned as a whole item', () => {
    const old = cm({}, { finalizers: ['x'] });
    const live = recordUpdate({ ...context('u'), old: undefined, object: cm({}, { finalizers: ['x', 'x'] }) });
    expect(owned(live)['u Update']).toEqual({ 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"x"': {} } } });
    expect(owned(recordUpdate({ ...context('u'), old: live, object: old }))['u Update']).toMatchObject({
      'f:metadata': {},
    });
  });
});

describe('updates', () => {
  test('a field that became atomic is owned as a whole', () => {
    const managedFields = [
      {
        manager: 'm',
        operation: 'Update',
        apiVersion: 'apps/v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:selector': { 'f:matchLabels': {} } } },
      },
    ];
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', uid: 'u', managedFields },
      spec: {},
    } as AnyObject;
    const next = recordUpdate({ ...context('n', { apiVersion: 'apps/v1', schema: deployment }), old: object, object });
    expect(owned(next)['m Update']).toEqual({ 'f:spec': { 'f:selector': {} } });
  });

  test.each([[[]], [[{}]]])('managedFields %j stops tracking', (managedFields) => {
    const live = apply(empty, 'm', { data: { a: '1' } });
    const next = recordUpdate({
      ...context('u'),
      old: live,
      object: { ...live, metadata: { ...live.metadata, managedFields } },
    });
    expect(next.metadata).not.toHaveProperty('managedFields');
  });

  test('entries that make no sense are replaced by the old ones', () => {
    const live = apply(empty, 'm', { data: { a: '1' } });
    const managedFields = [{ manager: 'x', operation: 'Burn' }];
    const next = recordUpdate({
      ...context('u'),
      old: live,
      object: { ...live, metadata: { ...live.metadata, managedFields } },
    });
    expect(owned(next)).toEqual(owned(live));
  });

  test('more than ten updaters are merged, the oldest first', () => {
    let live = recordUpdate({ ...context('m0'), old: undefined, object: cm({ data: { k0: '1' } }) });
    for (let i = 1; i <= 12; i++) {
      const time = `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`;
      const object = { ...live, data: { ...(live.data as object), [`k${i}`]: '1' } };
      live = recordUpdate({ ...context(`m${i}`, { time }), old: live, object });
    }
    const names = live.metadata.managedFields?.map((e) => e.manager);
    expect(names).toHaveLength(10);
    expect(names?.[0]).toBe('ancient-changes');
    expect(owned(live)['ancient-changes Update']).toEqual({
      'f:data': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {} },
    });
  });

  test('a scale carries the owners of replicas to and fro, and what was stolen is stolen', () => {
    const paths = { 'apps/v1': ['spec', 'replicas'] };
    const parent = [
      {
        manager: 'a',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } },
      },
    ];
    expect(scaleOwners(parent, paths)).toEqual([
      {
        manager: 'a',
        operation: 'Apply',
        apiVersion: 'autoscaling/v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      },
    ]);
    const scaled = [
      {
        manager: 's',
        operation: 'Update',
        apiVersion: 'autoscaling/v1',
        subresource: 'scale',
        time: '2026-01-01T00:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      },
    ];
    expect(scaleOwnersToParent(parent, scaled, 'apps/v1', paths)).toEqual([
      { ...parent[0], fieldsV1: { 'f:spec': { 'f:paused': {} } } },
      {
        manager: 's',
        operation: 'Update',
        apiVersion: 'apps/v1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { 'f:replicas': {} } },
        subresource: 'scale',
      },
    ]);
  });
});
