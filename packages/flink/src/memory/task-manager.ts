import type { FlinkConfig } from '../config/configuration.ts';
import { formatJavaDouble } from '../config/java-text.ts';
import { describeMemorySize, MAX_MEMORY_SIZE, type MemorySize } from '../config/memory-size.ts';
import { externalResources, externalResourcesOption } from '../config/options/external-resources.ts';
import { taskManagerMemoryOptions as options } from '../config/options/memory.ts';
import { attempt, type Result } from '../errors.ts';
import { before } from '../versions/version.ts';
import {
  memoryError,
  type RangeFraction,
  rangeFraction,
  sum,
  withFraction,
  withInverseFraction,
} from './arithmetic.ts';
import type { MemoryContext } from './job-manager.ts';
import { deriveProcessMemory, withLegacyHeap } from './process.ts';

/** The memory of a TaskManager process, in bytes, and what else its start fixes. */
export interface TaskManagerMemory {
  readonly frameworkHeap: MemorySize;
  readonly taskHeap: MemorySize;
  readonly frameworkOffHeap: MemorySize;
  readonly taskOffHeap: MemorySize;
  readonly network: MemorySize;
  readonly managed: MemorySize;
  readonly metaspace: MemorySize;
  readonly overhead: MemorySize;
  /** All but metaspace and overhead. */
  readonly totalFlink: MemorySize;
  /** Everything: what a container must have. */
  readonly totalProcess: MemorySize;
  readonly cpuCores: number;
  readonly numberOfTaskSlots: number;
  /** External resources by name with their amounts. */
  readonly externalResources: ReadonlyMap<string, bigint>;
}

/** As {@link MemoryContext}, with the CPU that the deployment gives when `taskmanager.cpu.cores` is not set. */
export interface TaskManagerContext extends MemoryContext {
  /** Absent or not above 0: as many cores as slots. */
  readonly cpuCoresFallback?: number;
}

/**
 * The memory of a TaskManager by Flink's rules, exact to the byte. Fails with `E_FLINK_MEMORY` for contradicting or missing
 * sizes and with `E_FLINK_CONFIG_VALUE` for texts that are no sizes.
 */
export function taskManagerMemory(config: FlinkConfig, context: TaskManagerContext): Result<TaskManagerMemory> {
  return attempt(() => derive(before(context.version, '2.0') ? legacy(config, context) : config, context));
}

function legacy(config: FlinkConfig, context: MemoryContext): FlinkConfig {
  return withLegacyHeap(config, {
    size: options.legacyHeapSize,
    mebibytes: options.legacyHeapMebibytes,
    standsFor: context.deployment === 'scripts' ? options.flinkSize : options.processSize,
    ...(context.heapEnvironment === undefined ? {} : { environment: context.heapEnvironment }),
  });
}

interface Parts {
  readonly frameworkHeap: MemorySize;
  readonly taskHeap: MemorySize;
  readonly frameworkOffHeap: MemorySize;
  readonly taskOffHeap: MemorySize;
  readonly network: MemorySize;
  readonly managed: MemorySize;
}

/** The parts that are configured and never derived. */
type FixedParts = Pick<Parts, 'frameworkHeap' | 'frameworkOffHeap' | 'taskOffHeap'>;

function derive(config: FlinkConfig, context: TaskManagerContext): TaskManagerMemory {
  const fixed: FixedParts = {
    frameworkHeap: config.get(options.frameworkHeapSize),
    frameworkOffHeap: config.get(options.frameworkOffHeapSize),
    taskOffHeap: config.get(options.taskOffHeapSize),
  };
  const { parts, ...rest } = deriveProcessMemory<Parts>(config, options, {
    fineGrained: [options.taskHeapSize, { ...options.managedSize }],
    fromFineGrained: () => fromFineGrained(config, context, fixed),
    fromTotal: (total) => fromTotal(config, context, fixed, total),
    totalOf: (all) =>
      sum(all.frameworkHeap, all.taskHeap, all.frameworkOffHeap, all.taskOffHeap, all.network, all.managed),
  });
  const numberOfTaskSlots = config.get(options.numberOfTaskSlots);
  return {
    ...parts,
    ...rest,
    cpuCores: cpuCores(config, context, numberOfTaskSlots),
    numberOfTaskSlots,
    externalResources: externalResources(config),
  };
}

