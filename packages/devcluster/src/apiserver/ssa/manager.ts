import type { AnyObject, ManagedFieldsEntry } from '@drey/kube';
import { StatusError } from '../model.ts';
import { equalJson, goJson, isObject, type TypeSchema, zeroObject } from '../schema/index.ts';
import { compareTyped } from './compare.ts';
import { difference, EMPTY, type FieldSet, fieldSetOf, has, printPath, union } from './field-set.ts';
import { capUpdates, decodeManaged, encodeManaged, identity, type Managed, type Owners } from './managed.ts';
import { toFieldSet } from './to-field-set.ts';
import { applyIntent, type Conflict, type UpdaterContext, updateOwners } from './updater.ts';
import { typeErrors } from './validate.ts';

/** Who writes what through which endpoint, and when. Everything here is pure: inputs are not changed, results share structure with them. */
export interface SsaContext {
  /** The field manager of the request; the empty name is recorded as `unknown`. */
  readonly manager: string;
  /** The version of the request: `apps/v1`. */
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  /** RFC 3339 with seconds: `2026-01-01T00:00:00Z`. */
  readonly time: string;
  readonly schema: TypeSchema;
  /** Fields this endpoint resets, which nobody owns through it: `[['status']]`; see {@link resetFields}. */
  readonly resetFields?: readonly (readonly string[])[];
  /** The type at another version that owners wrote through; undefined when it is not served any more. Absent: the same type. */
  readonly schemaOf?: (apiVersion: string) => TypeSchema | undefined;
}

/** Never owned by anybody. */
const STRIPPED: FieldSet = fieldSetOf([
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['metadata', 'creationTimestamp'],
  ['metadata', 'selfLink'],
  ['metadata', 'uid'],
  ['metadata', 'clusterName'],
  ['metadata', 'generation'],
  ['metadata', 'managedFields'],
  ['metadata', 'resourceVersion'],
]);

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const ANNOTATIONS_SIZE_MAX = 256 * 1024;

/**
 * `object` with the metadata.managedFields that a create (`old` undefined) or an update leaves. Call it with the object as
 * the client wants it, decoded and defaulted, before admission and before the endpoint resets or sets anything of its own.
 *
 * managedFields in `object` count (a client may edit them): an empty list, or one empty entry, stops tracking; entries that
 * make no sense, none at all, and any sent to a subresource are replaced by those of `old`.
 */
export function recordUpdate(
  o: SsaContext & { readonly old: AnyObject | undefined; readonly object: AnyObject },
): AnyObject {
  const live = o.old ?? emptyObject(o);
  const before = startingOwners(o.old, o.object, o.subresource);
  const next = withoutManaged(o.object);
  // What was not tracked so far stays untracked, until an apply.
  if (before.size === 0 && o.old !== undefined) return next;
  const owners = capUpdates(update(withoutManaged(live), next, before, { ...o, manager: o.manager || 'unknown' }));
  return withManaged(next, owners);
}

/**
 * Lays `intent` over `live` and returns the merged object with its managedFields; for a create `live` has no uid. Checks
 * that `intent` is of the endpoint's kind and carries no managedFields. Defaults are the caller's next step, then
 * {@link keepTimesOfNoop}.
 *
 * Throws StatusError: 409 for fields of other managers with other values (unless `force`), 400 for an intent of another
 * kind, 500 for one that does not fit its type.
 */
export function applyServerSide(
  o: SsaContext & {
    readonly live: AnyObject;
    readonly intent: AnyObject;
    readonly force: boolean;
    readonly kind: string;
  },
): AnyObject {
  const { apiVersion, kind } = o.intent;
  if (apiVersion !== o.apiVersion || kind !== o.kind) {
    throw failure(400, 'BadRequest', `invalid object type: ${printKind(apiVersion ?? '', kind ?? '')}`);
  }
  if (o.intent.metadata?.managedFields !== undefined) {
    throw failure(400, 'BadRequest', 'metadata.managedFields must be nil');
  }
  const problem = typeErrors(o.intent, o.schema);
  if (problem !== undefined) {
    const { namespace = '', name = '' } = o.intent.metadata ?? {};
    const object = `${namespace}/${name}; ${printKind(apiVersion, kind)}`;
    throw failure(500, undefined, `failed to create typed patch object (${object}): ${problem}`);
  }
  const owners = decodeManaged(o.live.metadata.managedFields);
  if (owners === undefined) throw failure(500, undefined, 'failed to decode managed fields');
  return applyTo(o, owners);
}

