import type { SimulatedJob } from './job.ts';
import type { ExceptionRecord } from './job-records.ts';
import type { SimulatedJobManager, TaskManager } from './jobmanager.ts';

/**
 * JSON of the simulated REST API, with the fields that each Flink version has (reference: recorded answers of 1.20 and 2.3).
 * Simulated jobs look like StateMachineExample: a source and a flat map with a sink.
 */
const sourceId = 'bc764cd8ddf7a0cff126f51c16239658';
const sinkId = '20ba6b65f97481d5570070de90e4e791';
const slotSharingGroup = '0f375276e45a5249e9e6d1348af3ad30';

export const vertices = [
  { id: sourceId, name: 'Source: Events Generator Source' },
  { id: sinkId, name: 'Flat Map -> Sink: Print to Std. Out' },
] as const;

const executionStates = [
  'INITIALIZING',
  'CREATED',
  'FINISHED',
  'FAILED',
  'CANCELING',
  'SCHEDULED',
  'RUNNING',
  'DEPLOYING',
  'RECONCILING',
  'CANCELED',
];
const jobStates = [
  'CREATED',
  'RECONCILING',
  'FAILING',
  'CANCELED',
  'SUSPENDED',
  'FAILED',
  'INITIALIZING',
  'CANCELLING',
  'FINISHED',
  'RESTARTING',
  'RUNNING',
];

export const isFlink2 = (jm: SimulatedJobManager): boolean => !jm.options.version.startsWith('1.');
/** Resource requirements are there since 1.18. */
export const canRescale = (jm: SimulatedJobManager): boolean => !/^1\.(\d|1[0-7])\./.test(jm.options.version);
const atLeast23 = (jm: SimulatedJobManager): boolean => {
  const [major = 0, minor = 0] = jm.options.version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 3);
};

function taskState(job: SimulatedJob): string {
  if (job.stateSince.CREATED === undefined) return 'CREATED';
  if (job.state === 'FINISHED' || job.state === 'CANCELED' || job.state === 'FAILED') return job.state;
  if (job.tasksRunningSince !== undefined) return 'RUNNING';
  return job.state === 'RUNNING' ? 'SCHEDULED' : 'CREATED';
}

function counts(state: string, number: number): Record<string, number> {
  return Object.fromEntries(executionStates.map((one) => [one, one === state ? number : 0]));
}

/** The job's name for its scheduler, null before it has one. */
function schedulerType(job: SimulatedJob): string | null {
  if (job.stateSince.CREATED === undefined) return null;
  return job.spec.adaptive ? 'Adaptive' : 'Default';
}

/** Whether Flink shows vertices: the adaptive scheduler does so even for a job that failed before it was created. */
function hasGraph(job: SimulatedJob): boolean {
  return job.stateSince.CREATED !== undefined || (job.spec.adaptive && job.state === 'FAILED');
}

export function jobOverview(jm: SimulatedJobManager, job: SimulatedJob): object {
  const now = jm.timers.now();
  const started = hasGraph(job);
  const total = started ? job.parallelism * vertices.length : 0;
  const inState = taskState(job).toLowerCase();
  const tasks = [
    'running',
    'canceling',
    'canceled',
    'total',
    'created',
    'scheduled',
    'deploying',
    'reconciling',
    'finished',
    'initializing',
    'failed',
  ];
  return {
    jid: job.spec.jobId,
    name: job.spec.name,
    ...(atLeast23(jm) ? { jobType: 'STREAMING', schedulerType: schedulerType(job) } : {}),
    'start-time': job.startedAt,
    'end-time': job.endedAt,
    duration: (job.endedAt === -1 ? now : job.endedAt) - job.startedAt,
    state: job.state,
    'last-modification': Math.max(...Object.values(job.stateSince)),
    tasks: Object.fromEntries(tasks.map((one) => [one, one === 'total' || one === inState ? total : 0])),
    ...(isFlink2(jm) ? { 'pending-operators': 0 } : {}),
  };
}

