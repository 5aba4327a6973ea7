import type { FlinkConfig } from '../config/configuration.ts';
import { describeMemorySize, type MemorySize } from '../config/memory-size.ts';
import type { ConfigOption } from '../config/option.ts';
import {
  memoryError,
  type RangeFraction,
  rangeFraction,
  sum,
  withFraction,
  withInverseFraction,
} from './arithmetic.ts';

/** The options that both kinds of process have for their total and for the JVM's own memory. */
export interface ProcessMemoryOptions {
  readonly processSize: ConfigOption<MemorySize, undefined>;
  readonly flinkSize: ConfigOption<MemorySize, undefined>;
  readonly metaspaceSize: ConfigOption<MemorySize, MemorySize>;
  readonly overheadMin: ConfigOption<MemorySize, MemorySize>;
  readonly overheadMax: ConfigOption<MemorySize, MemorySize>;
  readonly overheadFraction: ConfigOption<number, number>;
}

/** How one kind of process divides its Flink memory. `F` holds the parts; both functions throw `E_FLINK_MEMORY`. */
export interface FlinkMemoryDivision<F> {
  /** Options that, all set, fix Flink's memory without a total. */
  readonly fineGrained: readonly ConfigOption<MemorySize, undefined>[];
  fromFineGrained(): F;
  fromTotal(total: MemorySize): F;
  totalOf(parts: F): MemorySize;
}

/** Flink's memory and the JVM's own around it. */
export interface ProcessMemory<F> {
  readonly parts: F;
  readonly metaspace: MemorySize;
  readonly overhead: MemorySize;
  readonly totalFlink: MemorySize;
  readonly totalProcess: MemorySize;
}

/**
 * Derives the memory of a process: from the fine-grained options when all are set, else from the total Flink size, else
 * from the total process size. Throws `E_FLINK_MEMORY` when nothing is set or the settings contradict each other.
 */
export function deriveProcessMemory<F>(
  config: FlinkConfig,
  options: ProcessMemoryOptions,
  division: FlinkMemoryDivision<F>,
): ProcessMemory<F> {
  if (division.fineGrained.every((option) => config.has(option))) {
    return aroundFlinkMemory(config, options, division, division.fromFineGrained());
  }
  const flinkSize = config.get(options.flinkSize);
  if (flinkSize !== undefined) return aroundFlinkMemory(config, options, division, division.fromTotal(flinkSize));
  const processSize = config.get(options.processSize);
  if (processSize !== undefined) return withinProcess(config, options, division, processSize);
  const ways = [division.fineGrained.map((option) => option.key).join(' and '), options.flinkSize.key];
  throw memoryError(
    `Either required fine-grained memory (${ways[0]}), or Total Flink Memory size (${ways[1]}), or Total Process Memory ` +
      `size (${options.processSize.key}) need to be configured explicitly`,
    `Set ${options.processSize.key}, for example to 2048m.`,
  );
}

function withinProcess<F>(
  config: FlinkConfig,
  options: ProcessMemoryOptions,
  division: FlinkMemoryDivision<F>,
  totalProcess: MemorySize,
): ProcessMemory<F> {
  const metaspace = config.get(options.metaspaceSize);
  const overhead = withFraction(totalProcess, overheadRange(config, options));
  if (sum(metaspace, overhead) > totalProcess) {
    throw memoryError(
      `Sum of configured JVM Metaspace (${describeMemorySize(metaspace)}) and JVM Overhead (${describeMemorySize(overhead)}) ` +
        `exceed configured Total Process Memory (${describeMemorySize(totalProcess)})`,
      `Raise ${options.processSize.key}, or lower ${options.metaspaceSize.key} or ${options.overheadMin.key}.`,
    );
  }
  const totalFlink = totalProcess - metaspace - overhead;
  return { parts: division.fromTotal(totalFlink), metaspace, overhead, totalFlink, totalProcess };
}

function aroundFlinkMemory<F>(
  config: FlinkConfig,
  options: ProcessMemoryOptions,
  division: FlinkMemoryDivision<F>,
  parts: F,
): ProcessMemory<F> {
  const totalFlink = division.totalOf(parts);
  const metaspace = config.get(options.metaspaceSize);
  const withMetaspace = sum(totalFlink, metaspace);
  const processSize = config.get(options.processSize);
  if (processSize === undefined) {
    const overhead = withInverseFraction(withMetaspace, overheadRange(config, options));
    return { parts, metaspace, overhead, totalFlink, totalProcess: sum(withMetaspace, overhead) };
  }
  if (processSize < withMetaspace) {
    throw memoryError(
      `The configured Total Process Memory size (${describeMemorySize(processSize)}) is less than the sum of the derived ` +
        `Total Flink Memory size (${describeMemorySize(totalFlink)}) and the configured or default JVM Metaspace size ` +
        `(${describeMemorySize(metaspace)})`,
      `Raise ${options.processSize.key}, or set only one of ${options.processSize.key} and ${options.flinkSize.key}.`,
    );
  }
  const overhead = processSize - withMetaspace;
  const range = overheadRange(config, options);
  if (overhead < range.min || overhead > range.max) {
    throw memoryError(
      `Derived JVM Overhead size (${describeMemorySize(overhead)}) is not in configured JVM Overhead range ` +
        `[${describeMemorySize(range.min)}, ${describeMemorySize(range.max)}]`,
      `Set only one of ${options.processSize.key} and ${options.flinkSize.key}, or change ${options.overheadMin.key} and ` +
        `${options.overheadMax.key}.`,
    );
  }
  return { parts, metaspace, overhead, totalFlink, totalProcess: processSize };
}

function overheadRange(config: FlinkConfig, options: ProcessMemoryOptions): RangeFraction {
  return rangeFraction(options.overheadFraction.key, {
    min: config.get(options.overheadMin),
    max: config.get(options.overheadMax),
    fraction: config.get(options.overheadFraction),
  });
}

/** What a pre-1.10 heap option stands for where it is still read. */
export interface LegacyHeap {
  readonly size: ConfigOption<MemorySize, undefined>;
  readonly mebibytes: ConfigOption<number, undefined>;
  /** The option that takes its value when that is not set. */
  readonly standsFor: ConfigOption<MemorySize, undefined>;
  /** Value of FLINK_JM_HEAP or FLINK_TM_HEAP, which comes first. */
  readonly environment?: string;
}

/** Replaces a legacy heap setting by the option it stands for. */
export function withLegacyHeap(config: FlinkConfig, legacy: LegacyHeap): FlinkConfig {
  if (config.has(legacy.standsFor)) return config;
  const set = (text: string): FlinkConfig => config.with(legacy.standsFor.key, text);
  if (legacy.environment !== undefined) return set(legacy.environment);
  const size = config.get(legacy.size);
  if (size !== undefined) return set(`${size}b`);
  const mebibytes = config.get(legacy.mebibytes);
  return mebibytes === undefined ? config : set(`${mebibytes}m`);
}