type ApplyOptions = Parameters<typeof applyServerSide>[0];

function applyTo(o: ApplyOptions, owners: Owners): AnyObject {
  const live = withoutManaged(o.live);
  const before =
    owners.size > 0 ? owners : update(emptyObject(o), live, owners, { ...o, manager: 'before-first-apply' });
  const self: Managed = {
    manager: o.manager,
    operation: 'Apply',
    apiVersion: o.apiVersion,
    subresource: o.subresource,
    time: undefined,
    set: EMPTY,
  };
  const context = updaterContext(o);
  let result = applyIntent(live, o.intent, before, self, o.force, context);
  if (!result.ok && o.manager === 'kubectl') {
    // Fields that the same user set by client-side apply, and nobody changed since, are taken over without a conflict.
    const allowed = lastAppliedFields(live, o);
    const conflicts = result.conflicts.filter((c) => !has(allowed, c.path));
    result = conflicts.length > 0 ? { ok: false, conflicts } : applyIntent(live, o.intent, before, self, true, context);
  }
  if (!result.ok) throw conflictError(result.conflicts);
  const id = identity(self);
  const after = strip(result.owners, id);
  const own = after.get(id);
  const time = result.object === undefined ? before.get(id)?.time : o.time;
  if (own !== undefined) after.set(id, { ...own, time });
  const object = result.object === undefined ? live : (result.object as AnyObject);
  return withManaged(o.manager === 'kubectl' ? withLastApplied(object, o.intent) : object, after);
}

/**
 * When `object` differs from `old` in nothing but times of managedFields, it gets the old times back, so that nothing is
 * written. Call it last, after defaulting and admission but before the endpoint resets fields: a reset field counts as a
 * difference.
 */
export function keepTimesOfNoop(old: AnyObject, object: AnyObject): AnyObject {
  const before = old.metadata.managedFields ?? [];
  const after = object.metadata.managedFields ?? [];
  if (before.length !== after.length || after.length === 0) return object;
  if (!after.some((entry, i) => entry.time !== before[i]?.time)) return object;
  if (!equalJson(before.map(withoutTime), after.map(withoutTime))) return object;
  if (!equalJson(withoutManaged(old), withoutManaged(object))) return object;
  return { ...object, metadata: { ...object.metadata, managedFields: before } };
}

function withoutTime({ time: _, ...rest }: ManagedFieldsEntry): ManagedFieldsEntry {
  return rest;
}

/** Owners after an update by a manager, which gets the time when it changed anything. */
function update(live: AnyObject, next: AnyObject, before: Owners, o: SsaContext): Owners {
  const self: Managed = {
    manager: o.manager,
    operation: 'Update',
    apiVersion: o.apiVersion,
    subresource: o.subresource,
    time: o.time,
    set: EMPTY,
  };
  // The operation is recorded on its own first: only what it changed itself gives the manager a new time.
  const current = { ...self, manager: '\u0000current-operation' };
  const currentId = identity(current);
  const owners = strip(updateOwners(live, next, before, current, updaterContext(o)), currentId);
  const taken = owners.get(currentId);
  if (taken === undefined) return owners;
  owners.delete(currentId);
  const id = identity(self);
  owners.set(id, { ...self, set: union(taken.set, owners.get(id)?.set ?? EMPTY) });
  return owners;
}

function strip(owners: Owners, id: string): Map<string, Managed> {
  const out = new Map(owners);
  const own = out.get(id);
  if (own === undefined) return out;
  const set = difference(own.set, STRIPPED);
  if (set.size === 0) out.delete(id);
  else out.set(id, { ...own, set });
  return out;
}

function updaterContext(o: SsaContext): UpdaterContext {
  return {
    apiVersion: o.apiVersion,
    schema: o.schema,
    schemaOf: o.schemaOf ?? (() => o.schema),
    ignored: o.resetFields === undefined ? EMPTY : resetSet(o.resetFields),
  };
}

