import type { AnyObject } from '@drey/kube';
import { VirtualClock } from '@drey/kube/testing';
import { describe, expect, it } from 'vitest';
import { type Change, ObjectStore, type StoredRecord } from './index.ts';

const KEY = '/configmaps';

function configMap(name: string, namespace = 'a', value = '1'): AnyObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { value } };
}

function put(store: ObjectStore, object: AnyObject, expected?: StoredRecord): StoredRecord {
  const record = store.write(KEY, object, expected);
  if (record === 'conflict') throw new Error('conflict');
  return record;
}

function names(records: readonly StoredRecord[]): readonly string[] {
  return records.map(({ namespace, name }) => `${namespace}/${name}`);
}

describe('the object store', () => {
  it('gives every write the next revision, as the resourceVersion of the object', () => {
    const store = new ObjectStore({ clock: new VirtualClock() });
    const first = put(store, configMap('x'));
    const second = put(store, configMap('y'));
    expect(second.revision).toBe(first.revision + 1);
    expect(second.object.metadata.resourceVersion).toBe(String(second.revision));
    expect(store.revision).toBe(second.revision);
  });

  it('refuses a write that does not know the newest version', () => {
    const store = new ObjectStore({ clock: new VirtualClock() });
    const first = put(store, configMap('x'));
    put(store, configMap('x', 'a', '2'), first);
    expect(store.write(KEY, configMap('x', 'a', '3'), first)).toBe('conflict');
    expect(store.write(KEY, configMap('x'), undefined)).toBe('conflict');
    expect(store.remove(first)).toBe('conflict');
    expect(store.get(KEY, 'a', 'x')?.object.data).toEqual({ value: '2' });
  });

  it('lists in the order of whole keys, one namespace or all', () => {
    const store = new ObjectStore({ clock: new VirtualClock() });
    for (const [namespace, name] of [
      ['b', 'x'],
      ['a', 'z'],
      ['a', 'y'],
      ['a-b', 'x'],
    ] as const) {
      put(store, configMap(name, namespace));
    }
    expect(names(store.list(KEY, { namespace: undefined }))).toEqual(['a-b/x', 'a/y', 'a/z', 'b/x']);
    expect(names(store.list(KEY, { namespace: 'a' }))).toEqual(['a/y', 'a/z']);
    expect(names(store.list(KEY, { namespace: 'a', from: 'a/y\0' }))).toEqual(['a/z']);
  });

  it('reads the state at an older revision until it is discarded', () => {
    const store = new ObjectStore({ clock: new VirtualClock() });
    const x = put(store, configMap('x'));
    const at = store.revision;
    put(store, configMap('x', 'a', '2'), x);
    const y = put(store, configMap('y'));
    store.remove(y);
    const found = store.listAt(KEY, { namespace: 'a' }, at);
    expect(found).toEqual({ type: 'records', records: [x] });
    expect(store.listAt(KEY, { namespace: 'a' }, store.revision + 1)).toEqual({ type: 'future' });
    store.compact();
    expect(store.listAt(KEY, { namespace: 'a' }, at)).toEqual({ type: 'gone', oldest: store.revision });
  });

  it('discards by age, also when nothing is written any more', async () => {
    const clock = new VirtualClock();
    const store = new ObjectStore({ clock, historyMs: 10_000 });
    put(store, configMap('x'));
    const at = store.revision;
    put(store, configMap('y'));
    await clock.advance(9_000);
    expect(store.listAt(KEY, { namespace: 'a' }, at).type).toBe('records');
    await clock.advance(2_000);
    expect(store.listAt(KEY, { namespace: 'a' }, at).type).toBe('gone');
  });

  it('tells listeners of each change once, in order, with what was before', () => {
    const store = new ObjectStore({ clock: new VirtualClock() });
    const seen: Change[] = [];
    const stop = store.subscribe(KEY, (change) => seen.push(change));
    const x = put(store, configMap('x'));
    const x2 = put(store, configMap('x', 'a', '2'), x);
    store.remove(x2);
    stop();
    put(store, configMap('z'));
    expect(seen.map(({ type, previous }) => [type, previous])).toEqual([
      ['ADDED', undefined],
      ['MODIFIED', x],
      ['DELETED', x2],
    ]);
    expect(store.changesAfter(KEY, x.revision)).toHaveLength(3);
  });

  it('keeps a bounded number of changes for watches that resume', () => {
    const store = new ObjectStore({ clock: new VirtualClock(), maxChangesPerKind: 5 });
    const first = store.revision;
    for (let i = 0; i < 600; i += 1) put(store, configMap(`x${i}`));
    expect(store.changesAfter(KEY, store.revision - 5)).toHaveLength(5);
    expect(store.changesAfter(KEY, first)).toEqual({ oldest: store.revision - 5 });
  });

  it('stays as it was when the backend fails', () => {
    const failing = {
      load: () => ({ revision: 7, records: [] }),
      put: () => {
        throw new Error('disk');
      },
      remove: () => undefined,
      close: () => undefined,
    };
    const store = new ObjectStore({ clock: new VirtualClock(), backend: failing });
    const seen: Change[] = [];
    store.subscribe(undefined, (change) => seen.push(change));
    expect(() => store.write(KEY, configMap('x'), undefined)).toThrow('disk');
    expect([store.revision, store.count(KEY), seen.length]).toEqual([7, 0, 0]);
  });
});
