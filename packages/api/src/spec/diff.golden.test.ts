import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import type { DeploymentMode } from '../kinds/flink-deployment.ts';
import { isNumber, type Json, javaNumberText, parseExactJson } from '../values/json.ts';
import { type DiffType, diffSpecs, specChangedMessage } from './diff.ts';
import type { RecordedKind } from './java-spec.ts';
import { parseRecordedSpec, serializeSpec } from './recorded.ts';

interface Vector {
  readonly id: string;
  readonly kind: RecordedKind;
  readonly mode: DeploymentMode;
  readonly left: { readonly spec: unknown };
  readonly right: { readonly spec: unknown };
  readonly result: {
    readonly type: DiffType;
    readonly diffs: readonly {
      readonly field: string;
      readonly left: Json;
      readonly right: Json;
      readonly type: DiffType;
    }[];
    readonly text: string;
    readonly eventMessage: string | null;
  };
}

const area = goldenArea('operator-classes');
const vectors = area.files.includes('diff.json') ? (parseExactJson(area.text('diff.json')) as unknown as Vector[]) : [];
let passed = 0;

describe('Specs differ as the Apache operator finds them to', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, { kind, mode, left, right, result }) => {
    const recorded = parseRecordedSpec(kind, serializeSpec(kind, left.spec, { firstDeployment: false }))!;
    const diff = diffSpecs(kind, recorded.spec, right.spec, mode);
    expect(diff.type).toBe(result.type);
    expect(sorted(diff.differences.map((one) => ({ ...one })))).toEqual(sorted(result.diffs));
    expect(rows(diff.text)).toEqual(rows(result.text));
    if (result.eventMessage === null) expect(specChangedMessage(diff)).toBeNull();
    else expect(specChangedMessage({ ...diff, text: result.text })).toBe(result.eventMessage);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes diff: ${passed} of ${vectors.length}`));

/** Configuration keys come in hash order, which depends on how the recorder built its set. */
function sorted(differences: readonly { field: string }[]): unknown {
  const own = differences.filter(({ field }) => !field.startsWith('flinkConfiguration.'));
  const keys = differences.filter(({ field }) => field.startsWith('flinkConfiguration.'));
  return [...own, ...keys.sort((a, b) => (a.field < b.field ? -1 : 1))].map(numbers);
}

function numbers(value: unknown): unknown {
  if (isNumber(value)) return javaNumberText(value);
  if (Array.isArray(value)) return value.map(numbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, numbers(item)]));
}

function rows(text: string): string[] {
  const parts = text.split(/, (?=[A-Za-z]+(?:\.[^ ]+)? : )/);
  return parts.length > 1 && text.includes('flinkConfiguration')
    ? parts.map((part) => part.replace(/^Diff: \w+\[|\]$/g, '')).sort()
    : parts;
}
