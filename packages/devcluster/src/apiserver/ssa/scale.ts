import type { ManagedFieldsEntry } from '@drey/kube';
import { difference, type FieldSet, fieldSetOf, has } from './field-set.ts';
import { decodeManaged, encodeManaged, identity, type Managed } from './managed.ts';

/**
 * Ownership through the scale subresource: a Scale object carries the owners of the parent's replicas field, and what
 * happens to them there is carried back. Rules, and the missing times, as in apimachinery's scale handler.
 */

const SCALE_VERSION = 'autoscaling/v1';
const SCALE_REPLICAS = fieldSetOf([['spec', 'replicas']]);

/** Where replicas are in the parent, by its apiVersion: `{ 'apps/v1': ['spec', 'replicas'] }`. */
export type ReplicasPaths = Readonly<Record<string, readonly string[]>>;

/** managedFields for the Scale of an object with these entries. */
export function scaleOwners(
  parent: readonly ManagedFieldsEntry[] | undefined,
  replicas: ReplicasPaths,
): readonly ManagedFieldsEntry[] {
  const owners = new Map<string, Managed>();
  for (const [id, managed] of decodeManaged(parent) ?? []) {
    if (!ownsReplicas(managed, replicas)) continue;
    owners.set(id, { ...managed, apiVersion: SCALE_VERSION, set: SCALE_REPLICAS });
  }
  return encodeManaged(owners);
}

/** managedFields of the parent (written at `apiVersion`) after its Scale was written and has the entries `scale`. */
export function scaleOwnersToParent(
  parent: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
  replicas: ReplicasPaths,
): readonly ManagedFieldsEntry[] {
  const parentOwners = decodeManaged(parent) ?? new Map<string, Managed>();
  const scaleById = new Map(decodeManaged(scale) ?? []);
  const out = new Map<string, Managed>();
  for (const [id, managed] of parentOwners) {
    const path = replicas[managed.apiVersion];
    if (path === undefined) continue;
    if (!ownsReplicas(managed, replicas) || scaleById.delete(id)) {
      out.set(id, managed);
      continue;
    }
    const set = difference(managed.set, fieldSetOf([path]));
    if (set.size > 0) out.set(id, { ...managed, set });
  }
  const path = replicas[apiVersion];
  for (const [id, managed] of scaleById) {
    if (path === undefined || !has(managed.set, ['f:spec', 'f:replicas'])) continue;
    const set: FieldSet = fieldSetOf([path]);
    const own = { ...managed, apiVersion, set, time: parentOwners.get(id)?.time };
    out.set(identity(managed), own);
  }
  return encodeManaged(out);
}

function ownsReplicas(managed: Managed, replicas: ReplicasPaths): boolean {
  const path = replicas[managed.apiVersion];
  return (
    path !== undefined &&
    has(
      managed.set,
      path.map((name) => `f:${name}`),
    )
  );
}
