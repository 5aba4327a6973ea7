import type { AnyObject } from '@drey/kube';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../../golden/golden.ts';
import { StatusError } from '../model.ts';
import { builtinSchema, normalize, type TypeSchema } from '../schema/index.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  decodeJsonPatch,
  decodeMergePatch,
  decodeStrategicMergePatch,
} from './index.ts';

/** Every recorded patch of a built-in object, from the object before to the object after, or to the failure. */
interface Step {
  request?: {
    method: string;
    path: string;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body?: unknown;
    rawBody?: string;
  };
  response?: { status: number; body?: AnyObject & { message?: string } };
}

const area = goldenArea('kube-api');
let passed = 0;
let total = 0;

afterAll(() => {
  process.stdout.write(`patch: ${passed} of ${total}\n`);
});

for (const file of area.files.filter((f) => /^(?:patch|ssa|subresource)\/.*\.json$/.test(f))) {
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

function casesOf(steps: Step[]): { title: string; check: () => void }[] {
  const objects = new Map<string, AnyObject>();
  const cases: { title: string; check: () => void }[] = [];
  for (const { request, response } of steps) {
    const body = response?.body;
    if (request === undefined || response === undefined || body === undefined) continue;
    const key = request.method === 'POST' ? `${request.path}/${body.metadata?.name}` : request.path;
    const main = key.replace(/\/status$/, '');
    const old = objects.get(main);
    const type = request.headers?.['Content-Type'];
    const text = request.rawBody ?? JSON.stringify(request.body);
    if (request.method === 'PATCH' && old !== undefined && type !== undefined && !text.includes('{{')) {
      const check = checkOf(type, text, old, body, request.path.endsWith('/status'));
      if (check !== undefined) cases.push({ title: `${type} ${request.path}`, check });
    }
    const stored = typeof body.apiVersion === 'string' && body.kind !== 'Status' && body.kind !== 'Scale';
    if (stored && request.query?.dryRun === undefined) objects.set(main, body);
    if (request.method === 'DELETE') objects.delete(main);
  }
  return cases;
}

function checkOf(
  type: string,
  text: string,
  old: AnyObject,
  body: AnyObject & { message?: string },
  statusOnly: boolean,
): (() => void) | undefined {
  const [group = '', version] = old.apiVersion.includes('/') ? old.apiVersion.split('/') : ['', old.apiVersion];
  const schema = builtinSchema(group, version ?? '', old.kind);
  const run = patcher(type, new TextEncoder().encode(text), old, schema);
  if (run === undefined || schema === undefined) return undefined;
  if (body.kind !== 'Status') {
    // Through the status endpoint only the status is written; a main endpoint keeps it.
    // Defaults of new items are filled in later, so the answer may hold more.
    return () => {
      const { status, ...main } = bare(normalized(run(), schema));
      expect(bare(body)).toMatchObject(statusOnly ? { status } : main);
    };
  }
  // Other failures come from what follows: validation, versions, names.
  if (!/in our request|decoding patch|patch type|merge key|retainKeys/.test(String(body.message))) return undefined;
  return () => {
    expect(() => run()).toThrow(StatusError);
    try {
      run();
    } catch (error) {
      expect((error as StatusError).status).toEqual(body);
    }
  };
}

function patcher(
  type: string,
  body: Uint8Array,
  old: AnyObject,
  schema: TypeSchema | undefined,
): (() => unknown) | undefined {
  switch (type) {
    case 'application/json-patch+json':
      return () => applyJsonPatch(old, decodeJsonPatch(body).patch);
    case 'application/merge-patch+json':
      return () => applyMergePatch(old, decodeMergePatch(body).patch);
    case 'application/strategic-merge-patch+json':
      if (schema === undefined) return undefined;
      return () => applyStrategicMergePatch(old, decodeStrategicMergePatch(body).patch, schema);
    default:
      return undefined;
  }
}

function normalized(value: unknown, schema: TypeSchema): AnyObject {
  const text = JSON.stringify(value).replaceAll('<timestamp>', '2024-01-01T00:00:00Z');
  const result = normalize(JSON.parse(text), schema);
  if (!result.ok) throw new Error(result.message);
  return result.value as unknown as AnyObject;
}

/** Without what the server sets by itself. */
function bare(object: AnyObject): Record<string, unknown> {
  const text = JSON.stringify(object).replaceAll('<timestamp>', '2024-01-01T00:00:00Z');
  const { metadata, ...rest } = JSON.parse(text) as AnyObject;
  const { resourceVersion: _, generation: __, managedFields: ___, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
