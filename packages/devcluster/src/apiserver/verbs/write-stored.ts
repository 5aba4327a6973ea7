import { isDeepStrictEqual } from 'node:util';
import type { AnyObject } from '@drey/kube';
import { cloneJson } from '../schema/json.ts';
import { keepTimesOfNoop } from '../ssa/index.ts';
import { conflict, invalid, MODIFIED_MEANWHILE, notFound, plain500 } from '../status.ts';
import type { StoredRecord } from '../storage/index.ts';
import { invalidValue } from '../validation/field-errors.ts';
import { finalizerErrors, objectMetaUpdateErrors } from '../validation/object-meta.ts';
import { admitMutating, admitValidating } from './admit.ts';
import { canonical, readBack } from './canonical.ts';
import { type Call, namespaceOf } from './context.ts';
import { insert, optionsObject } from './create.ts';
import { checkNamespace } from './namespace-lifecycle.ts';
import { AFTER_ADMISSION, withoutDuplicateOwners } from './owner-duplicates.ts';
import type { WriteOptions } from './parameters.ts';

export interface StoredWrite {
  readonly options: WriteOptions;
  /** `UpdateOptions` or `PatchOptions`. */
  readonly optionsKind: string;
  /**
   * The object as the client wants it, with managedFields, from what is stored (undefined: nothing). The result is the
   * caller's to change. Throws StatusError.
   */
  readonly wanted: (existing: AnyObject | undefined) => AnyObject;
  /** What does not exist is made. */
  readonly creates: boolean;
  /** A uid in the object is a precondition (PUT); otherwise it is a field that may not change. */
  readonly uidIsPrecondition: boolean;
}

export interface StoredResult {
  readonly object: AnyObject;
  readonly created: boolean;
}

/** How often a write that names no version is tried against an object that changes meanwhile. */
const ATTEMPTS = 10;

/** Reads, changes and writes one object; what changes meanwhile is read again. Throws StatusError. */
export async function writeStored(call: Call, write: StoredWrite): Promise<StoredResult> {
  const { core, resource, info } = call;
  const name = info.name ?? '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const record = core.store.get(resource.storageKey, namespaceOf(call), name);
    if (record === undefined) {
      if (!write.creates) throw notFound(resource, name);
      return { object: await createStored(call, write), created: true };
    }
    const object = await changeStored(call, write, record);
    if (object !== 'conflict') return { object, created: false };
  }
  throw conflict(resource, name, MODIFIED_MEANWHILE);
}

async function createStored(call: Call, write: StoredWrite): Promise<AnyObject> {
  const wanted = write.wanted(undefined);
  const name = wanted.metadata.name ?? '';
  checkNamespace(call, name);
  const { dryRun } = write.options;
  const options = optionsObject('CreateOptions', write.options);
  const subject = { operation: 'CREATE', oldObject: undefined, dryRun, options, name } as const;
  const admitted = (await admitMutating(call, { ...subject, object: wanted })) ?? wanted;
  const wiped: AnyObject = { ...admitted, metadata: { ...admitted.metadata } };
  delete wiped.metadata.resourceVersion;
  return insert(call, wiped, write.options, (object) => admitValidating(call, { ...subject, object }));
}

async function changeStored(call: Call, write: StoredWrite, record: StoredRecord): Promise<AnyObject | 'conflict'> {
  const { resource, core } = call;
  const existing = resource.decode(record.object);
  const wanted = write.wanted(existing);
  const { dryRun } = write.options;
  const options = optionsObject(write.optionsKind, write.options);
  const subject = { operation: 'UPDATE', oldObject: existing, dryRun, options, name: record.name } as const;
  const admitted = withoutDuplicateOwners(
    call,
    (await admitMutating(call, { ...subject, object: wanted })) ?? wanted,
    AFTER_ADMISSION,
  );
  if (write.uidIsPrecondition) checkUid(call, admitted, existing);
  checkVersion(call, admitted, existing);
  const changed: AnyObject = cloneJson(keepTimesOfNoop(existing, admitted));
  beforeUpdate(call, changed, existing);
  const release = core.allocators.allocate(resource, changed, existing);
  const next = canonical(resource, changed);
  try {
    const errors = [
      ...objectMetaUpdateErrors(next, existing),
      ...finalizerErrors(next.metadata.finalizers ?? []),
      ...resource.strategy.validateUpdate(next, existing, call.subresource?.name),
    ];
    if (errors.length > 0) throw invalid(resource.errorGroup, resource.kind, record.name, errors);
    call.warnings.push(...resource.warnings(next, existing));
    await admitValidating(call, { ...subject, object: next });
    return commit(call, readBack(resource, next), { existing, record, dryRun });
  } finally {
    release();
  }
}

