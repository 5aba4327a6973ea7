import type { FlinkConfig } from '../config/configuration.ts';
import { describeMemorySize, type MemorySize } from '../config/memory-size.ts';
import { jobManagerMemoryOptions as options } from '../config/options/memory.ts';
import { attempt, type Result } from '../errors.ts';
import { before, type FlinkVersion } from '../versions/version.ts';
import { memoryError, sum } from './arithmetic.ts';
import { deriveProcessMemory, withLegacyHeap } from './process.ts';

/** The memory of a JobManager process, in bytes. */
export interface JobManagerMemory {
  readonly heap: MemorySize;
  readonly offHeap: MemorySize;
  readonly metaspace: MemorySize;
  readonly overhead: MemorySize;
  /** Heap and off-heap. */
  readonly totalFlink: MemorySize;
  /** Everything: what a container must have. */
  readonly totalProcess: MemorySize;
  /** Whether the JVM is told the off-heap size as its limit. */
  readonly directMemoryLimited: boolean;
}

/** What the memory model needs to know besides the configuration. */
export interface MemoryContext {
  readonly version: FlinkVersion;
  /** Where the process runs: decides what the legacy heap options stand for. Absent: `kubernetes`. */
  readonly deployment?: 'kubernetes' | 'scripts';
  /** FLINK_JM_HEAP or FLINK_TM_HEAP. */
  readonly heapEnvironment?: string;
}

/**
 * The memory of a JobManager by Flink's rules, exact to the byte. Fails with `E_FLINK_MEMORY` for contradicting or missing
 * sizes and with `E_FLINK_CONFIG_VALUE` for texts that are no sizes.
 */
export function jobManagerMemory(config: FlinkConfig, context: MemoryContext): Result<JobManagerMemory> {
  return attempt(() => derive(before(context.version, '2.0') ? legacy(config, context) : config));
}

function legacy(config: FlinkConfig, context: MemoryContext): FlinkConfig {
  return withLegacyHeap(config, {
    size: options.legacyHeapSize,
    mebibytes: options.legacyHeapMebibytes,
    standsFor: context.deployment === 'scripts' ? options.heapSize : options.processSize,
    ...(context.heapEnvironment === undefined ? {} : { environment: context.heapEnvironment }),
  });
}

interface Parts {
  readonly heap: MemorySize;
  readonly offHeap: MemorySize;
}

function derive(config: FlinkConfig): JobManagerMemory {
  const { parts, ...rest } = deriveProcessMemory<Parts>(config, options, {
    fineGrained: [options.heapSize],
    fromFineGrained: () => fromHeap(config, config.get(options.heapSize) ?? 0n),
    fromTotal: (total) => fromTotal(config, total),
    totalOf: ({ heap, offHeap }) => sum(heap, offHeap),
  });
  return { ...parts, ...rest, directMemoryLimited: config.get(options.enableDirectMemoryLimit) };
}

function fromHeap(config: FlinkConfig, heap: MemorySize): Parts {
  const offHeap = config.get(options.offHeapSize);
  const totalFlink = config.get(options.flinkSize);
  if (totalFlink === undefined) return { heap, offHeap };
  const remedy = `Set only one of ${options.heapSize.key} and ${options.flinkSize.key}, or make them agree.`;
  if (!config.has(options.offHeapSize)) {
    if (heap <= totalFlink) return { heap, offHeap: totalFlink - heap };
    throw memoryError(
      `The configured JVM Heap Memory (${describeMemorySize(heap)}) exceeds the configured Total Flink Memory ` +
        `(${describeMemorySize(totalFlink)})`,
      remedy,
    );
  }
  if (sum(heap, offHeap) === totalFlink) return { heap, offHeap };
  throw memoryError(
    `Sum of the configured JVM Heap Memory (${describeMemorySize(heap)}) and the configured Off-heap Memory ` +
      `(${describeMemorySize(offHeap)}) is not the configured Total Flink Memory (${describeMemorySize(totalFlink)})`,
    remedy,
  );
}

function fromTotal(config: FlinkConfig, total: MemorySize): Parts {
  const offHeap = config.get(options.offHeapSize);
  if (total > offHeap) return { heap: total - offHeap, offHeap };
  throw memoryError(
    `The configured Total Flink Memory (${describeMemorySize(total)}) is less than the configured Off-heap Memory ` +
      `(${describeMemorySize(offHeap)})`,
    `Raise ${options.flinkSize.key} or ${options.processSize.key}, or lower ${options.offHeapSize.key}.`,
  );
}

/** The memory flags of the JobManager's JVM, in the order in which Flink writes them. */
export function jobManagerJvmParameters(memory: JobManagerMemory): string[] {
  return [
    `-Xmx${memory.heap}`,
    `-Xms${memory.heap}`,
    ...(memory.directMemoryLimited ? [`-XX:MaxDirectMemorySize=${memory.offHeap}`] : []),
    `-XX:MaxMetaspaceSize=${memory.metaspace}`,
  ];
}

/** The `-D` settings that fix the derived sizes for the process: keys and texts. Flink's own order is that of a hash map. */
export function jobManagerDynamicConfigs(memory: JobManagerMemory): [string, string][] {
  return [
    [options.heapSize.key, `${memory.heap}b`],
    [options.offHeapSize.key, `${memory.offHeap}b`],
    [options.metaspaceSize.key, `${memory.metaspace}b`],
    [options.overheadMin.key, `${memory.overhead}b`],
    [options.overheadMax.key, `${memory.overhead}b`],
  ];
}
