import type { AnyObject, ManagedFieldsEntry } from '@drey/kube';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../../golden/golden.ts';
import { StatusError } from '../model.ts';
import { builtinSchema, type TypeSchema } from '../schema/index.ts';
import { applyServerSide, recordUpdate, resetFields } from './index.ts';

/**
 * Every recorded request that writes a built-in object, replayed on the functions alone: from the object as the real
 * server returned it before, to the managedFields (or the failure) that it returned next.
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
  response?: { status: number; body?: AnyObject & { message?: string; details?: unknown }; match?: string };
}

const area = goldenArea('kube-api');
let passed = 0;
let total = 0;

afterAll(() => {
  process.stdout.write(`ssa: ${passed} of ${total}\n`);
});

for (const file of area.files.filter((f) => /^(?:ssa|patch|crud|subresource)\/.*\.json$/.test(f))) {
  const steps = stepsOf(area.json<{ steps: Step[] }>(file).steps);
  if (steps.length === 0) continue;
  describe(file, () => {
    for (const [i, step] of steps.entries()) {
      test(`${i}: ${step.title}`, () => {
        total++;
        step.check();
        passed++;
      });
    }
  });
}

interface Case {
  title: string;
  check: () => void;
}

function stepsOf(steps: Step[]): Case[] {
  const objects = new Map<string, AnyObject>();
  const cases: Case[] = [];
  for (const step of steps) {
    const { request, response } = step;
    const body = response?.body;
    if (request === undefined || response === undefined || body?.kind === undefined || response.match) continue;
    const place = placeOf(request.path);
    const old = objects.get(place.object);
    const schema = schemaOf(body.kind === 'Status' ? (old ?? (request.body as AnyObject)) : body);
    if (schema !== undefined && place.name !== undefined && request.query?.dryRun === undefined) {
      const found = caseOf(step, place, old, schema);
      if (found !== undefined) cases.push({ title: `${request.method} ${request.path}`, check: found });
    }
    if (body.kind !== 'Status' && body.kind !== 'Scale' && request.query?.dryRun === undefined && body.metadata?.name) {
      objects.set(place.name === undefined ? `${place.object}/${body.metadata.name}` : place.object, body);
    }
    if (request.method === 'DELETE') objects.delete(place.object);
  }
  return cases;
}

function placeOf(path: string): { object: string; name: string | undefined; subresource: string | undefined } {
  const m =
    /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/\{\{ns\}\})?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(path);
  if (m === null) return { object: path, name: undefined, subresource: undefined };
  const object = m[3] === undefined ? `${m[1]}/${m[2]}` : `${m[1]}/${m[2]}/${m[3]}`;
  return { object, name: m[3], subresource: m[4] };
}

function schemaOf(object: AnyObject | undefined): TypeSchema | undefined {
  if (typeof object?.apiVersion !== 'string') return undefined;
  const [group, version] = groupVersion(object.apiVersion);
  return builtinSchema(group, version, object.kind);
}

function groupVersion(apiVersion: string): [string, string] {
  const [a = '', b] = apiVersion.split('/');
  return b === undefined ? ['', a] : [a, b];
}

function caseOf(
  step: Step,
  place: { subresource: string | undefined },
  old: AnyObject | undefined,
  schema: TypeSchema,
): (() => void) | undefined {
  const { request, response } = step;
  const body = response?.body;
  if (request === undefined || body === undefined || body.kind === 'Scale') return undefined;
  const kind = old?.kind ?? (request.body as AnyObject | undefined)?.kind ?? '';
  const apiVersion = old?.apiVersion ?? (request.body as AnyObject | undefined)?.apiVersion ?? '';
  const manager = request.query?.fieldManager ?? request.headers?.['User-Agent']?.split('/')[0] ?? 'kubevec';
  const context = {
    manager,
    apiVersion,
    subresource: place.subresource,
    time: '<timestamp>',
    schema,
    resetFields: resetFields(groupVersion(apiVersion)[0], kind, place.subresource),
  };
  if (request.headers?.['Content-Type'] === 'application/apply-patch+yaml') {
    const intent = request.body as AnyObject | undefined;
    const failed = /Apply failed|typed patch|invalid object type|managedFields must/.test(String(body.message));
    if (intent === undefined || (body.kind === 'Status' && !failed)) return undefined;
    const live = old ?? ({ apiVersion, kind, metadata: {} } as AnyObject);
    const expectedKind = /configmaps/.test(request.path) ? 'ConfigMap' : kind;
    const version = expectedKind === 'ConfigMap' ? 'v1' : apiVersion;
    return () => {
      const options = {
        ...context,
        apiVersion: version,
        kind: expectedKind,
        live,
        intent,
        force: request.query?.force === 'true',
      };
      if (failed) {
        const error = thrown(() => applyServerSide(options));
        expect(error.status).toEqual(JSON.parse(JSON.stringify(body)));
      } else {
        expect(fields(applyServerSide(options))).toEqual(fields(body));
      }
    };
  }
  if (body.kind === 'Status' || !['POST', 'PUT', 'PATCH'].includes(request.method) || old === undefined)
    return undefined;
  if (place.subresource !== undefined && place.subresource !== 'status') return undefined;
  const sent = (request.body as AnyObject | undefined)?.metadata?.managedFields;
  return () => {
    const { managedFields: _, ...metadata } = body.metadata;
    const object = { ...body, metadata: sent === undefined ? metadata : { ...metadata, managedFields: sent } };
    expect(fields(recordUpdate({ ...context, old, object }))).toEqual(fields(body));
  };
}

function thrown(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Entries by owner. Recorded times are placeholders, so only their presence is compared. */
function fields(object: AnyObject): Record<string, unknown> {
  const entries = (object.metadata.managedFields ?? []) as ManagedFieldsEntry[];
  return Object.fromEntries(
    entries.map((e) => [
      JSON.stringify([e.manager, e.operation, e.apiVersion, e.subresource]),
      { ...e, time: e.time !== undefined },
    ]),
  );
}
