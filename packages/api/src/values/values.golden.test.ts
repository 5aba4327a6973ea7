import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { decimalText } from './decimal.ts';
import { flattenConfiguration } from './flatten.ts';
import { type Json, parseExactJson } from './json.ts';
import { memoryBytes, memoryForFlink } from './memory-size.ts';
import { parseQuantity, type Reading } from './quantity.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: Record<string, never>;
  readonly result?: unknown;
  readonly exception?: string;
}

const area = goldenArea('operator-classes');
const vectors = (
  area.files.includes('misc.json') ? (parseExactJson(area.text('misc.json')) as unknown as Vector[]) : []
).filter(({ fn }) => ['flatConfig', 'memoryParse', 'memoryBytes', 'ephemeralBytes'].includes(fn));
let passed = 0;
const compare: Record<string, (vector: Vector) => void> = {
  flatConfig({ args, result }) {
    const { object } = args as unknown as { object: { spec: { flinkConfiguration: Json } } };
    expect(flattenConfiguration(object.spec.flinkConfiguration)).toEqual(result);
  },
  memoryParse: (vector) => check(vector, memoryForFlink(text(vector, 'memory')), (value) => value),
  memoryBytes: (vector) => check(vector, memoryBytes(text(vector, 'memory')), String),
  ephemeralBytes(vector) {
    check(
      vector,
      parseQuantity(text(vector, 'quantity')),
      (value) => Number(decimalText(value)),
      (result) => Number((result as { amountInBytes: string }).amountInBytes),
    );
  },
};

function text({ args }: Vector, name: string): string {
  return args[name] as unknown as string;
}

function check<T>(
  vector: Vector,
  reading: Reading<T>,
  shown: (v: T) => unknown,
  expected = (result: unknown): unknown =>
    typeof result === 'object' && result !== null
      ? (result as { text: string }).text
      : typeof result === 'number'
        ? String(result)
        : result,
): void {
  if (vector.exception !== undefined) expect(reading).toMatchObject({ ok: false });
  else expect(reading.ok ? shown(reading.value) : reading.reason).toEqual(expected(vector.result));
}

describe('Values as the Apache operator reads them', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    compare[vector.fn]?.(vector);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes values: ${passed} of ${vectors.length}`));
