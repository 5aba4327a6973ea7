import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  decodeJsonPatch,
  decodeMergePatch,
  decodeStrategicMergePatch,
} from '../patch/index.ts';
import {
  decodeJson,
  decodeYaml,
  goJson,
  goText,
  normalize,
  objectMetaSchema,
  type TypeSchema,
  unknownFields,
} from '../schema/index.ts';
import { cloneJson } from '../schema/json.ts';
import { applyServerSide, recordUpdate } from '../ssa/index.ts';
import { badRequest, conflict, failure, invalid } from '../status.ts';
import { invalidValue } from '../validation/field-errors.ts';
import type { Call } from './context.ts';
import { checkRequestNamespace } from './create.ts';
import { type BodyTarget, keepEmptyOwnership, mediaType, withMetadata } from './decode-body.ts';
import { ownership } from './ownership.ts';
import { managerOf, type WriteOptions, writeOptions } from './parameters.ts';
import { respondObject } from './respond.ts';
import { checkRequestName } from './update.ts';
import { writeStored } from './write-stored.ts';

export const APPLY = 'application/apply-patch+yaml';

type PatchTarget = Pick<BodyTarget, 'kind' | 'apiVersion' | 'schema' | 'crd'>;

type Patcher = (existing: AnyObject | undefined) => AnyObject;

/** PATCH of an object, or of one of its subresources that have the object's own form. */
export async function patchObject(call: Call): Promise<ApiResponse> {
  const { request } = call;
  const type = patchTypeOf(call);
  const options = writeOptions(request.query, 'PatchOptions', type === APPLY ? 'apply' : 'patch');
  const patch = type === APPLY ? applyPatcher(call, options) : documentPatcher(call, options, type);
  const { object, created } = await writeStored(call, {
    options,
    optionsKind: 'PatchOptions',
    wanted: (existing) => checked(call, patch(existing), existing),
    creates: type === APPLY && call.subresource === undefined,
    uidIsPrecondition: false,
  });
  return respondObject(call, created ? 201 : 200, object);
}

/** The media type of the patch. Throws 415. */
export function patchTypeOf({ request, resource }: Call): string {
  const type = mediaType(request.headers['content-type']);
  const known = ['application/json-patch+json', 'application/merge-patch+json'];
  if (resource.crd === undefined) known.push('application/strategic-merge-patch+json');
  known.push(APPLY);
  if (known.includes(type)) return type;
  if (type === 'application/strategic-merge-patch+json') {
    throw failure({
      code: 415,
      reason: 'UnsupportedMediaType',
      message: `the body of the request was in an unknown format - accepted media types include: ${known.join(', ')}`,
    });
  }
  throw failure({ code: 415, reason: 'UnsupportedMediaType', message: '415: Unsupported Media Type', details: {} });
}

function checked(call: Call, object: AnyObject, existing: AnyObject | undefined): AnyObject {
  const { uid } = object.metadata;
  if (existing === undefined && uid !== undefined && uid !== '') {
    const text = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(call.resource, call.info.name ?? '', text);
  }
  checkRequestNamespace(call, object);
  checkRequestName(call, object);
  return object;
}

/** JSON patch, merge patch and strategic merge patch: a new document from the old one. */
function documentPatcher(call: Call, options: WriteOptions, type: string): Patcher {
  const { resource, request } = call;
  const change = changeOf(call, type, resource.schema);
  const owner = ownership(call, managerOf(options, request.headers['user-agent']));
  let reported = false;
  return (existing) => {
    if (existing === undefined) throw new Error('a patch of nothing');
    const document = change.apply(existing);
    const problems = reported ? [] : [...change.duplicates, ...unknownOf(resource, document)];
    reported = true;
    if (problems.length > 0 && options.fieldValidation === 'Warn') call.warnings.push(...problems);
    if (problems.length > 0 && options.fieldValidation === 'Strict') {
      throw badPatch(change.shown(document), `strict decoding error: ${problems.join(', ')}`);
    }
    const object = decodePatched(resource, document, change.shown);
    resource.strategy.applyDefaults(object);
    return recordUpdate({ ...owner, old: existing, object });
  };
}

interface DocumentChange {
  apply(existing: AnyObject): Record<string, unknown>;
  /** Keys that the patch repeats, as fieldValidation reports them. */
  readonly duplicates: readonly string[];
  /** How a failure prints what could not be decoded. */
  shown(document: Record<string, unknown>): string;
}

function changeOf({ request, resource }: Call, type: string, schema: TypeSchema): DocumentChange {
  // Custom resources are maps, whose keys are printed in order.
  const shown = resource.crd === undefined ? JSON.stringify : goJson;
  const body = request.body ?? new Uint8Array();
  switch (type) {
    case 'application/json-patch+json': {
      const { patch, duplicates } = decodeJsonPatch(body);
      return {
        apply: (existing) => asDocument(applyJsonPatch(existing, patch)),
        duplicates: duplicates.map((path) => `json patch duplicate field "${path}"`),
        shown,
      };
    }
    case 'application/merge-patch+json': {
      const { patch, duplicates } = decodeMergePatch(body);
      return {
        apply: (existing) => asDocument(applyMergePatch(existing, patch)),
        duplicates: duplicates.map((path) => `duplicate field "${path}"`),
        shown,
      };
    }
    default: {
      const { patch, duplicates } = decodeStrategicMergePatch(body);
      return {
        apply: (existing) => asDocument(applyStrategicMergePatch(existing, patch, schema)),
        duplicates: duplicates.map((path) => `duplicate field "${path}"`),
        shown: () => goText(patch),
      };
    }
  }
}

