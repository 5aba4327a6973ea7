import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkpointingOptions,
  clusterOptions,
  executionOptions,
  FlinkConfig,
  FlinkError,
  formatList,
  formatMap,
  highAvailabilityKind,
  highAvailabilityOptions,
  keyFor,
  kubernetesJobManagerOptions,
  kubernetesOptions,
  parseList,
  parseMap,
  readConfigFile,
  valueRules,
  writeFlatYamlFile,
  writeLegacyFile,
  writeNestedYamlFile,
} from '../index.ts';

const version = { major: 1, minor: 20 };

describe('reading options', () => {
  test('the current key wins over its older names, and those over the default', () => {
    const older = FlinkConfig.of({ 'high-availability': 'zookeeper' });
    expect(older.get(highAvailabilityOptions.type)).toBe('zookeeper');
    expect(older.with('high-availability.type', 'kubernetes').get(highAvailabilityOptions.type)).toBe('kubernetes');
    expect(FlinkConfig.of({}).get(highAvailabilityOptions.type)).toBe('NONE');
  });

  test('a map option is also read from one key per entry, unless it is set as a whole', () => {
    const spread = FlinkConfig.of({ 'kubernetes.secrets.a': '/x', 'kubernetes.secrets.b': '/y' });
    expect([...spread.get(kubernetesOptions.secrets)]).toEqual([
      ['a', '/x'],
      ['b', '/y'],
    ]);
    expect([...spread.with('kubernetes.secrets', 'c:/z').get(kubernetesOptions.secrets)]).toEqual([['c', '/z']]);
  });

  test('a list of maps reads the tolerations of the documentation', () => {
    const config = FlinkConfig.of({
      'kubernetes.jobmanager.tolerations': 'key:k1,operator:Equal,value:v1;key:k2,operator:Exists',
    });
    expect(config.get(kubernetesJobManagerOptions.tolerations).map((one) => Object.fromEntries(one))).toEqual([
      { key: 'k1', operator: 'Equal', value: 'v1' },
      { key: 'k2', operator: 'Exists' },
    ]);
  });

  test('a wrong text is a coded error that names key and value', () => {
    const read = () => FlinkConfig.of({ 'parallelism.default': 'two' }).get(executionOptions.parallelismDefault);
    expect(read).toThrow(FlinkError);
    expect(read).toThrow(/'two' for key 'parallelism.default'/);
  });

  test('a wrong text under a key that may hold a secret is not repeated', () => {
    const option = { ...clusterOptions.restPort, key: 'my.password', aliases: [] };
    const read = () => FlinkConfig.of({ 'my.password': 'hunter2' }).get(option);
    expect(read).toThrow(/\*{6}/);
    expect(read).not.toThrow(/hunter2/);
  });

  test('an option is written under the name that the version knows', () => {
    expect(keyFor(highAvailabilityOptions.type, { major: 1, minor: 16 })).toBe('high-availability');
    expect(keyFor(highAvailabilityOptions.type, version)).toBe('high-availability.type');
  });
});

const item = fc.string({
  unit: fc.constantFrom('a', ' ', ';', ',', ':', "'", '"', '[', '{', '}', '-', '#', ': ', '\n'),
});
const key = fc.stringMatching(/^[a-z][a-z.-]{0,6}$/);