function cpuCores(config: FlinkConfig, context: TaskManagerContext, slots: number): number {
  const fallback = context.cpuCoresFallback;
  const cores = config.get(options.cpuCores) ?? (fallback !== undefined && fallback > 0 ? fallback : slots);
  if (cores > 0) return cores;
  throw memoryError(
    `TaskManagers need to be configured with a positive number of CPU cores, not ${cores}`,
    `Set ${options.cpuCores.key} or ${options.numberOfTaskSlots.key} to a positive number.`,
  );
}

function fromFineGrained(config: FlinkConfig, context: MemoryContext, fixed: FixedParts): Parts {
  const taskHeap = config.get(options.taskHeapSize) ?? 0n;
  const managed = config.get(options.managedSize) ?? 0n;
  const totalFlink = config.get(options.flinkSize);
  const known = { ...fixed, taskHeap, managed };
  if (totalFlink !== undefined) return { ...known, network: remainingNetwork(config, context, known, totalFlink) };
  const others = sum(fixed.frameworkHeap, fixed.frameworkOffHeap, fixed.taskOffHeap, taskHeap, managed);
  const network = legacyNetwork(config, context) ?? withInverseFraction(others, networkRange(config, context));
  return { ...known, network };
}

function fromTotal(config: FlinkConfig, context: MemoryContext, fixed: FixedParts, total: MemorySize): Parts {
  const managed = config.get(options.managedSize) ?? withFraction(total, managedRange(config));
  const taskHeap = config.get(options.taskHeapSize);
  if (taskHeap !== undefined) {
    const known = { ...fixed, taskHeap, managed };
    return { ...known, network: remainingNetwork(config, context, known, total) };
  }
  const network = legacyNetwork(config, context) ?? withFraction(total, networkRange(config, context));
  const others = sum(fixed.frameworkHeap, fixed.frameworkOffHeap, fixed.taskOffHeap, managed, network);
  if (others <= total) return { ...fixed, managed, network, taskHeap: total - others };
  throw exceeds([...fixedTexts(fixed), ['Managed Memory', managed], ['Network Memory', network]], total);
}

/** Network memory as what is left of the total; it must lie in its configured range. */
function remainingNetwork(
  config: FlinkConfig,
  context: MemoryContext,
  known: Omit<Parts, 'network'>,
  total: MemorySize,
): MemorySize {
  const others = sum(known.frameworkHeap, known.frameworkOffHeap, known.taskHeap, known.taskOffHeap, known.managed);
  if (others > total) {
    const [heap, offHeap, taskOffHeap] = fixedTexts(known);
    throw exceeds(
      [heap, offHeap, ['Task Heap Memory', known.taskHeap], taskOffHeap, ['Managed Memory', known.managed]],
      total,
    );
  }
  const network = total - others;
  const asConfigured = legacyNetwork(config, context);
  if (asConfigured !== undefined && asConfigured !== network) {
    throw memoryError(
      `Derived Network Memory size (${describeMemorySize(network)}) is not the one configured by ` +
        `${options.legacyNetworkBuffers.key} (${describeMemorySize(asConfigured)})`,
      `Remove ${options.legacyNetworkBuffers.key}.`,
    );
  }
  if (asConfigured !== undefined) return network;
  const range = networkRange(config, context);
  if (network >= range.min && network <= range.max) return network;
  throw memoryError(
    `Derived Network Memory size (${describeMemorySize(network)}) is not in configured Network Memory range ` +
      `[${describeMemorySize(range.min)}, ${describeMemorySize(range.max)}]`,
    `Change ${options.networkMin.key} and ${options.networkMax.key}, or the sizes of the other parts.`,
  );
}

