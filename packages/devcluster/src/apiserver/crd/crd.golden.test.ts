import type { AnyObject, ManagedFieldsEntry } from '@drey/kube';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../../golden/golden.ts';
import type { FieldError } from '../model.ts';
import { applyJsonPatch, applyMergePatch, type JsonPatchOperation } from '../patch/index.ts';
import { builtinSchema, normalize } from '../schema/index.ts';
import { customResetFields, recordUpdate } from '../ssa/index.ts';
import {
  applyCrdDefaults,
  type CompiledVersion,
  compileCrd,
  convertCustomResource,
  prepareCrd,
  validateCrd,
} from './index.ts';

/**
 * Every recorded write of a definition or a custom resource, on the functions alone: the stored form, the warnings, the
 * owners of fields, or the causes of the failure.
 */
interface Step {
  kind?: string;
  request?: {
    method: string;
    path: string;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body?: unknown;
  };
  response?: {
    status: number;
    headers?: Record<string, string | string[]>;
    body?: AnyObject & { message?: string; details?: { causes?: unknown[] } };
    match?: string;
    ignore?: string[];
    unordered?: string[];
  };
}

const area = goldenArea('kube-api');
let passed = 0;
let total = 0;

afterAll(() => {
  process.stdout.write(`crd: ${passed} of ${total}\n`);
});

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

for (const file of area.files.filter((f) => /^(?:crd|ssa|patch)\/.*\.json$/.test(f))) {
  const cases = casesOf(area.json<{ steps: Step[] }>(file).steps);
  if (cases.length === 0) continue;
  describe(file, () => {
    for (const [i, c] of cases.entries()) {
      test(`${i}: ${c.title}`, () => {
        total++;
        c.check();
        passed++;
      });
    }
  });
}

function fill(value: unknown): string {
  return JSON.stringify(value).replaceAll('{{ns}}', 'vec-1').replaceAll('<timestamp>', '2024-01-01T00:00:00Z');
}

function casesOf(steps: Step[]): { title: string; check: () => void }[] {
  const definitions = new Map<string, AnyObject>();
  const objects = new Map<string, AnyObject>();
  const cases: { title: string; check: () => void }[] = [];
  for (const step of steps) {
    const { request, response } = step;
    const body = response?.body;
    if (request === undefined || body === undefined) continue;
    const path = request.path.replaceAll('{{ns}}', 'vec-1');
    const title = `${request.method} ${path}`;
    if (path.startsWith(DEFINITIONS)) {
      const check = definitionCase(step, path, definitions);
      if (check !== undefined) cases.push({ title, check });
      if (body.kind === 'CustomResourceDefinition') {
        const crd = JSON.parse(fill(body)) as AnyObject;
        definitions.set(crd.metadata.name ?? '', crd);
      }
      const old = definitions.get(path.split('/').at(-1) ?? '');
      if (response?.match === 'subset' && old !== undefined && (body.spec !== undefined || body.status !== undefined)) {
        definitions.set(old.metadata.name ?? '', {
          ...old,
          ...(JSON.parse(fill(body)) as AnyObject),
          metadata: old.metadata,
        });
      }
      continue;
    }
    const check = resourceCase(step, path, definitions, objects);
    if (check !== undefined) cases.push({ title, check });
    const m = /^\/apis\/vec-1\.example\.com\/[^/]+\/(?:namespaces\/vec-1\/)?([a-z]+)(?:\/([^/]+))?/.exec(path);
    if (m !== null && body.metadata?.uid !== undefined && body.kind !== 'Scale' && !request.query?.dryRun) {
      objects.set(`${m[1]}/${body.metadata.name}`, JSON.parse(fill(body)) as AnyObject);
    }
  }
  return cases;
}

function definitionCase(step: Step, path: string, definitions: Map<string, AnyObject>): (() => void) | undefined {
  const { request, response } = step;
  const body = response?.body;
  if (request === undefined || body === undefined || response === undefined) return undefined;
  const old = definitions.get(path.split('/').at(-1) ?? '');
  if (response.status === 409 || response.match === 'subset') return undefined;
  if (request.method === 'POST')
    return () => compare(response, prepared(JSON.parse(fill(request.body)) as AnyObject, undefined));
  if (request.method !== 'PATCH' || old === undefined) return undefined;
  const json = request.headers?.['Content-Type'] === 'application/json-patch+json';
  const patch = JSON.parse(fill(request.body)) as Record<string, unknown>;
  return () => {
    const next = json ? applyJsonPatch(old, patch as unknown as JsonPatchOperation[]) : applyMergePatch(old, patch);
    compare(response, prepared(next as AnyObject, old));
  };
}

function prepared(sent: AnyObject, old: AnyObject | undefined): { object: AnyObject; errors: readonly FieldError[] } {
  const schema = builtinSchema('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');
  if (schema === undefined) throw new Error('no schema');
  const decoded = normalize(sent, schema);
  if (!decoded.ok) throw new Error(decoded.message);
  const object = decoded.value as unknown as AnyObject;
  applyCrdDefaults(object);
  prepareCrd(object, old);
  return { object, errors: validateCrd(object, old) };
}

