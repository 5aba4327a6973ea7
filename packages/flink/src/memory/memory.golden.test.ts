import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import {
  FlinkConfig,
  jobManagerDynamicConfigs,
  jobManagerJvmParameters,
  jobManagerMemory,
  parseFlinkVersion,
  type Result,
  taskManagerDynamicConfigs,
  taskManagerJvmParameters,
  taskManagerMemory,
  valueRules,
} from '../index.ts';

interface Recorded {
  readonly jvmParameters: string;
  readonly dynamicConfigs: string;
  readonly [component: string]: number | string;
}

interface Vector {
  readonly config: Record<string, string>;
  readonly taskManager?: Recorded;
  readonly taskManagerError?: readonly string[];
  readonly jobManager?: Recorded;
  readonly jobManagerError?: readonly string[];
}

const area = goldenArea('flink-config');
const counts = { passed: 0, total: 0 };
afterAll(() => console.log(`flink-config memory: ${counts.passed} of ${counts.total}`));

interface Process<M> {
  readonly memory: Result<M>;
  readonly jvmParameters: (memory: M) => string[];
  readonly dynamicConfigs: (memory: M) => [string, string][];
}

function check<M extends object>(
  process: Process<M>,
  value: Recorded | undefined,
  error: readonly string[] | undefined,
) {
  const { memory } = process;
  if (value === undefined) {
    expect(memory.ok).toBe(false);
    const ours = memory.ok ? '' : memory.error.message;
    expect(telling(ours)).toEqual(telling(error?.join(' ') ?? ''));
    return;
  }
  if (!memory.ok) throw memory.error;
  for (const [component, size] of Object.entries(value)) {
    if (typeof size === 'number')
      expect([component, (memory.value as Record<string, unknown>)[component]]).toEqual([component, BigInt(size)]);
  }
  expect(process.jvmParameters(memory.value).join(' ')).toBe(value.jvmParameters);
  const pairs = process.dynamicConfigs(memory.value).map(([key, text]) => `${key}=${text}`);
  expect(pairs.sort()).toEqual(
    value.dynamicConfigs
      .split(/ ?-D /)
      .filter((pair) => pair !== '')
      .map((pair) => pair.trim())
      .sort(),
  );
}

/** The sizes that a message names, each once: both messages must name the same. */
function telling(message: string): string[] {
  return [...new Set(message.match(/\d+(?= bytes\))/g))].sort();
}

const files = area.files.filter((path) => /^memory-[^/]+\.json$/.test(path));
describe.each(files)('%s', (file) => {
  const version = parseFlinkVersion(/-([^-]+)\.json$/.exec(file)?.[1] ?? '');
  const vectors = area.json<Vector[]>(file).map((vector, index) => [index, vector] as const);
  test.each(vectors)('case %i gives the same bytes for both processes', (_index, vector) => {
    counts.total += 1;
    const config = FlinkConfig.of(vector.config, valueRules(version));
    check(
      {
        memory: taskManagerMemory(config, { version }),
        jvmParameters: taskManagerJvmParameters,
        dynamicConfigs: taskManagerDynamicConfigs,
      },
      vector.taskManager,
      vector.taskManagerError,
    );
    check(
      {
        memory: jobManagerMemory(config, { version }),
        jvmParameters: jobManagerJvmParameters,
        dynamicConfigs: jobManagerDynamicConfigs,
      },
      vector.jobManager,
      vector.jobManagerError,
    );
    counts.passed += 1;
  });
});
