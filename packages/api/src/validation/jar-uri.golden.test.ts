import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { Settings } from './context.ts';
import { checkJarUri } from './jar-uri.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: {
    readonly uri: string | null;
    readonly schemes: readonly string[];
    readonly disallowRestrictedHosts: boolean;
  };
  readonly result?: string | null;
}

const area = goldenArea('operator-classes');
const all = area.files.includes('misc.json') ? area.json<Vector[]>('misc.json') : [];
const vectors = all.filter(({ fn }) => fn === 'jarUri');
let passed = 0;

describe('Jars of session jobs are refused as by the Apache operator', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, { args, result }) => {
    const settings = new Settings({
      'kubernetes.operator.user.artifacts.allowed-schemes': args.schemes.join(';'),
      'kubernetes.operator.user.artifacts.disallow-restricted-hosts': String(args.disallowRestrictedHosts),
    });
    const found = args.uri === null ? undefined : checkJarUri(args.uri, settings, () => undefined);
    expect(found?.message ?? null).toBe(result ?? null);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes jarUri: ${passed} of ${vectors.length}`));
