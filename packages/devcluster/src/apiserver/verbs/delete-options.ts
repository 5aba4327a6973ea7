import type { FieldError } from '../model.ts';
import { decodeJson, decodeYaml, definitionSchema, normalize } from '../schema/index.ts';
import { badRequest, failure, invalidOptions, plain500 } from '../status.ts';
import { invalidValue, notSupported } from '../validation/field-errors.ts';
import type { Call } from './context.ts';
import { mediaType } from './decode-body.ts';
import { dryRunErrors, integerParameter } from './parameters.ts';

const OPTIONS = definitionSchema('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export interface DeleteOptions {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagation: Propagation | undefined;
  readonly orphanDependents: boolean | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** The options of a delete: its body, or without one its query parameters. */
export function deleteOptionsOf(call: Call): DeleteOptions {
  const { body, query } = call.request;
  const fields = body === undefined || body.length === 0 ? fromQuery(query) : fromBody(call, body);
  const dryRun = stringsOf(fields.dryRun);
  const errors = optionErrors(fields, dryRun);
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
  const preconditions = isRecord(fields.preconditions) ? fields.preconditions : {};
  return {
    gracePeriodSeconds: typeof fields.gracePeriodSeconds === 'number' ? fields.gracePeriodSeconds : undefined,
    propagation: fields.propagationPolicy as Propagation | undefined,
    orphanDependents: typeof fields.orphanDependents === 'boolean' ? fields.orphanDependents : undefined,
    uid: textOf(preconditions.uid),
    resourceVersion: textOf(preconditions.resourceVersion),
    dryRun: dryRun.length > 0,
  };
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const grace = integerParameter(query.get('gracePeriodSeconds'));
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    dryRun: query.getAll('dryRun'),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === null || policy === '' ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: orphan === 'true' || orphan === '1' || orphan === '' }),
  };
}

function fromBody(call: Call, body: Uint8Array): Record<string, unknown> {
  const fields = decodeOptions(call, body);
  const kind = textOf(fields.kind) ?? 'DeleteOptions';
  const typed = normalize(fields, OPTIONS);
  if (!typed.ok) throw plain500(typed.message);
  if (kind !== 'DeleteOptions') {
    throw plain500(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(textOf(fields.apiVersion) ?? 'v1')} in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  return fields;
}

function decodeOptions(call: Call, body: Uint8Array): Record<string, unknown> {
  const type = mediaType(call.request.headers['content-type']);
  if (type === 'application/vnd.kubernetes.protobuf' && call.core.decodeProtobuf !== undefined) {
    const decoded = call.core.decodeProtobuf(body);
    if ('error' in decoded) throw badRequest(decoded.error);
    return decoded.object;
  }
  if (type !== '' && type !== 'application/json' && type !== 'application/yaml') {
    throw failure({
      code: 415,
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
  }
  const decoded = type === 'application/yaml' ? decodeYaml(body) : decodeJson(body);
  if (!decoded.ok) throw plain500(`couldn't get version/kind; json parse error: ${decoded.message}`);
  return isRecord(decoded.value) ? decoded.value : {};
}

function optionErrors(fields: Record<string, unknown>, dryRun: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  const policy = textOf(fields.propagationPolicy);
  if (policy !== undefined) {
    if (fields.orphanDependents !== undefined) {
      const text = 'orphanDependents and deletionPropagation cannot be both set';
      errors.push(invalidValue('propagationPolicy', policy, text));
    }
    if (policy !== 'Foreground' && policy !== 'Background' && policy !== 'Orphan') {
      errors.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']));
    }
  }
  return [...errors, ...dryRunErrors(dryRun)];
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
