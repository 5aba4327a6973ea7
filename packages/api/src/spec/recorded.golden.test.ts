import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { flattenConfiguration } from '../values/flatten.ts';
import { type JsonObject, parseExactJson } from '../values/json.ts';
import type { RecordedKind } from './java-spec.ts';
import { parseRecordedSpec, type RecordedMetadata, serializeSpec } from './recorded.ts';

interface Vector {
  readonly id: string;
  readonly kind: RecordedKind;
  readonly direction: 'read' | 'write';
  readonly object: { readonly spec: unknown };
  readonly second?: { readonly spec: unknown };
  readonly stored: string | null;
  readonly result: {
    readonly plain: string;
    readonly steps: readonly { readonly step: string; readonly lastReconciledSpec?: string | null }[];
    readonly meta: RecordedMetadata | null;
    readonly rewritten: string;
    readonly flatConfiguration: Record<string, string>;
    readonly exception?: string;
    readonly result?: null;
  };
}

const FIRST: RecordedMetadata = { apiVersion: 'flink.apache.org/v1beta1', firstDeployment: true };
const area = goldenArea('operator-classes');
const vectors = area.files.includes('lastreconciled.json')
  ? (parseExactJson(area.text('lastreconciled.json')) as unknown as Vector[])
  : [];
let passed = 0;

describe('Recorded specs are those of the Apache operator', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    if (vector.direction === 'write') checkWrite(vector);
    else checkRead(vector);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes lastreconciled: ${passed} of ${vectors.length}`));

function checkWrite({ kind, object, result }: Vector): void {
  expect(serializeSpec(kind, object.spec, FIRST)).toBe(result.plain);
  for (const { lastReconciledSpec } of result.steps) {
    if (!lastReconciledSpec) continue;
    const recorded = parseRecordedSpec(kind, lastReconciledSpec)!;
    expect(serializeSpec(kind, recorded.spec, recorded.metadata!)).toBe(lastReconciledSpec);
  }
  const first = result.steps.find(({ step }) => step === 'firstAttempt')?.lastReconciledSpec;
  if (first) expect(serializeSpec(kind, attempted(object.spec as JsonObject), FIRST)).toBe(first);
}

/** The spec as it is recorded before a first deployment is submitted. */
function attempted(spec: JsonObject): JsonObject {
  const job = spec.job as JsonObject | null | undefined;
  if (!job) return spec;
  return {
    ...spec,
    job: { ...job, state: 'suspended', upgradeMode: job.initialSavepointPath ? 'savepoint' : 'stateless' },
  };
}

function checkRead({ kind, stored, result }: Vector): void {
  if (result.exception) {
    expect(() => parseRecordedSpec(kind, stored)).toThrow();
    return;
  }
  const recorded = parseRecordedSpec(kind, stored);
  if (result.result === null) {
    expect(recorded).toBeUndefined();
    return;
  }
  expect(recorded!.metadata ?? null).toEqual(result.meta);
  expect(flattenConfiguration(recorded!.spec.flinkConfiguration)).toEqual(result.flatConfiguration);
  const metadata = recorded!.metadata ?? { apiVersion: 'flink.apache.org/v1beta1', firstDeployment: false };
  expect(serializeSpec(kind, recorded!.spec, metadata)).toBe(result.rewritten);
}