function fixedTexts(fixed: FixedParts): [Part, Part, Part] {
  return [
    ['Framework Heap Memory', fixed.frameworkHeap],
    ['Framework Off-Heap Memory', fixed.frameworkOffHeap],
    ['Task Off-Heap Memory', fixed.taskOffHeap],
  ];
}

type Part = readonly [name: string, size: MemorySize];

function exceeds(parts: readonly Part[], total: MemorySize): Error {
  const texts = parts.map(([name, size]) => `${name} (${describeMemorySize(size)})`);
  const list = `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
  return memoryError(
    `Sum of configured ${list} exceed configured Total Flink Memory (${describeMemorySize(total)})`,
    `Raise ${options.flinkSize.key} or ${options.processSize.key}, or lower one of the parts.`,
  );
}

function managedRange(config: FlinkConfig): RangeFraction {
  const fraction = config.get(options.managedFraction);
  return rangeFraction(options.managedFraction.key, { min: 0n, max: MAX_MEMORY_SIZE, fraction });
}

function networkRange(config: FlinkConfig, context: MemoryContext): RangeFraction {
  const unlimited = !before(context.version, '1.17') || config.has(options.networkMax);
  return rangeFraction(options.networkFraction.key, {
    min: config.get(options.networkMin),
    max: unlimited ? config.get(options.networkMax) : 1n << 30n,
    fraction: config.get(options.networkFraction),
  });
}

/** The size that `taskmanager.network.numberOfBuffers` gives where no newer network option is set. Gone in 2.0. */
function legacyNetwork(config: FlinkConfig, context: MemoryContext): MemorySize | undefined {
  if (!before(context.version, '2.0')) return undefined;
  if ([options.networkMin, options.networkMax, options.networkFraction].some((one) => config.has(one)))
    return undefined;
  const buffers = config.get(options.legacyNetworkBuffers);
  return buffers === undefined ? undefined : BigInt(buffers) * config.get(options.segmentSize);
}

/** The memory flags of the TaskManager's JVM, in the order in which Flink writes them. */
export function taskManagerJvmParameters(memory: TaskManagerMemory): string[] {
  const heap = memory.frameworkHeap + memory.taskHeap;
  return [
    `-Xmx${heap}`,
    `-Xms${heap}`,
    `-XX:MaxDirectMemorySize=${memory.frameworkOffHeap + memory.taskOffHeap + memory.network}`,
    `-XX:MaxMetaspaceSize=${memory.metaspace}`,
  ];
}

/** The `-D` settings that fix the derived sizes for the process: keys and texts. Flink's own order is that of a hash map. */
export function taskManagerDynamicConfigs(memory: TaskManagerMemory): [string, string][] {
  const names = [...memory.externalResources.keys()];
  return [
    [options.cpuCores.key, formatJavaDouble(memory.cpuCores)],
    [options.frameworkHeapSize.key, `${memory.frameworkHeap}b`],
    [options.frameworkOffHeapSize.key, `${memory.frameworkOffHeap}b`],
    [options.taskHeapSize.key, `${memory.taskHeap}b`],
    [options.taskOffHeapSize.key, `${memory.taskOffHeap}b`],
    [options.networkMin.key, `${memory.network}b`],
    [options.networkMax.key, `${memory.network}b`],
    [options.managedSize.key, `${memory.managed}b`],
    [options.metaspaceSize.key, `${memory.metaspace}b`],
    [options.overheadMin.key, `${memory.overhead}b`],
    [options.overheadMax.key, `${memory.overhead}b`],
    [options.numberOfTaskSlots.key, String(memory.numberOfTaskSlots)],
    [externalResourcesOption.key, names.length === 0 ? 'none' : `"${names.join(';')}"`],
    ...names.map((name): [string, string] => [
      `external-resource.${name}.amount`,
      String(memory.externalResources.get(name)),
    ]),
  ];
}