describe('writing and reading back', () => {
  test('lists survive in every version', () => {
    fc.assert(
      fc.property(fc.array(item), fc.constantFrom('legacy' as const, 'yaml' as const), (items, syntax) => {
        expect(parseList(formatList(items, syntax), syntax)).toEqual(items);
      }),
    );
  });

  test('an empty item of a list is quoted only where it would be lost, as Flink leaves it', () => {
    expect(formatList(['a', '', 'b'])).toBe('a;;b');
    expect(formatList(['', 'a', ''])).toBe("'';a;''");
  });

  test('maps survive in every version', () => {
    fc.assert(
      fc.property(fc.dictionary(key, item), fc.constantFrom('legacy' as const, 'yaml' as const), (map, syntax) => {
        expect(Object.fromEntries(parseMap(formatMap(Object.entries(map), syntax), syntax))).toEqual(map);
      }),
    );
  });

  test('a flat config.yaml holds any text', () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(item, fc.string({ unit: 'grapheme' }))), (entries) => {
        const text = writeFlatYamlFile(Object.entries(entries));
        expect(readConfigFile(text, 'config.yaml', version).toRecord()).toEqual(entries);
      }),
    );
  });

  test('a nested config.yaml holds any text, unless one key is the beginning of another', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a.b', 'a.c.d', 'e', 'a.c.f', 'g.h'), item), (entries) => {
        const text = writeNestedYamlFile(Object.entries(entries));
        expect(readConfigFile(text, 'config.yaml', version).toRecord()).toEqual(entries);
      }),
    );
    expect(() =>
      writeNestedYamlFile([
        ['a', '1'],
        ['a.b', '2'],
      ]),
    ).toThrow(FlinkError);
  });

  test('a list is written as a YAML sequence where Flink holds one', () => {
    const lists = new Map([['$internal.application.program-args', ['--in', 'a: b']]]);
    expect(writeNestedYamlFile([['$internal.application.program-args', '']], { lists })).toBe(
      "$internal:\n  application:\n    program-args:\n    - --in\n    - 'a: b'\n",
    );
    expect(writeFlatYamlFile([['a.args', '']], { lists: new Map([['a.args', ['1', '']]]) })).toBe(
      "a.args:\n- '1'\n- ''\n",
    );
  });

  test('flink-conf.yaml holds plain texts and refuses what it would lose', () => {
    const text = writeLegacyFile([
      ['a.b', 'c: d'],
      ['e', 'f'],
    ]);
    expect(readConfigFile(text, 'flink-conf.yaml', version).toRecord()).toEqual({ 'a.b': 'c: d', e: 'f' });
    expect(() => writeLegacyFile([['a', 'b # c']])).toThrow(/comment/);
    expect(() => writeLegacyFile([['a', 'b\nc']])).toThrow(/line break/);
  });
});

describe('YAML as Flink’s parser has it', () => {
  const file = (text: string) => readConfigFile(text, 'config.yaml', version).toRecord();

  test('numbers within lists and maps are written as Java writes them', () => {
    expect(parseList('[1.0, 1e3, .inf, ~x]', 'yaml')).toEqual(['1.0', '1000.0', '.inf', '~x']);
    expect(Object.fromEntries(parseMap('{a: 2.50, b: [1.0]}', 'yaml'))).toEqual({ a: '2.5', b: '[1.0]' });
  });

  test('an entry without a key makes no map', () => {
    expect(() => parseMap(': v', 'yaml')).toThrow(/one key and one value/);
  });

  test('a block text at the end of a file without a line break has none either', () => {
    expect(file('a: >\n  folded\n  text')).toEqual({ a: 'folded text' });
    expect(file('a: |\n  x\n')).toEqual({ a: 'x\n' });
  });

  test('tags decide the type, and refuse what is not of it', () => {
    expect(file('a: !!float 1\nb: !!int "7"\nc: !!str 1.0')).toEqual({ a: '1.0', b: '7', c: '1.0' });
    for (const text of ['!!bool yes', '!!null x', '!!int x', '!!timestamp 2024-01-01']) {
      expect(() => file(`a: ${text}`)).toThrow(FlinkError);
    }
  });

  test('a byte order mark is passed over', () => {
    expect(file('\ufeff  a: 1\n  b: 2\n')).toEqual({ a: '1', b: '2' });
  });
});

test('a word of an enumeration may be in any letter case, but dashes are not underscores', () => {
  const read = (mode: string) =>
    FlinkConfig.of({ 'execution.checkpointing.mode': mode }).get(checkpointingOptions.mode);
  expect(read('exactly_once')).toBe('EXACTLY_ONCE');
  expect(() => read('exactly-once')).toThrow(/none of/);
});

test('durations in ISO form are read from Flink 2.1 on', () => {
  expect(valueRules({ major: 2, minor: 0 }).isoDurations).toBe(false);
  expect(FlinkConfig.of({ 'web.refresh-interval': 'PT2S' }).get(clusterOptions.webRefreshIntervalMs)).toBe(2000);
});

test('Of several old names of an option the one counts that Flink looks for first', () => {
  const type = (entries: Record<string, string>) => FlinkConfig.of(entries).get(highAvailabilityOptions.type);
  expect(type({ 'high-availability': 'kubernetes', 'recovery.mode': 'standalone' })).toBe('standalone');
  expect(type({ 'high-availability': 'kubernetes' })).toBe('kubernetes');
  expect(highAvailabilityKind('standalone')).toBe('none');
  const ports = { 'web.port': '1', 'jobmanager.web.port': '2' };
  expect(FlinkConfig.of(ports).get(clusterOptions.restPort)).toBe(1);
  expect(FlinkConfig.of(ports).get(clusterOptions.restBindPort)).toBe('1');
});
