import type { ManagedFieldsEntry } from '@drey/kube';
import { type FieldSet, fromFieldsV1, toFieldsV1, union } from './field-set.ts';

/** One owner of fields: a manager with its operation, and the fields it owns. */
export interface Managed {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  readonly time: string | undefined;
  readonly set: FieldSet;
}

/** Owners by identity; see {@link identity}. */
export type Owners = ReadonlyMap<string, Managed>;

/** Entries of updates beyond this number are merged, oldest first. */
const UPDATE_MANAGERS_MAX = 10;

/** What makes two entries the same owner: for appliers the version does not count. */
export function identity(m: Pick<Managed, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  return JSON.stringify({
    manager: m.manager === '' ? undefined : m.manager,
    operation: m.operation,
    apiVersion: m.operation === 'Apply' ? undefined : m.apiVersion,
    subresource: m.subresource,
  });
}

/** The owners of an object; undefined when an entry is malformed. */
export function decodeManaged(entries: readonly ManagedFieldsEntry[] | undefined): Owners | undefined {
  const owners = new Map<string, Managed>();
  for (const entry of entries ?? []) {
    const { operation, apiVersion } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || entry.fieldsType !== 'FieldsV1')
      return undefined;
    const set = fromFieldsV1(entry.fieldsV1 ?? {});
    if (set === undefined) return undefined;
    const managed: Managed = {
      manager: entry.manager ?? '',
      operation,
      apiVersion,
      subresource: entry.subresource || undefined,
      time: entry.time ?? undefined,
      set,
    };
    owners.set(identity(managed), managed);
  }
  return owners;
}

/** The entries of managedFields, in the server's order: appliers first, then by time, manager, version, subresource. */
export function encodeManaged(owners: Owners): ManagedFieldsEntry[] {
  return [...owners.values()].sort(compareManaged).map((m) => ({
    ...(m.manager === '' ? {} : { manager: m.manager }),
    operation: m.operation,
    apiVersion: m.apiVersion,
    ...(m.time === undefined ? {} : { time: m.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(m.set),
    ...(m.subresource === undefined ? {} : { subresource: m.subresource }),
  }));
}

function compareManaged(a: Managed, b: Managed): number {
  return (
    compareText(a.operation, b.operation) ||
    seconds(a) - seconds(b) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function seconds(m: Managed): number {
  return m.time === undefined ? 0 : Math.floor(Date.parse(m.time) / 1000);
}

/** Merges the oldest updates into one `ancient-changes` entry per version when there are too many. */
export function capUpdates(owners: Owners): Owners {
  const updates = [...owners].filter(([, m]) => m.operation === 'Update');
  if (updates.length <= UPDATE_MANAGERS_MAX) return owners;
  updates.sort(([a, ma], [b, mb]) => seconds(ma) - seconds(mb) || compareText(a, b));
  const out = new Map(owners);
  const firstOfVersion = new Map<string, string>();
  let count = updates.length;
  for (const [id, managed] of updates) {
    if (count <= UPDATE_MANAGERS_MAX) break;
    const ancient = {
      manager: 'ancient-changes',
      operation: 'Update' as const,
      apiVersion: managed.apiVersion,
      subresource: undefined,
    };
    const bucket = identity(ancient);
    const first = firstOfVersion.get(managed.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(managed.apiVersion, id);
      continue;
    }
    const start = out.get(bucket) ?? out.get(first);
    if (!out.has(bucket)) out.delete(first);
    out.delete(id);
    out.set(bucket, { ...ancient, time: managed.time, set: union(managed.set, start?.set ?? new Map()) });
    count--;
  }
  return out;
}
