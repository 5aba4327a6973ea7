import { equalJson, type TypeSchema } from '../schema/index.ts';
import { type Comparison, compareTyped, withoutFields } from './compare.ts';
import { difference, EMPTY, type FieldSet, intersection, members, recursiveDifference, union } from './field-set.ts';
import { identity, type Managed, type Owners } from './managed.ts';
import { mergeTyped } from './merge.ts';
import { reconcileWithSchema, removeFields, toFieldSet, withNamedFields } from './to-field-set.ts';

/** The rules of structured-merge-diff: who owns what after an update or an apply. */
export interface UpdaterContext {
  readonly apiVersion: string;
  readonly schema: TypeSchema;
  /** The type of the object at another version; undefined when that version is not served any more. */
  readonly schemaOf: (apiVersion: string) => TypeSchema | undefined;
  /** Fields that the endpoint resets: nobody owns them through it. */
  readonly ignored: FieldSet;
}

export interface Conflict {
  readonly owner: Managed;
  readonly path: readonly string[];
}

export type UpdateResult =
  | { readonly ok: true; readonly owners: Map<string, Managed>; readonly comparison: Comparison }
  | { readonly ok: false; readonly conflicts: readonly Conflict[] };

export type ApplyResult =
  /** `object` is undefined when nothing changed. */
  | { readonly ok: true; readonly owners: Map<string, Managed>; readonly object: unknown }
  | { readonly ok: false; readonly conflicts: readonly Conflict[] };

/** Owners after `next` was written over `live` by `self`, which takes every field it changed. */
export function updateOwners(live: unknown, next: unknown, before: Owners, self: Managed, c: UpdaterContext): Owners {
  const id = identity(self);
  const result = takeFields(live, next, reconcile(before, c), id, true, c);
  // With force there are no conflicts.
  if (!result.ok) return before;
  const { owners, comparison } = result;
  const own = difference(owners.get(id)?.set ?? EMPTY, comparison.removed);
  const set = recursiveDifference(union(union(own, comparison.modified), comparison.added), c.ignored);
  if (set.size === 0) owners.delete(id);
  else owners.set(id, { ...self, set });
  return owners;
}

/** Lays `intent` over `live`, takes its fields for `self`, and removes those that `self` applied before and no more. */
export function applyIntent(
  live: unknown,
  intent: unknown,
  before: Owners,
  self: Managed,
  force: boolean,
  c: UpdaterContext,
): ApplyResult {
  const owners = reconcile(before, c);
  const id = identity(self);
  const last = owners.get(id);
  const merged = mergeTyped(live, intent, c.schema);
  const set = recursiveDifference(toFieldSet(intent, c.schema), c.ignored);
  owners.set(id, { ...self, set });
  const object = prune(merged, owners, last, c);
  const result = takeFields(live, object, owners, id, force, c);
  if (!result.ok) return result;
  return { ok: true, owners: result.owners, object: equalJson(live, object) ? undefined : object };
}

function reconcile(owners: Owners, c: UpdaterContext): Map<string, Managed> {
  const out = new Map<string, Managed>();
  for (const [id, managed] of owners) {
    const schema = versionSchema(managed.apiVersion, c);
    if (schema === undefined) continue;
    const set = reconcileWithSchema(managed.set, schema);
    out.set(id, set === managed.set ? managed : { ...managed, set });
  }
  return out;
}

function versionSchema(apiVersion: string, c: UpdaterContext): TypeSchema | undefined {
  return apiVersion === c.apiVersion ? c.schema : c.schemaOf(apiVersion);
}

/** Takes what changed between the objects away from every other owner; without `force` that is a conflict. */
function takeFields(
  live: unknown,
  next: unknown,
  owners: Map<string, Managed>,
  self: string,
  force: boolean,
  c: UpdaterContext,
): UpdateResult {
  const comparison = withoutFields(compareTyped(live, next, c.schema), c.ignored);
  const versions = new Map<string, Comparison>([[c.apiVersion, comparison]]);
  const conflicts: Conflict[] = [];
  const left = new Map(owners);
  for (const id of [...owners.keys()].sort()) {
    const managed = owners.get(id);
    if (managed === undefined || id === self) continue;
    const schema = versionSchema(managed.apiVersion, c);
    if (schema === undefined) {
      left.delete(id);
      continue;
    }
    let seen = versions.get(managed.apiVersion);
    if (seen === undefined) {
      seen = compareTyped(live, next, schema);
      versions.set(managed.apiVersion, seen);
    }
    const taken = intersection(managed.set, union(seen.modified, seen.added));
    if (!force) conflicts.push(...members(taken).map((path) => ({ owner: managed, path })));
    const set = difference(difference(managed.set, taken), seen.removed);
    if (set !== managed.set) left.set(id, { ...managed, set });
  }
  if (conflicts.length > 0) return { ok: false, conflicts };
  for (const [id, managed] of left) if (managed.set.size === 0) left.delete(id);
  return { ok: true, owners: left, comparison };
}

/**
 * Removes fields and list items that the applier owned by its last apply, did not apply now, and that nobody else owns.
 * Items that are not owned by anybody stay, and so does what lies below fields of others.
 */
function prune(merged: unknown, owners: Owners, last: Managed | undefined, c: UpdaterContext): unknown {
  if (last === undefined || last.set.size === 0) return merged;
  const schema = versionSchema(last.apiVersion, c);
  if (schema === undefined) return merged;
  const lastSet = withNamedFields(last.set, schema);
  const mergedSet = withNamedFields(toFieldSet(merged, schema), schema);
  let pruned = removeFields(merged, lastSet, schema);
  // What others (or the new intent) own comes back, version by version, that of the last apply first.
  const versions = [...new Set([last.apiVersion, ...[...owners.values()].map((m) => m.apiVersion)])];
  for (const version of versions) {
    const versioned = versionSchema(version, c);
    if (versioned === undefined) continue;
    let owned: FieldSet = EMPTY;
    for (const m of owners.values()) if (m.apiVersion === version) owned = union(owned, m.set);
    const all = version === last.apiVersion ? mergedSet : withNamedFields(toFieldSet(merged, versioned), versioned);
    const kept = union(withNamedFields(toFieldSet(pruned, versioned), versioned), withNamedFields(owned, versioned));
    pruned = removeFields(merged, difference(all, kept), versioned);
  }
  const prunedSet = withNamedFields(toFieldSet(pruned, schema), schema);
  return removeFields(merged, intersection(difference(mergedSet, prunedSet), lastSet), schema);
}
