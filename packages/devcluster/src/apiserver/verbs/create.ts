import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import { cloneJson } from '../schema/json.ts';
import { recordUpdate } from '../ssa/index.ts';
import { alreadyExists, badRequest, invalid, plain500 } from '../status.ts';
import { admitMutating, admitValidating } from './admit.ts';
import { canonical, readBack } from './canonical.ts';
import { type Call, namespaceOf, timestamp } from './context.ts';
import { decodeBody } from './decode-body.ts';
import { generateName, generateUid } from './identity.ts';
import { checkNamespace } from './namespace-lifecycle.ts';
import { AFTER_ADMISSION, IN_REQUEST, withoutDuplicateOwners } from './owner-duplicates.ts';
import { ownership } from './ownership.ts';
import { managerOf, type WriteOptions, writeOptions } from './parameters.ts';
import { respondObject } from './respond.ts';

/** How often a generated name is tried before the client hears of a clash. */
const NAME_ATTEMPTS = 8;

/** POST to a collection. */
export async function createObject(call: Call): Promise<ApiResponse> {
  const options = writeOptions(call.request.query, 'CreateOptions');
  const object = decodeBody(call, call.resource, options.fieldValidation);
  call.resource.strategy.applyDefaults(object);
  const created = await create(call, object, options);
  return respondObject(call, 201, created);
}

/** Everything of a create after decoding; also for objects the server makes from another request. */
export async function create(call: Call, object: AnyObject, options: WriteOptions): Promise<AnyObject> {
  const manager = managerOf(options, call.request.headers['user-agent']);
  wipeSystemFields(object);
  checkRequestNamespace(call, object);
  const owned = recordUpdate({
    ...ownership(call, manager),
    old: undefined,
    object: withoutDuplicateOwners(call, object, IN_REQUEST),
  });
  checkNamespace(call, owned.metadata.name ?? '');
  const subject = {
    operation: 'CREATE',
    oldObject: undefined,
    dryRun: options.dryRun,
    options: optionsObject('CreateOptions', options),
  } as const;
  const mutated = (await admitMutating(call, { ...subject, name: owned.metadata.name ?? '', object: owned })) ?? owned;
  const admitted = withoutDuplicateOwners(call, mutated, AFTER_ADMISSION);
  return insert(call, admitted, options, (made) =>
    admitValidating(call, { ...subject, name: made.metadata.name ?? '', object: made }),
  );
}

/** Names, checks and stores a new object that has been admitted. */
export async function insert(
  call: Call,
  object: AnyObject,
  options: Pick<WriteOptions, 'dryRun'>,
  validateAdmission: (object: AnyObject) => Promise<void>,
): Promise<AnyObject> {
  const { resource, core } = call;
  const draft: AnyObject = cloneJson(object);
  if (draft.metadata.resourceVersion !== undefined && draft.metadata.resourceVersion !== '') {
    throw plain500('resourceVersion should not be set on objects to be created');
  }
  draft.metadata.uid = generateUid(core.random);
  draft.metadata.creationTimestamp = timestamp(core.clock);
  const { generateName: prefix } = draft.metadata;
  const generated = prefix !== undefined && prefix !== '' && (draft.metadata.name ?? '') === '';
  if (generated) draft.metadata.name = freeName(call, prefix);
  resource.strategy.prepareForCreate(draft);
  const release = core.allocators.allocate(resource, draft, undefined);
  const made = canonical(resource, draft);
  try {
    const errors = resource.strategy.validateCreate(made);
    if (errors.length > 0) throw invalid(resource.errorGroup, resource.kind, made.metadata.name ?? '', errors);
    call.warnings.push(...resource.warnings(made, undefined));
    await validateAdmission(made);
    return store(call, readBack(resource, made), options.dryRun);
  } finally {
    release();
  }
}

function store(call: Call, object: AnyObject, dryRun: boolean): AnyObject {
  const { resource, core } = call;
  const name = object.metadata.name ?? '';
  const taken = core.store.get(resource.storageKey, namespaceOf(call), name);
  if (taken !== undefined) throw alreadyExists(resource, name, taken.object.metadata.deletionTimestamp !== undefined);
  if (dryRun) return object;
  const record = core.store.write(resource.storageKey, resource.encode(object), undefined);
  if (record === 'conflict') throw alreadyExists(resource, name);
  return resource.decode(record.object);
}

function freeName(call: Call, prefix: string): string {
  const { core, resource } = call;
  let name = generateName(prefix, core.random);
  for (let attempt = 1; attempt < NAME_ATTEMPTS; attempt += 1) {
    if (core.store.get(resource.storageKey, namespaceOf(call), name) === undefined) break;
    name = generateName(prefix, core.random);
  }
  return name;
}

/** What only the server sets. */
function wipeSystemFields({ metadata }: AnyObject): void {
  delete metadata.creationTimestamp;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.uid;
  dropSelfLink(metadata);
}

/** A field of the past, which nobody sets any more. */
function dropSelfLink(metadata: AnyObject['metadata'] & { selfLink?: string }): void {
  delete metadata.selfLink;
}

/** Fills in the namespace of the path; another one in the object is refused. */
export function checkRequestNamespace(call: Call, object: AnyObject): void {
  const { metadata } = object;
  const expected = namespaceOf(call);
  const actual = metadata.namespace ?? '';
  if (expected === '') {
    if (call.resource.namespaced || actual === '') return;
    throw badRequest('namespace is not allowed on this type');
  }
  if (actual === '') metadata.namespace = expected;
  else if (actual !== expected) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

export function optionsObject(kind: string, options: WriteOptions): Record<string, unknown> {
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(options.dryRun ? { dryRun: ['All'] } : {}),
    ...(options.fieldManager === undefined ? {} : { fieldManager: options.fieldManager }),
    ...(options.force === undefined ? {} : { force: options.force }),
  };
}
