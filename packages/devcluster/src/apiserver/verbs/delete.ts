import { isDeepStrictEqual } from 'node:util';
import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import { conflict, failure, notFound } from '../status.ts';
import type { StoredRecord } from '../storage/index.ts';
import { admitMutating, admitValidating } from './admit.ts';
import { type Call, namespaceOf, timestamp } from './context.ts';
import { type DeleteOptions, deleteOptionsOf } from './delete-options.ts';
import { isSelected, scopeOf, selectionOf } from './list.ts';
import { respondList, respondObject, respondOther } from './respond.ts';

/** What a delete did: the object is gone, or it is on its way. */
export type Deletion =
  | { readonly type: 'gone'; readonly object: AnyObject }
  | { readonly type: 'pending'; readonly object: AnyObject };

/** DELETE of one object. */
export async function deleteObject(call: Call): Promise<ApiResponse> {
  const options = deleteOptionsOf(call);
  const deletion = await deleteNamed(call, call.info.name ?? '', options);
  const { orphanWarning } = call.resource;
  if (orphanWarning !== undefined && options.propagation === undefined && options.orphanDependents === undefined) {
    call.warnings.push(orphanWarning);
  }
  // 202 tells clients of the old option that dependents are still there.
  const status = deletion.type === 'pending' && options.orphanDependents === false ? 202 : 200;
  if (call.resource.answersDeletedObject || deletion.type === 'pending')
    return respondObject(call, status, deletion.object);
  return respondOther(call, status, successStatus(call, deletion.object));
}

function successStatus({ resource }: Call, object: AnyObject): Record<string, unknown> {
  const { name, uid } = object.metadata;
  const group = resource.group === '' ? {} : { group: resource.group };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...group, kind: resource.plural, uid },
  };
}

/** DELETE of a collection: everything selected; answers with the list as it was before. */
export async function deleteCollection(call: Call): Promise<ApiResponse> {
  const options = deleteOptionsOf(call);
  const selection = selectionOf(call);
  const { store } = call.core;
  const revision = store.revision;
  const objects = store
    .list(call.resource.storageKey, scopeOf(call))
    .map((record) => call.resource.decode(record.object))
    .filter((object) => isSelected(selection, object));
  for (const object of objects) {
    try {
      await deleteNamed(call, object.metadata.name ?? '', options);
    } catch (error) {
      // Somebody else was faster.
      if (!isNotFound(error)) throw error;
    }
  }
  return respondList(call, objects, { resourceVersion: String(revision) });
}

function isNotFound(error: unknown): boolean {
  return (error as { status?: { code?: number } }).status?.code === 404;
}

/** How often a delete is tried against an object that changes meanwhile. */
const ATTEMPTS = 10;

/** Deletes or begins to delete. Throws StatusError. */
export async function deleteNamed(call: Call, name: string, options: DeleteOptions): Promise<Deletion> {
  const { core, resource } = call;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const record = core.store.get(resource.storageKey, namespaceOf(call), name);
    if (record === undefined) throw notFound(resource, name);
    const existing = resource.decode(record.object);
    checkPreconditions(call, existing, options);
    await admitDelete(call, existing, options);
    const deletion = step(call, record, options);
    if (deletion !== 'conflict') return deletion;
  }
  throw conflict(resource, name, 'the object changes too fast; try again');
}

async function admitDelete(call: Call, existing: AnyObject, options: DeleteOptions): Promise<void> {
  const subject = {
    operation: 'DELETE',
    name: existing.metadata.name ?? '',
    object: undefined,
    oldObject: existing,
    dryRun: options.dryRun,
    options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
  } as const;
  await admitMutating(call, subject);
  await admitValidating(call, subject);
}