const resetSets = new WeakMap<readonly (readonly string[])[], FieldSet>();

function resetSet(paths: readonly (readonly string[])[]): FieldSet {
  const known = resetSets.get(paths);
  if (known !== undefined) return known;
  const set = fieldSetOf(paths);
  resetSets.set(paths, set);
  return set;
}

function startingOwners(old: AnyObject | undefined, object: AnyObject, subresource: string | undefined): Owners {
  const fromOld = (): Owners => decodeManaged(old?.metadata.managedFields) ?? new Map();
  if (subresource !== undefined) return fromOld();
  const sent = object.metadata.managedFields;
  if (isReset(sent)) return new Map();
  const owners = decodeManaged(sent);
  return owners === undefined || owners.size === 0 ? fromOld() : owners;
}

function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!Array.isArray(entries)) return false;
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0] ?? {}).length === 0);
}

/** What the server compares a new object with: for built-in kinds not nothing, but a Go struct with its zero parts. */
function emptyObject(o: SsaContext & { readonly object?: AnyObject; readonly live?: AnyObject }): AnyObject {
  const kind = o.object?.kind ?? o.live?.kind ?? '';
  return { ...zeroObject(o.schema), apiVersion: o.apiVersion, kind } as AnyObject;
}

function withoutManaged(object: AnyObject): AnyObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withManaged(object: AnyObject, owners: Owners): AnyObject {
  if (owners.size === 0) return object;
  return { ...object, metadata: { ...object.metadata, managedFields: encodeManaged(owners) } };
}

/** Fields of the last-applied annotation of client-side apply whose values are still those of the object. */
function lastAppliedFields(live: AnyObject, o: SsaContext): FieldSet {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (!text) return EMPTY;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    return EMPTY;
  }
  if (!isObject(applied) || applied.apiVersion !== o.apiVersion) return EMPTY;
  if (typeErrors(applied, o.schema) !== undefined) return EMPTY;
  const { added, removed, modified } = compareTyped(applied, live, o.schema);
  return difference(toFieldSet(applied, o.schema), union(union(added, removed), modified));
}

/** Keeps the annotation of client-side apply up to date when kubectl applies server-side, so that both can be mixed. */
function withLastApplied(object: AnyObject, intent: AnyObject): AnyObject {
  if (!object.metadata.annotations?.[LAST_APPLIED]) return object;
  const { annotations: sent, ...metadata } = intent.metadata;
  const { [LAST_APPLIED]: _, ...others } = sent ?? {};
  const clean = { ...intent, metadata: sent === undefined ? metadata : { ...metadata, annotations: others } };
  const annotations = { ...object.metadata.annotations, [LAST_APPLIED]: `${goJson(clean)}\n` };
  const size = Object.entries(annotations).reduce((sum, [k, v]) => sum + k.length + v.length, 0);
  if (size > ANNOTATIONS_SIZE_MAX) delete (annotations as Record<string, string>)[LAST_APPLIED];
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function printKind(apiVersion: string, kind: string): string {
  const slash = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${slash}, Kind=${kind}`;
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map((c) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printOwner(c.owner)}`,
    field: printPath(c.path),
  }));
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: conflictMessage(conflicts),
    reason: 'Conflict',
    details: { causes },
    code: 409,
  });
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${printOwner(first.owner)}: ${printPath(first.path)}`;
  }
  const lines: string[] = [];
  let previous: Managed | undefined;
  for (const { owner, path } of conflicts) {
    if (owner !== previous) lines.push(`conflicts with ${printOwner(owner)}:`);
    lines.push(`- ${printPath(path)}`);
    previous = owner;
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`;
}

function printOwner(m: Managed): string {
  const subresource = m.subresource === undefined ? '' : ` with subresource ${JSON.stringify(m.subresource)}`;
  return `${JSON.stringify(m.manager)}${subresource}${m.operation === 'Update' ? ` using ${m.apiVersion}` : ''}`;
}

function failure(code: number, reason: string | undefined, message: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    code,
  });
}
