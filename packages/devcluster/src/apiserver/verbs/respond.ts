import type { AnyObject } from '@drey/kube';
import { stringify } from 'yaml';
import type { ApiResponse } from '../contract.ts';
import { negotiate, type Representation } from '../negotiate.ts';
import { badRequest, failure, internalError } from '../status.ts';
import type { Call } from './context.ts';
import { internalPackage } from './decode-body.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const YAML_TYPE = { 'content-type': 'application/yaml' };
const NEWLINE = Buffer.from('\n');

export interface ListEnvelope {
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

/** Answers with one object in the representation the client accepts. */
export function respondObject(call: Call, status: number, object: AnyObject): ApiResponse {
  const form = negotiate(call.request.headers.accept, call.request.query);
  if (form.as === 'table') return respondValue(call, status, form, tableOf(call, form, [object], tableMeta(object)));
  if (form.as === 'metadata') return respondValue(call, status, form, partialMetadata(object, form));
  if (form.as === 'metadata-list') throw wrongShape(call, 'PartialObjectMetadataList', 'is not a list');
  if (form.encoding === 'yaml' || form.pretty) return respondValue(call, status, form, object);
  return {
    status,
    headers: JSON_TYPE,
    warnings: call.warnings,
    body: Buffer.concat([call.core.encoder.object(object), NEWLINE]),
  };
}

/** Answers with a value that is no stored object (a Status, a Scale, a review). */
export function respondOther(call: Call, status: number, value: unknown): ApiResponse {
  const form = negotiate(call.request.headers.accept, call.request.query);
  return respondValue(call, status, form, value);
}

/** Answers with a list in the representation the client accepts. */
export function respondList(call: Call, items: readonly AnyObject[], envelope: ListEnvelope): ApiResponse {
  const { resource, core, request } = call;
  const form = negotiate(request.headers.accept, request.query);
  const metadata = listMetadata(call, envelope, form.as === 'object');
  if (form.as === 'metadata') throw wrongShape(call, 'PartialObjectMetadata', 'is a list', 'List');
  if (form.as === 'table') return respondValue(call, 200, form, tableOf(call, form, items, metadata));
  if (form.as === 'metadata-list') {
    return respondValue(call, 200, form, {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${form.metaVersion}`,
      metadata,
      items: items.length === 0 ? null : items.map((item) => partialMetadata(item, form)),
    });
  }
  const head = { kind: resource.listKind, apiVersion: resource.apiVersion, metadata };
  if (form.encoding === 'json' && !form.pretty) {
    return {
      status: 200,
      headers: JSON_TYPE,
      warnings: call.warnings,
      body: core.encoder.list(head, items, resource.bareItems),
    };
  }
  const shown = resource.bareItems ? items.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest) : items;
  return respondValue(call, 200, form, { ...head, items: shown });
}

function listMetadata({ resource }: Call, envelope: ListEnvelope, isPlain: boolean): Record<string, unknown> {
  // Plain lists of custom resources write the token even when it is empty.
  const token = envelope.continue ?? (isPlain && resource.crd !== undefined ? '' : undefined);
  return {
    resourceVersion: envelope.resourceVersion,
    ...(token === undefined ? {} : { continue: token }),
    ...(envelope.remainingItemCount === undefined ? {} : { remainingItemCount: envelope.remainingItemCount }),
  };
}

function wrongShape({ resource }: Call, asked: string, shape: string, suffix = ''): Error {
  const type =
    resource.crd === undefined
      ? `${internalPackage(resource.group)}.${resource.kind}${suffix}`
      : `unstructured.Unstructured${suffix}`;
  return failure({
    code: 406,
    reason: 'NotAcceptable',
    message: `you requested ${asked}, but the requested object ${shape} (*${type})`,
  });
}

function respondValue(call: Call, status: number, form: Representation, value: unknown): ApiResponse {
  const { warnings } = call;
  if (form.encoding === 'yaml') return { status, headers: YAML_TYPE, warnings, body: Buffer.from(toYaml(value)) };
  const text = form.pretty ? JSON.stringify(value, null, 2) : JSON.stringify(value);
  return { status, headers: JSON_TYPE, warnings, body: Buffer.from(`${text}\n`) };
}

function toYaml(value: unknown): string {
  return stringify(value, {
    version: '1.1',
    customTags: (tags) => tags.map((tag) => (isLooseFloat(tag) ? Object.assign({}, tag, { test: FLOAT }) : tag)),
    sortMapEntries: true,
    aliasDuplicateObjects: false,
    lineWidth: 0,
    indentSeq: false,
  });
}

/** A number has a digit: `.`, a key in every managedFields entry, is none and needs no quotes. */
const FLOAT = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/;

function isLooseFloat(tag: unknown): boolean {
  const { test } = tag as { test?: RegExp };
  return test?.test('.') === true && tag !== null && (tag as { tag?: string }).tag === 'tag:yaml.org,2002:float';
}

export function partialMetadata(object: AnyObject, form: Representation): AnyObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.metaVersion}`, metadata: object.metadata };
}

function tableMeta(object: AnyObject): Record<string, unknown> {
  const { resourceVersion } = object.metadata;
  return resourceVersion === undefined ? {} : { resourceVersion };
}

/** A `meta.k8s.io` Table; rows carry what `includeObject` asks for. */
export function tableOf(
  call: Call,
  form: Representation,
  objects: readonly AnyObject[],
  metadata: Record<string, unknown>,
  includeObject = includeObjectOf(call.request.query.get('includeObject')),
): Record<string, unknown> {
  const { renderTable, clock } = call.core;
  if (renderTable === undefined) throw internalError('this server renders no tables');
  const table = renderTable(call.resource, objects, { includeObject, now: clock.now() });
  return { kind: 'Table', apiVersion: `meta.k8s.io/${form.metaVersion}`, metadata, ...table };
}

function includeObjectOf(value: string | null): 'None' | 'Metadata' | 'Object' {
  if (value === null || value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}
