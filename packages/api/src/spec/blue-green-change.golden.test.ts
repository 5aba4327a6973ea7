import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import type { FlinkBlueGreenDeployment } from '../kinds/flink-blue-green-deployment.ts';
import { type BlueGreenChange, blueGreenChange } from './blue-green-change.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: { readonly left: FlinkBlueGreenDeployment; readonly right: FlinkBlueGreenDeployment };
  readonly result: BlueGreenChange;
}

const area = goldenArea('operator-classes');
const all = area.files.includes('misc.json') ? area.json<Vector[]>('misc.json') : [];
const vectors = all.filter(({ fn }) => fn === 'bluegreenDiff');
let passed = 0;

describe('Changes of a blue/green pair are of the kind that the Apache operator says', () => {
  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, { args, result }) => {
    expect(blueGreenChange(args.left.spec, args.right.spec)).toBe(result);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes bluegreenDiff: ${passed} of ${vectors.length}`));
