import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { sessionLabels } from './decisions.ts';
import type { ReviewedObject } from './review.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: { readonly object: ReviewedObject };
  readonly result: Readonly<Record<string, string>>;
}

const area = goldenArea('operator-classes');
const all = area.files.includes('misc.json') ? area.json<Vector[]>('misc.json') : [];
const vectors = all.filter(({ fn }) => fn === 'sessionLabel');
let matched = 0;
afterAll(() => console.log(`operator-classes sessionLabel: ${matched} of ${vectors.length}`));

describe('A session job carries the name of its cluster as a label, as the Apache operator puts it', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, { args, result }) => {
    expect(sessionLabels(args.object) ?? args.object.metadata.labels ?? {}).toEqual(result);
    matched += 1;
  });
});
