import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import {
  attempt,
  booleanType,
  describeMemorySize,
  doubleType,
  FlinkError,
  formatMemorySize,
  intType,
  loadConfigDirectory,
  parseDuration,
  parseFlinkVersion,
  parseList,
  parseMap,
  parseMemorySize,
  type Result,
  valueRules,
} from '../index.ts';

interface Vector {
  readonly kind: string;
  readonly input: string;
  readonly output?: unknown;
  readonly string?: string;
  readonly error?: readonly string[];
}

const area = goldenArea('flink-config');
const counts = { passed: 0, total: 0 };
afterAll(() => console.log(`flink-config values and files: ${counts.passed} of ${counts.total}`));

/** The recorder wrote NaN, infinities and 64-bit integers as plain JSON tokens. */
function vectors(file: string): Vector[] {
  const text = area.text(file).replace(/("output": )(-?(?:NaN|Infinity)|-?\d{16,})(?=[\s,}])/g, '$1"$2"');
  return JSON.parse(text) as Vector[];
}

function filesOf(directory: string): Map<string, string> {
  const prefix = `files/${directory}/`;
  const names = area.files.filter((path) => path.startsWith(prefix));
  return new Map(names.map((path) => [path.slice(prefix.length), area.text(path)]));
}

function evaluate(vector: Vector, versionText: string): Result<unknown> {
  const version = parseFlinkVersion(versionText);
  const rules = valueRules(version);
  const { input } = vector;
  const readers: Record<string, () => unknown> = {
    memorySize: () => String(parseMemorySize(input)),
    memorySizeReadable: () => [describeMemorySize(parseMemorySize(input)), formatMemorySize(parseMemorySize(input))],
    duration: () => recordedNanos(parseDuration(input, rules)),
    map: () => Object.fromEntries(parseMap(input, rules.structures)),
    list: () => parseList(input, rules.structures),
    boolean: () => booleanType.parse(input, rules),
    int: () => intType.parse(input, rules),
    double: () => String(doubleType.parse(input, rules)),
    file: () => loadConfigDirectory(filesOf(input), version).toRecord(),
  };
  const read = readers[vector.kind];
  if (read === undefined) throw new Error(`unknown kind of vector ${vector.kind}`);
  return attempt(read);
}

/** The recorder asked for nanoseconds in 64 bits, so longer durations are recorded as errors. */
function recordedNanos(nanos: bigint): string {
  if (BigInt.asIntN(64, nanos) === nanos) return String(nanos);
  throw new FlinkError('E_FLINK_CONFIG_VALUE', 'long overflow', 'Use a shorter duration.');
}

function expected({ kind, output, string }: Vector): unknown {
  if (kind === 'memorySizeReadable') return [output, string];
  return ['memorySize', 'duration', 'double'].includes(kind) ? String(output) : output;
}

/** Words that make a recorded message recognisable, to hold against ours. */
const TELLING: readonly [recorded: RegExp, ours: RegExp][] = [
  [/unit/, /unit/],
  [/does not start with a number/, /does not start with a number/],
  [/numeric overflow|long overflow/, /numeric overflow|long overflow/],
  [/empty- or whitespace-only/, /empty or only blanks/],
  [/key-value pair/, /one key and one value/],
  [/Duplicate key|duplicate key/, /duplicate key|must be unique/i],
  [/Quoting was not closed/, /not closed/],
  [/Illegal quoting at position: (\d+)/, /illegal quoting at position \d+/],
  [/boolean/, /neither true nor false/],
  [/For input string|empty String/, /not a (number|32-bit integer)/],
  [/does not exist/, /does not exist/],
  [/must not be null/, /must not be null/],
  [/while parsing/, /line \d+, column \d+/],
];

function saysAsMuch(recorded: readonly string[], ours: string): boolean {
  const last = recorded.at(-1) ?? '';
  const rule = TELLING.find(([pattern]) => pattern.test(last));
  return rule === undefined ? ours !== '' : rule[1].test(ours);
}

const files = area.files.filter((path) => /^(values|files)-[^/]+\.json$/.test(path));
describe.each(files)('%s', (file) => {
  const version = /-([^-]+)\.json$/.exec(file)?.[1] ?? '';
  test.each(vectors(file).map((vector) => [`${vector.kind} ${JSON.stringify(vector.input)}`, vector] as const))(
    '%s is read as Flink reads it',
    (_name, vector) => {
      counts.total += 1;
      const result = evaluate(vector, version);
      if (vector.error === undefined) {
        expect(result.ok ? result.value : result.error.message).toEqual(expected(vector));
      } else {
        expect(result.ok ? result.value : undefined).toBeUndefined();
        const message = result.ok ? '' : result.error.message;
        expect(saysAsMuch(vector.error, message), `${message} for ${vector.error.join(' / ')}`).toBe(true);
      }
      counts.passed += 1;
    },
  );
});
