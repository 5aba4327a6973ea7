import { MAX_MEMORY_SIZE } from '../memory-size.ts';
import { booleanType, doubleType, floatType, intType, memoryType, option, optionalOption } from '../option.ts';

const MIB = 1n << 20n;

/** Options of the JobManager's memory. */
export const jobManagerMemoryOptions = {
  processSize: optionalOption('jobmanager.memory.process.size', memoryType),
  flinkSize: optionalOption('jobmanager.memory.flink.size', memoryType),
  heapSize: optionalOption('jobmanager.memory.heap.size', memoryType),
  offHeapSize: option('jobmanager.memory.off-heap.size', memoryType, 128n * MIB),
  metaspaceSize: option('jobmanager.memory.jvm-metaspace.size', memoryType, 256n * MIB),
  overheadMin: option('jobmanager.memory.jvm-overhead.min', memoryType, 192n * MIB),
  overheadMax: option('jobmanager.memory.jvm-overhead.max', memoryType, 1024n * MIB),
  overheadFraction: option('jobmanager.memory.jvm-overhead.fraction', floatType, Math.fround(0.1)),
  enableDirectMemoryLimit: option('jobmanager.memory.enable-jvm-direct-memory-limit', booleanType, false),
  /** Gone in 2.0; what it stands for depends on how the process is started. */
  legacyHeapSize: optionalOption('jobmanager.heap.size', memoryType, { until: '2.0' }),
  legacyHeapMebibytes: optionalOption('jobmanager.heap.mb', intType, { until: '2.0' }),
} as const;

/** Options of the TaskManager's memory. */
export const taskManagerMemoryOptions = {
  processSize: optionalOption('taskmanager.memory.process.size', memoryType),
  flinkSize: optionalOption('taskmanager.memory.flink.size', memoryType),
  frameworkHeapSize: option('taskmanager.memory.framework.heap.size', memoryType, 128n * MIB),
  frameworkOffHeapSize: option('taskmanager.memory.framework.off-heap.size', memoryType, 128n * MIB),
  taskHeapSize: optionalOption('taskmanager.memory.task.heap.size', memoryType),
  taskOffHeapSize: option('taskmanager.memory.task.off-heap.size', memoryType, 0n),
  managedSize: optionalOption('taskmanager.memory.managed.size', memoryType, { aliases: ['taskmanager.memory.size'] }),
  managedFraction: option('taskmanager.memory.managed.fraction', floatType, Math.fround(0.4)),
  networkMin: option('taskmanager.memory.network.min', memoryType, 64n * MIB, {
    aliases: ['taskmanager.network.memory.min'],
  }),
  /** Unlimited from 1.17 on; before, 1g. */
  networkMax: option('taskmanager.memory.network.max', memoryType, MAX_MEMORY_SIZE, {
    aliases: ['taskmanager.network.memory.max'],
  }),
  networkFraction: option('taskmanager.memory.network.fraction', floatType, Math.fround(0.1), {
    aliases: ['taskmanager.network.memory.fraction'],
  }),
  metaspaceSize: option('taskmanager.memory.jvm-metaspace.size', memoryType, 256n * MIB),
  overheadMin: option('taskmanager.memory.jvm-overhead.min', memoryType, 192n * MIB),
  overheadMax: option('taskmanager.memory.jvm-overhead.max', memoryType, 1024n * MIB),
  overheadFraction: option('taskmanager.memory.jvm-overhead.fraction', floatType, Math.fround(0.1)),
  segmentSize: option('taskmanager.memory.segment-size', memoryType, 32n << 10n),
  legacyNetworkBuffers: optionalOption('taskmanager.network.numberOfBuffers', intType, { until: '2.0' }),
  legacyHeapSize: optionalOption('taskmanager.heap.size', memoryType, { until: '2.0' }),
  legacyHeapMebibytes: optionalOption('taskmanager.heap.mb', intType, { until: '2.0' }),
  cpuCores: optionalOption('taskmanager.cpu.cores', doubleType),
  numberOfTaskSlots: option('taskmanager.numberOfTaskSlots', intType, 1),
} as const;
