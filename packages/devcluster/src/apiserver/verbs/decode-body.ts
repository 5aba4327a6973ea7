import type { AnyObject } from '@drey/kube';
import type { ServedResource } from '../registry/served.ts';
import { type Decoded, decodeJson, decodeYaml, normalize, strictFieldErrors } from '../schema/index.ts';
import { cloneJson } from '../schema/json.ts';
import { badRequest, failure, invalid } from '../status.ts';
import { invalidValue } from '../validation/field-errors.ts';
import type { Call } from './context.ts';
import type { WriteOptions } from './parameters.ts';

/** What a body has to be: the resource's kind, or that of a subresource. */
export type BodyTarget = Pick<ServedResource, 'group' | 'version' | 'kind' | 'apiVersion' | 'schema' | 'crd'>;

/**
 * Decodes the body of a create or update into a fresh object of the target's kind, as the server's decoder leaves it and
 * with the defaults of `applyDefaults`. Unknown and duplicate fields are treated as `fieldValidation` says.
 */
export function decodeBody(
  call: Call,
  target: BodyTarget,
  fieldValidation: WriteOptions['fieldValidation'],
): AnyObject {
  const body = call.request.body ?? new Uint8Array();
  const decoded = decodeMedia(call, body, target);
  if (!decoded.ok) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${target.kind}): ${decoded.message} (${summary(body)})`,
    );
  }
  const fields = asFields(decoded.value, body, target);
  checkKind(call, fields, target);
  const { object, problems } = objectOf(fields, target, decoded);
  report(call, target, problems, fieldValidation);
  return object;
}

/** Binary bodies have no text: their fields are known. */
type DecodedBody =
  | { readonly ok: true; readonly value: unknown; readonly text?: string; readonly duplicates?: readonly string[] }
  | { readonly ok: false; readonly message: string };

function decodeMedia(call: Call, body: Uint8Array, target: BodyTarget): DecodedBody {
  const type = mediaType(call.request.headers['content-type']);
  switch (type) {
    case '':
    case 'application/json':
      return withContext(decodeJson(body), "couldn't get version/kind; json parse error: ");
    case 'application/yaml':
      return withContext(decodeYaml(body), 'error converting YAML to JSON: ');
    case 'application/vnd.kubernetes.protobuf':
      if (call.core.decodeProtobuf !== undefined && target.crd === undefined) return decodeProtobuf(call, body, target);
      break;
    default:
      break;
  }
  throw unsupportedMediaType(target);
}

export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function withContext(decoded: Decoded, context: string): Decoded {
  return decoded.ok ? decoded : { ok: false, message: `${context}${decoded.message}` };
}

function decodeProtobuf(call: Call, body: Uint8Array, target: BodyTarget): DecodedBody {
  const decoded = call.core.decodeProtobuf?.(body);
  if (decoded === undefined) throw unsupportedMediaType(target);
  if ('error' in decoded) {
    throw badRequest(`the object provided is unrecognized (must be of type ${target.kind}): ${decoded.error}`);
  }
  return { ok: true, value: decoded.object };
}

function unsupportedMediaType(target: BodyTarget): Error {
  const types = ['application/json', 'application/yaml'];
  if (target.crd === undefined) types.push('application/vnd.kubernetes.protobuf');
  return failure({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`,
  });
}

const SUMMARY_BYTES = 30;

/** The beginning of a body that could not be read. */
function summary(body: Uint8Array): string {
  if (body.length === 0) return '<empty>';
  const start = Buffer.from(body.subarray(0, SUMMARY_BYTES));
  const text = body[0] === 0x7b ? start.toString('utf8') : start.toString('hex');
  return body.length > SUMMARY_BYTES ? `${text} ...` : text;
}

function asFields(value: unknown, body: Uint8Array, target: BodyTarget): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  throw badRequest(
    `the object provided is unrecognized (must be of type ${target.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (${summary(body)})`,
  );
}