function asDocument(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw badPatch(JSON.stringify(value), 'the patched document is not an object');
}

function unknownOf(resource: PatchTarget, document: Record<string, unknown>): readonly string[] {
  if (resource.crd !== undefined) {
    return resource.crd.prune(withMetadata(cloneJson(document))).map((path) => `unknown field "${path}"`);
  }
  return unknownFields(document, resource.schema).map((path) => `unknown field "${path}"`);
}

function badPatch(shown: string, why: string): Error {
  return invalid('', '', '', [invalidValue('patch', shown, why)]);
}

function decodePatched(
  resource: PatchTarget,
  document: Record<string, unknown>,
  shown: DocumentChange['shown'],
): AnyObject {
  const { kind, apiVersion, crd, schema } = resource;
  if (document.kind !== kind || document.apiVersion !== apiVersion) {
    throw badPatch(shown(document), `the object is not of kind ${kind} in ${apiVersion}`);
  }
  if (crd !== undefined) {
    const problem = crd.decodeProblem(document as unknown as AnyObject);
    if (problem !== undefined) throw badPatch(shown(document), problem);
    const object = withMetadata(cloneJson(document));
    crd.prune(object);
    return object;
  }
  const result = normalize(document, schema);
  if (!result.ok) throw badPatch(shown(document), result.message);
  return keepEmptyOwnership(withMetadata({ ...result.value, kind, apiVersion }), document);
}

/** A patch of a subresource that has a form of its own; field ownership is the caller's, except for an apply. */
export function subresourcePatch(
  call: Call,
  target: BodyTarget,
  type: string,
  options: WriteOptions,
): (existing: AnyObject) => AnyObject {
  if (type !== APPLY) {
    const change = changeOf(call, type, target.schema);
    return (existing) => decodePatched(target, change.apply(existing), change.shown);
  }
  const intent = decodeIntent(call, options);
  const owner = ownership(call, managerOf(options, call.request.headers['user-agent']));
  return (live) => {
    const context = { ...owner, apiVersion: target.apiVersion, schema: target.schema, resetFields: [] };
    const { schemaOf: _schemaOf, ...rest } = context;
    return applyServerSide({ ...rest, kind: target.kind, live, intent, force: options.force ?? false });
  };
}

/** Server-side apply. */
function applyPatcher(call: Call, options: WriteOptions): Patcher {
  const { resource, request } = call;
  const intent = decodeIntent(call, options);
  const owner = ownership(call, managerOf(options, request.headers['user-agent']));
  return (existing) => {
    const live = existing ?? emptyObject(call);
    const merged = applyServerSide({ ...owner, kind: resource.kind, live, intent, force: options.force ?? false });
    const object = existing === undefined ? { ...merged, metadata: { ...merged.metadata } } : merged;
    // The name of something new has to be in the intent.
    if (existing === undefined) object.metadata.name = intent.metadata?.name ?? '';
    const decoded =
      resource.crd === undefined ? decodePatched(resource, object, JSON.stringify) : appliedCustom(object);
    resource.strategy.applyDefaults(decoded);
    return decoded;
  };
}

/** A custom resource is not read again but for its metadata, so that nulls in it are for its schema to refuse. */
function appliedCustom(object: AnyObject): AnyObject {
  const metadata = normalize(object.metadata, objectMetaSchema());
  return cloneJson(metadata.ok ? { ...object, metadata: metadata.value as AnyObject['metadata'] } : object);
}

function emptyObject({ resource }: Call): AnyObject {
  return { apiVersion: resource.apiVersion, kind: resource.kind, metadata: {} };
}

function decodeIntent({ request, warnings }: Call, options: WriteOptions): AnyObject {
  const body = request.body ?? new Uint8Array();
  const asJson = body[0] === 0x7b ? decodeJson(body) : undefined;
  const decoded = asJson?.ok ? asJson : decodeYaml(body);
  if (!decoded.ok) throw badRequest(`error decoding YAML: error converting YAML to JSON: ${decoded.message}`);
  if (typeof decoded.value !== 'object' || decoded.value === null || Array.isArray(decoded.value)) {
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${typeOf(decoded.value)} into Go value of type map[string]interface {}`,
    );
  }
  if (decoded.duplicates.length > 0 && options.fieldValidation !== 'Ignore') {
    const text = decoded.duplicates.map((path) => `key "${path.split('.').at(-1)}" already set in map`).join(', ');
    if (options.fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${text}`);
    warnings.push(text);
  }
  return decoded.value as AnyObject;
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