/** The plan of a job; `sourceFirst` is the order in which the adaptive scheduler lists it. */
export function plan(jobId: string, name: string, parallelism: number, sourceFirst = false): object {
  const node = { operator: '', parallelism, operator_strategy: '', optimizer_properties: {} };
  const nodes = [
    {
      ...node,
      id: sinkId,
      description: 'Flat Map<br/>+- Sink: Print to Std. Out<br/>',
      inputs: [{ num: 0, id: sourceId, ship_strategy: 'HASH', exchange: 'pipelined_bounded' }],
    },
    { ...node, id: sourceId, description: 'Source: Events Generator Source<br/>' },
  ];
  return { jid: jobId, name, type: 'STREAMING', nodes: sourceFirst ? nodes.reverse() : nodes };
}

/** A job without an execution graph has an empty plan; which one depends on version and scheduler. */
function jobPlan(jm: SimulatedJobManager, job: SimulatedJob, started: boolean): object {
  const { jobId, name } = job.spec;
  if (started && !(job.spec.adaptive && taskState(job) === 'CREATED'))
    return plan(jobId, name, job.parallelism, job.spec.adaptive);
  return isFlink2(jm) ? { jid: jobId, name, type: 'STREAMING', nodes: [] } : {};
}

const ioMetrics = {
  'read-bytes': 0,
  'read-bytes-complete': false,
  'write-bytes': 0,
  'write-bytes-complete': false,
  'read-records': 0,
  'read-records-complete': false,
  'write-records': 0,
  'write-records-complete': false,
  'accumulated-backpressured-time': 0,
  'accumulated-idle-time': 0,
  'accumulated-busy-time': 0,
};

export function jobDetails(jm: SimulatedJobManager, job: SimulatedJob): object {
  const now = jm.timers.now();
  const started = hasGraph(job);
  const state = taskState(job);
  return {
    jid: job.spec.jobId,
    ...(atLeast23(jm) ? { 'application-id': started ? job.spec.jobId : null } : {}),
    name: job.spec.name,
    isStoppable: false,
    state: job.state,
    'job-type': 'STREAMING',
    ...(atLeast23(jm) ? { schedulerType: schedulerType(job) } : {}),
    'start-time': job.startedAt,
    'end-time': job.endedAt,
    duration: (job.endedAt === -1 ? now : job.endedAt) - job.startedAt,
    maxParallelism: job.spec.adaptive && started ? 128 : -1,
    now,
    timestamps: Object.fromEntries(
      jobStates.map((one) => [one, job.stateSince[one as keyof typeof job.stateSince] ?? 0]),
    ),
    vertices: !started
      ? []
      : vertices.map(({ id, name }) => ({
          id,
          slotSharingGroupId: slotSharingGroup,
          name,
          maxParallelism: 128,
          parallelism: job.parallelism,
          status: state,
          'start-time': job.tasksRunningSince ?? -1,
          'end-time': job.endedAt,
          duration: job.tasksRunningSince === undefined ? -1 : now - job.tasksRunningSince,
          tasks: counts(state, job.parallelism),
          metrics: ioMetrics,
        })),
    'status-counts': counts(state, started ? vertices.length : 0),
    ...(isFlink2(jm) ? { 'pending-operators': 0 } : {}),
    plan: jobPlan(jm, job, started),
  };
}