/** Kind and apiVersion may be absent; they must not be others. */
function checkKind(call: Call, fields: Record<string, unknown>, target: BodyTarget): void {
  for (const field of ['kind', 'apiVersion']) {
    const value = fields[field];
    if (value === undefined || value === null || typeof value === 'string') continue;
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    const body = call.request.body ?? new Uint8Array();
    throw badRequest(
      `the object provided is unrecognized (must be of type ${target.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${field} of type string (${summary(body)})`,
    );
  }
  if (target.crd !== undefined && (fields.kind ?? '') === '') {
    const body = Buffer.from(call.request.body ?? []);
    const why = `Object 'Kind' is missing in '${body.toString('utf8')}'`;
    throw badRequest(`the object provided is unrecognized (must be of type ${target.kind}): ${why} (${summary(body)})`);
  }
  const kind = typeof fields.kind === 'string' && fields.kind !== '' ? fields.kind : target.kind;
  const apiVersion =
    typeof fields.apiVersion === 'string' && fields.apiVersion !== '' ? fields.apiVersion : target.apiVersion;
  fields.kind = kind;
  fields.apiVersion = apiVersion;
  if (kind === target.kind && apiVersion === target.apiVersion) return;
  if (target.crd !== undefined) {
    if (apiVersion !== target.apiVersion) {
      throw badRequest(
        `the API version in the data (${apiVersion}) does not match the expected API version (${target.apiVersion})`,
      );
    }
    const { name } = (fields.metadata ?? {}) as { name?: unknown };
    const error = invalidValue('kind', kind, `must be ${target.kind}`);
    throw invalid(target.group, kind, typeof name === 'string' ? name : '', [error]);
  }
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const known = call.core.registry.findKind(group, version, kind);
  const why =
    known === undefined || known.crd !== undefined
      ? `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:110"`
      : `converting (${version}.${kind}) to (${internalPackage(target.group)}.${target.kind}): unknown conversion`;
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${target.kind}: ${why}`);
}

/** The package of the real server's own types of a group, which some messages name. */
export function internalPackage(group: string): string {
  return group === '' ? 'core' : (group.split('.', 1)[0] ?? group);
}

/** The decoded object with no defaults yet, and what fieldValidation reports of it. */
function objectOf(
  fields: Record<string, unknown>,
  target: BodyTarget,
  decoded: DecodedBody & { ok: true },
): { readonly object: AnyObject; readonly problems: readonly string[] } {
  const { text, duplicates = [] } = decoded;
  if (target.crd !== undefined) {
    const problem = target.crd.decodeProblem(fields as unknown as AnyObject);
    if (problem !== undefined) throw cannotBeHandled(target, problem);
    const object = withMetadata(cloneJson(fields));
    const unknown = target.crd.prune(object);
    const problems = [
      ...duplicates.map((path) => `duplicate field "${path}"`),
      ...unknown.map((path) => `unknown field "${path}"`),
    ];
    return { object, problems };
  }
  const result = normalize(fields, target.schema);
  if (!result.ok) throw cannotBeHandled(target, result.message);
  const object = withMetadata({ ...result.value, kind: target.kind, apiVersion: target.apiVersion });
  return {
    object: keepEmptyOwnership(object, fields),
    problems: text === undefined ? [] : strictFieldErrors(text, target.schema),
  };
}

/** An empty list of managedFields is a request to stop tracking, not the same as none. */
export function keepEmptyOwnership(object: AnyObject, fields: Record<string, unknown>): AnyObject {
  const { managedFields } = (fields.metadata ?? {}) as { managedFields?: unknown };
  if (Array.isArray(managedFields) && managedFields.length === 0) object.metadata.managedFields = [];
  return object;
}

function cannotBeHandled(target: BodyTarget, why: string): Error {
  return badRequest(`${target.kind} in version "${target.version}" cannot be handled as a ${target.kind}: ${why}`);
}

/** Objects have metadata from here on. */
export function withMetadata(fields: Record<string, unknown>): AnyObject {
  const metadata = typeof fields.metadata === 'object' && fields.metadata !== null ? fields.metadata : {};
  return { ...fields, metadata } as unknown as AnyObject;
}

function report(
  call: Call,
  target: BodyTarget,
  problems: readonly string[],
  fieldValidation: WriteOptions['fieldValidation'],
): void {
  if (problems.length === 0 || fieldValidation === 'Ignore') return;
  if (fieldValidation === 'Strict') throw cannotBeHandled(target, `strict decoding error: ${problems.join(', ')}`);
  call.warnings.push(...problems);
}