function compare(
  response: NonNullable<Step['response']>,
  result: { object: AnyObject; errors: readonly FieldError[] },
): void {
  const body = JSON.parse(fill(response.body)) as NonNullable<Step['response']>['body'];
  if (response.status === 422) {
    const causes = result.errors.map(({ reason, message, field }) => ({ reason, message, field }));
    if (response.ignore?.includes('/details/causes')) expect(causes.length).toBeGreaterThan(0);
    else if (response.unordered !== undefined) {
      expect(new Set(causes.map((c) => JSON.stringify(c)))).toEqual(
        new Set((body?.details?.causes ?? []).map((c) => JSON.stringify(c))),
      );
    } else expect(causes).toEqual(body?.details?.causes);
    return;
  }
  expect(result.errors).toEqual([]);
  const { metadata: _, ...rest } = result.object;
  const { metadata: __, ...expected } = body as AnyObject;
  expect(rest).toEqual(expected);
}

function resourceCase(
  step: Step,
  path: string,
  definitions: Map<string, AnyObject>,
  objects: Map<string, AnyObject>,
): (() => void) | undefined {
  const { request, response } = step;
  if (request === undefined || response?.body === undefined) return undefined;
  const m = /^\/apis\/(vec-1\.example\.com)\/([^/]+)\/(?:namespaces\/vec-1\/)?([a-z]+)(?:\/([^/]+))?(\/status)?$/.exec(
    path,
  );
  if (m === null) return undefined;
  const [, group = '', version = '', plural = '', name, subresource] = m;
  const crd = definitions.get(`${plural}.${group}`);
  const compiled = crd === undefined ? undefined : compileCrd(crd).get(version);
  if (compiled === undefined || ![200, 201, 422].includes(response.status)) return undefined;
  if (!response.body.details?.causes && response.status === 422) return undefined;
  const old = objects.get(`${plural}/${name}`);
  const type = request.headers?.['Content-Type'] ?? 'application/json';
  if (request.query?.fieldValidation === 'Strict' || type.includes('strategic') || type.includes('apply'))
    return undefined;
  if (!['POST', 'PUT', 'PATCH'].includes(request.method)) return undefined;
  if (request.method !== 'POST' && old === undefined) return undefined;
  if (response.body.kind === 'Status' && JSON.stringify(response.body).includes('metadata.')) return undefined;
  const sent = JSON.parse(fill(request.body)) as unknown;
  return () => {
    const before = old === undefined ? undefined : convertCustomResource(old, `${group}/${version}`);
    let object = structuredClone(sent) as AnyObject;
    if (type.includes('merge-patch'))
      object = structuredClone(applyMergePatch(before!, sent as Record<string, unknown>)) as unknown as AnyObject;
    if (type.includes('json-patch')) object = applyJsonPatch(before, sent as JsonPatchOperation[]) as AnyObject;
    check(response, object, before, compiled, subresource === undefined ? undefined : 'status', request);
  };
}

function check(
  response: NonNullable<Step['response']>,
  object: AnyObject,
  old: AnyObject | undefined,
  version: CompiledVersion,
  subresource: string | undefined,
  request: NonNullable<Step['request']>,
): void {
  const unknown = version.prune(object);
  const warnings = [response.headers?.warning ?? []].flat();
  if (request.method !== 'PATCH') {
    expect(unknown.map((p) => `299 - ${JSON.stringify(`unknown field ${JSON.stringify(p)}`)}`)).toEqual(warnings);
  }
  version.applyDefaults(object);
  const recorded = recordUpdate({
    manager: request.query?.fieldManager ?? 'kubevec',
    apiVersion: object.apiVersion,
    subresource,
    time: '2024-01-01T00:00:00Z',
    schema: version.schema,
    resetFields: customResetFields(version.statusSubresource, subresource),
    old,
    object,
  });
  const kept = version.statusSubresource ? (subresource === 'status' ? 'spec' : 'status') : undefined;
  const stored: AnyObject = { ...recorded };
  if (kept !== undefined) {
    delete stored[kept];
    if (old?.[kept] !== undefined) stored[kept] = old[kept];
  }
  const errors = version.validate(stored, old);
  if (response.status === 422) {
    compare(response, { object: stored, errors });
    return;
  }
  expect(errors).toEqual([]);
  const expected = JSON.parse(fill(response.body)) as AnyObject;
  expect({ spec: stored.spec, status: stored.status }).toEqual({ spec: expected.spec, status: expected.status });
  expect(owners(stored)).toEqual(owners(expected));
}

function owners(object: AnyObject): unknown {
  const entries = (object.metadata.managedFields ?? []) as ManagedFieldsEntry[];
  return new Set(entries.map((e) => JSON.stringify([e.manager, e.operation, e.subresource, e.fieldsV1])));
}