export function vertexDetails(jm: SimulatedJobManager, job: SimulatedJob, vertex: (typeof vertices)[number]): object {
  const now = jm.timers.now();
  const since = job.tasksRunningSince ?? now;
  const taskManager = [...jm.taskManagers.values()][0];
  const durations = { CREATED: 10, SCHEDULED: 10, DEPLOYING: 20, INITIALIZING: 50, RUNNING: now - since };
  return {
    id: vertex.id,
    name: vertex.name,
    parallelism: job.parallelism,
    maxParallelism: 128,
    now,
    subtasks: Array.from({ length: job.parallelism }, (_, subtask) => ({
      subtask,
      status: taskState(job),
      attempt: job.restarts,
      ...(isFlink2(jm) ? {} : { host: taskManager?.host ?? '(unassigned)' }),
      endpoint: `${taskManager?.host ?? '(unassigned)'}:6121`,
      'start-time': since,
      'end-time': -1,
      duration: now - since,
      metrics: ioMetrics,
      'taskmanager-id': taskManager?.id ?? '(unassigned)',
      'status-duration': durations,
      start_time: since,
    })),
    aggregated: {
      metrics: Object.fromEntries(
        Object.keys(ioMetrics)
          .filter((one) => !one.endsWith('-complete'))
          .map((one) => [one, { min: 0, max: 0, avg: 0, sum: 0, median: 0, p25: 0, p75: 0, p95: 0 }]),
      ),
      'status-duration': Object.fromEntries(
        Object.keys(durations).map((one) => [
          one,
          { min: 0, max: 0, avg: 0, sum: 0, median: 0, p25: 0, p75: 0, p95: 0 },
        ]),
      ),
    },
  };
}

export function exceptions(job: SimulatedJob, jm: SimulatedJobManager): object {
  const where = (one: ExceptionRecord): object => ({
    ...(one.task === undefined ? {} : { taskName: one.task }),
    ...(one.endpoint === undefined ? {} : { endpoint: one.endpoint }),
    ...(one.endpoint === undefined || isFlink2(jm) ? {} : { location: one.endpoint }),
    ...(one.taskManagerId === undefined ? {} : { taskManagerId: one.taskManagerId }),
  });
  const entry = (one: ExceptionRecord): object => ({
    exceptionName: one.name,
    stacktrace: one.stack,
    timestamp: one.at,
    failureLabels: {},
    ...(job.spec.adaptive ? {} : where(one)),
  });
  // The adaptive scheduler keeps no history of a job that never got an execution graph, and no place of a failure.
  const known = job.spec.adaptive && job.restarts === 0 ? [] : job.exceptions;
  const history = {
    entries: known.map((one) => ({ ...entry(one), concurrentExceptions: [] })),
    truncated: false,
  };
  if (isFlink2(jm)) return { exceptionHistory: history };
  const root = job.state === 'FAILED' ? job.exceptions[0] : undefined;
  return {
    'root-exception': root?.stack ?? null,
    timestamp: root?.at ?? null,
    'all-exceptions': [],
    truncated: false,
    exceptionHistory: history,
  };
}

export function taskManager(one: TaskManager, jm: SimulatedJobManager): object {
  const free = Math.min(one.slots, jm.slotsFree);
  const resource = (slots: number): object => ({
    cpuCores: slots,
    taskHeapMemory: 67 * slots,
    taskOffHeapMemory: 0,
    managedMemory: 16 * slots,
    networkMemory: 16 * slots,
    extendedResources: {},
  });
  return {
    id: one.id,
    path: `pekko.tcp://flink@${one.host}:6122/user/rpc/taskmanager_0`,
    dataPort: 6121,
    jmxPort: -1,
    timeSinceLastHeartbeat: jm.timers.now(),
    slotsNumber: one.slots,
    freeSlots: free,
    ...(isFlink2(jm) ? { assignedTasks: (one.slots - free) * vertices.length } : {}),
    totalResource: resource(one.slots),
    freeResource: resource(free),
    hardware: { cpuCores: 2, physicalMemory: 8_589_934_592, freeMemory: 506_855_424, managedMemory: 67_108_864 },
    memoryConfiguration: {
      frameworkHeap: 134_217_728,
      taskHeap: 281_018_368,
      frameworkOffHeap: 134_217_728,
      taskOffHeap: 0,
      networkMemory: 67_108_864,
      managedMemory: 67_108_864,
      jvmMetaspace: 268_435_456,
      jvmOverhead: 201_326_592,
      totalFlinkMemory: 683_671_552,
      totalProcessMemory: 1_153_433_600,
    },
  };
}