function commit(
  call: Call,
  next: AnyObject,
  { existing, record, dryRun }: { existing: AnyObject; record: StoredRecord; dryRun: boolean },
): AnyObject | 'conflict' {
  const { core, resource } = call;
  if (isReleased(next, existing) && !resource.holds(next)) {
    // The answer is the object as it would have been stored; watchers see the last one that was.
    if (dryRun) return next;
    return core.store.remove(record) === 'conflict' ? 'conflict' : next;
  }
  if (isDeepStrictEqual(next, existing)) return existing;
  if (dryRun) return next;
  const written = core.store.write(resource.storageKey, resource.encode(next), record);
  return written === 'conflict' ? 'conflict' : resource.decode(written.object);
}

/** Nothing holds a terminating object any longer. */
function isReleased({ metadata }: AnyObject, { metadata: old }: AnyObject): boolean {
  if ((metadata.finalizers ?? []).length > 0 || old.deletionTimestamp === undefined) return false;
  return (old.deletionGracePeriodSeconds ?? 0) === 0;
}

/** What an update may never change, and the rules of the kind. */
function beforeUpdate(call: Call, next: AnyObject, existing: AnyObject): void {
  const { metadata } = next;
  const old = existing.metadata;
  setOrDelete(metadata, 'generation', old.generation);
  metadata.resourceVersion = old.resourceVersion ?? '';
  const { strategy } = call.resource;
  strategy.prepareForUpdate(next, existing, call.subresource?.name);
  if (strategy.bumpsGeneration(next, existing)) metadata.generation = (old.generation ?? 0) + 1;
  if ((metadata.uid ?? '') === '') setOrDelete(metadata, 'uid', old.uid);
  setOrDelete(metadata, 'creationTimestamp', old.creationTimestamp);
  if (old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined) {
    metadata.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds;
  }
}

function setOrDelete<K extends keyof AnyObject['metadata']>(
  metadata: AnyObject['metadata'],
  field: K,
  value: AnyObject['metadata'][K],
): void {
  if (value === undefined) delete metadata[field];
  else metadata[field] = value;
}

function checkUid({ resource }: Call, { metadata }: AnyObject, existing: AnyObject): void {
  const { uid } = metadata;
  if (uid === undefined || uid === '' || uid === existing.metadata.uid) return;
  const { name = '', namespace } = existing.metadata;
  const prefix = resource.group === '' || resource.crd === undefined ? '' : `${resource.group}/`;
  const key = `/registry/${prefix}${resource.plural}/${namespace === undefined ? '' : `${namespace}/`}${name}`;
  throw conflict(
    resource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${existing.metadata.uid}`,
  );
}

function checkVersion({ resource }: Call, { metadata }: AnyObject, existing: AnyObject): void {
  const version = metadata.resourceVersion ?? '';
  const name = existing.metadata.name ?? '';
  if (version !== '' && !/^\d+$/.test(version)) {
    throw plain500(`strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  }
  if (version === '' || Number(version) === 0) {
    if (!resource.needsResourceVersion) return;
    const error = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
    // The real server names the resource here where it otherwise names the kind.
    throw invalid(resource.group, resource.plural, name, [error]);
  }
  if (version !== existing.metadata.resourceVersion) throw conflict(resource, name, MODIFIED_MEANWHILE);
}
