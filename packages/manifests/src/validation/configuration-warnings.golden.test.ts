import { flattenConfiguration } from '@drey/api';
import { configurationWarnings, tryParseFlinkVersion } from '@drey/flink';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { goldenArea } from '../../../../golden/golden.ts';

interface Resource {
  readonly spec?: { readonly flinkConfiguration?: unknown; readonly flinkVersion?: string } | null;
}

interface Vector {
  readonly id: string;
  readonly object?: Resource;
}

const examples = goldenArea('apache-operator');
const classes = goldenArea('operator-classes');
const native = goldenArea('flink-native');
let [resources, keys] = [0, 0];
afterAll(() => console.log(`configurations without a false alarm: ${resources} resources, ${keys} keys`));

/** Keys that the vectors of validation made up to be like others. */
const MADE_UP = ['kubernetes.operator.cluster-id', 'kubernetes.cluster-id.x'];

/** Warnings about keys; values that vectors break on purpose are another matter. */
function alarms(configuration: Readonly<Record<string, string>>, version: string): string[] {
  resources += 1;
  keys += Object.keys(configuration).length;
  const parsed = tryParseFlinkVersion(version);
  if (parsed === undefined) return [];
  return configurationWarnings(configuration, parsed)
    .filter(({ kind }) => kind === 'misspelt' || kind === 'unknown')
    .map(({ message }) => message);
}

describe('Configurations that people and programs wrote', () => {
  test.each(examples.files.filter((file) => file.endsWith('input.yaml')))('%s gives no alarm', (file) => {
    for (const document of parseAllDocuments(examples.text(file))) {
      const { spec } = document.toJS() as Resource;
      const flat = flattenConfiguration((spec?.flinkConfiguration ?? {}) as never);
      expect(alarms(flat, spec?.flinkVersion ?? 'v1_20')).toEqual([]);
    }
  });

  test.each(native.files.filter((file) => file.endsWith('input.properties')))('%s gives no alarm', (file) => {
    const lines = native
      .text(file)
      .split('\n')
      .filter((line) => /^[^#=][^=]*=/.test(line));
    const flat = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1)]),
    );
    expect(alarms(flat, file.split('/', 1)[0] ?? '')).toEqual([]);
  });

  test('The vectors of the operator’s classes give none but about keys that are made up', () => {
    const vectors = classes.files.includes('validation.json') ? classes.json<Vector[]>('validation.json') : [];
    const told = vectors.flatMap(({ object }) => {
      const configuration = object?.spec?.flinkConfiguration;
      if (typeof configuration !== 'object' || configuration === null) return [];
      return alarms(flattenConfiguration(configuration as never), object?.spec?.flinkVersion ?? 'v1_20');
    });
    expect(
      [...new Set(told)].filter(
        (message) => !MADE_UP.some((key) => message.includes(` ${key}`) || message.startsWith(key)),
      ),
    ).toEqual([]);
  });
});