/** Refuses with 409 when the object is not the one that the client means. */
export function checkPreconditions({ resource }: Call, { metadata }: AnyObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options;
  const name = metadata.name ?? '';
  const refuse = (why: string): Error =>
    failure({
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ${resource.kind}${resource.group === '' ? '' : `.${resource.group}`} "${name}": ${why}`,
      details: { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.kind },
    });
  if (uid !== undefined && uid !== metadata.uid) {
    throw refuse(
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw refuse(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

/** One attempt. Synchronous, so nothing can come between reading and writing. */
function step(call: Call, record: StoredRecord, options: DeleteOptions): Deletion | 'conflict' {
  const { resource, core } = call;
  const existing = resource.decode(record.object);
  const begun =
    existing.metadata.deletionTimestamp === undefined
      ? resource.beginDelete(existing, timestamp(core.clock))
      : undefined;
  if (begun !== undefined) return begin(call, record, begun, options);
  const grace = graceOf(call, existing, options);
  if (grace.type === 'already') return { type: 'pending', object: existing };
  const finalizers = finalizersFor(call, existing, options);
  const isHeld = finalizers.length > 0 || resource.holds(existing);
  if (grace.type === 'none' && !isHeld) return removeNow(call, record, existing, options);
  const next = grace.type === 'graceful' ? grace.object : markDeleting(call, existing);
  const changed = withFinalizers(next, finalizers);
  const goes = grace.type === 'graceful' && grace.seconds === 0 && finalizers.length === 0;
  if (options.dryRun) return { type: goes ? 'gone' : 'pending', object: changed };
  if (isDeepStrictEqual(changed, existing)) return { type: 'pending', object: existing };
  const written = core.store.write(resource.storageKey, resource.encode(changed), record);
  if (written === 'conflict') return 'conflict';
  // Watchers see the terminating state before the removal, even without any grace.
  if (goes) return removeNow(call, written, resource.decode(written.object), options);
  return { type: 'pending', object: resource.decode(written.object) };
}

function begin(call: Call, record: StoredRecord, begun: AnyObject, options: DeleteOptions): Deletion | 'conflict' {
  if (options.dryRun) return { type: 'pending', object: begun };
  const written = call.core.store.write(call.resource.storageKey, call.resource.encode(begun), record);
  return written === 'conflict' ? 'conflict' : { type: 'pending', object: call.resource.decode(written.object) };
}

function removeNow(
  call: Call,
  record: StoredRecord,
  existing: AnyObject,
  options: DeleteOptions,
): Deletion | 'conflict' {
  if (options.dryRun) return { type: 'gone', object: existing };
  const removed = call.core.store.remove(record);
  return removed === 'conflict' ? 'conflict' : { type: 'gone', object: call.resource.decode(removed.object) };
}

type Grace =
  /** Goes at once, or stays for its finalizers. */
  | { readonly type: 'none' }
  /** Nothing to change: it is already on its way, with less time left. */
  | { readonly type: 'already' }
  | { readonly type: 'graceful'; readonly object: AnyObject; readonly seconds: number };

function graceOf({ resource, core }: Call, existing: AnyObject, options: DeleteOptions): Grace {
  const strategy = resource.strategy;
  if (strategy.gracePeriodSeconds === undefined) return { type: 'none' };
  const { metadata } = existing;
  const asked = options.gracePeriodSeconds;
  const requested = asked !== undefined && asked < 0 ? 1 : asked;
  const now = core.clock.now();
  if (metadata.deletionTimestamp === undefined) {
    const seconds = strategy.gracePeriodSeconds(existing, requested);
    const generation = (metadata.generation ?? 0) > 0 ? { generation: (metadata.generation ?? 0) + 1 } : {};
    return { type: 'graceful', seconds, object: terminating(existing, now + seconds * 1000, seconds, generation) };
  }
  const current = metadata.deletionGracePeriodSeconds ?? 0;
  if (current === 0) return { type: 'none' };
  if (requested === undefined || requested >= current) return { type: 'already' };
  return shortened(existing, { current, requested, now });
}

function shortened(
  existing: AnyObject,
  { current, requested, now }: { current: number; requested: number; now: number },
): Grace {
  const began = Date.parse(existing.metadata.deletionTimestamp ?? '') - current * 1000;
  const deadline = began + requested * 1000;
  // A deadline in the past still leaves a moment for whoever ends the pod, unless none was asked for.
  const seconds = deadline < now && requested !== 0 ? 1 : requested;
  return { type: 'graceful', seconds, object: terminating(existing, Math.max(deadline, now), seconds, {}) };
}

function terminating(existing: AnyObject, at: number, seconds: number, more: { generation?: number }): AnyObject {
  return {
    ...existing,
    metadata: {
      ...existing.metadata,
      ...more,
      deletionTimestamp: `${new Date(at).toISOString().slice(0, 19)}Z`,
      deletionGracePeriodSeconds: seconds,
    },
  };
}

/** For kinds without grace: held by finalizers alone. A second delete changes nothing but the finalizers. */
function markDeleting({ core, resource }: Call, existing: AnyObject): AnyObject {
  const { metadata } = existing;
  const generation = metadata.generation ?? 0;
  const next: AnyObject = { ...existing, metadata: { ...metadata, deletionGracePeriodSeconds: 0 } };
  if (metadata.deletionTimestamp === undefined) {
    next.metadata.deletionTimestamp = timestamp(core.clock);
    if (generation > 0) next.metadata.generation = generation + 1;
  }
  resource.terminate(next);
  return next;
}

function withFinalizers(object: AnyObject, finalizers: readonly string[]): AnyObject {
  const { finalizers: _old, ...metadata } = object.metadata;
  return { ...object, metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers: [...finalizers] } };
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** The finalizers an object goes on with, among them those that ask the garbage collector for its part. */
function finalizersFor({ resource }: Call, existing: AnyObject, options: DeleteOptions): readonly string[] {
  const present = existing.metadata.finalizers ?? [];
  const mode = propagationOf(present, options) ?? (resource.orphansByDefault ? 'Orphan' : 'Background');
  const others = present.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  const wanted = mode === 'Orphan' ? [...others, ORPHAN] : mode === 'Foreground' ? [...others, FOREGROUND] : others;
  const same = wanted.length === present.length && wanted.every((name) => present.includes(name));
  return same ? present : wanted;
}

function propagationOf(present: readonly string[], options: DeleteOptions): DeleteOptions['propagation'] {
  if (options.orphanDependents !== undefined) return options.orphanDependents ? 'Orphan' : 'Background';
  if (options.propagation !== undefined) return options.propagation;
  if (present.includes(ORPHAN)) return 'Orphan';
  return present.includes(FOREGROUND) ? 'Foreground' : undefined;
}
