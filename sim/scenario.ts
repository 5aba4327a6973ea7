import type { FlinkDeployment } from '@drey/api';
import type { Random } from '@drey/kube';

/** What a user does, at a time since the start of the scenario. */
export type Action = { readonly atMs: number; readonly name: string } & (
  | { readonly do: 'create'; readonly object: FlinkDeployment }
  | { readonly do: 'change'; readonly patch: object; readonly what: string }
  | { readonly do: 'delete' }
);

type JobIncident = 'kill-jobmanager' | 'kill-taskmanager' | 'fail-task' | 'delete-jobmanager-deployment';
const clusterIncidents = [
  'crash-operator',
  'two-leaders',
  'slow-flink',
  'slow-savepoints',
  'savepoint-folder-unwritable',
  'images-out-of-reach',
] as const;
type ClusterIncident = (typeof clusterIncidents)[number];

/** What happens to the cluster under the jobs. */
export type Incident = { readonly atMs: number } & (
  | { readonly do: JobIncident; readonly name: string }
  | { readonly do: ClusterIncident }
);

export interface Scenario {
  readonly actions: readonly Action[];
  readonly incidents: readonly Incident[];
  /** When the last of them has happened. */
  readonly endMs: number;
}

export const namespace = 'default';

/** Stands in the configuration of every deployment; nothing may tell it. */
export const SECRET = 'hunter2-9f4d1c';

/** One of `list`, uniformly. */
export function pick<T>(random: Random, list: readonly [T, ...(readonly T[])]): T {
  return list[Math.floor(random.next() * list.length)] ?? list[0];
}

type Mode = 'savepoint' | 'stateless';

/** A deployment as users write it, with or without high availability. */
export function flinkDeployment(name: string, mode: Mode, parallelism: number, ha: boolean): FlinkDeployment {
  const state = `file:///state/${name}`;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        's3.secret-key': SECRET,
        'execution.checkpointing.interval': '5 s',
        'execution.checkpointing.dir': `${state}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `${state}/savepoints`,
        ...(ha ? { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': `${state}/ha` } : {}),
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: { resource: { memory: '1536m', cpu: 1 } },
      job: { jarURI: 'local:///opt/flink/usrlib/job.jar', parallelism, upgradeMode: mode },
    },
  };
}

/** Draws a scenario. The same random numbers give the same scenario. */
export function drawScenario(random: Random): Scenario {
  const actions: Action[] = [];
  const incidents: Incident[] = [];
  const jobs = 1 + Math.floor(random.next() * 2);
  for (let i = 0; i < jobs; i++) drawLife(random, `job-${i}`, actions, incidents);
  for (let i = Math.floor(random.next() * 3); i > 0; i--) {
    incidents.push({
      atMs: span(random, 5_000, 240_000),
      do: pick<ClusterIncident>(random, clusterIncidents),
    });
  }
  const byTime = (a: { atMs: number }, b: { atMs: number }): number => a.atMs - b.atMs;
  actions.sort(byTime);
  incidents.sort(byTime);
  const endMs = Math.max(...[...actions, ...incidents].map((one) => one.atMs)) + 1000;
  return { actions, incidents, endMs };
}

function drawLife(random: Random, name: string, actions: Action[], incidents: Incident[]): void {
  const mode: Mode = random.next() < 0.75 ? 'savepoint' : 'stateless';
  const ha = random.next() < 0.4;
  let at = span(random, 0, 5_000);
  actions.push({
    atMs: at,
    name,
    do: 'create',
    object: flinkDeployment(name, mode, 1 + Math.floor(random.next() * 3), ha),
  });
  for (let i = Math.floor(random.next() * 4); i >= 0; i--) {
    at += random.next() < 0.25 ? span(random, 50, 3_000) : span(random, 15_000, 90_000);
    actions.push({ atMs: at, name, ...drawChange(random) });
  }
  for (let i = Math.floor(random.next() * 3); i > 0; i--) {
    const what = pick<JobIncident>(random, [
      'kill-jobmanager',
      'kill-taskmanager',
      'fail-task',
      'delete-jobmanager-deployment',
    ]);
    // A JobManager without high availability that is lost takes what came after the newest checkpoint with it: that is Flink's own limit.
    incidents.push({ atMs: span(random, 10_000, at + 20_000), do: what, name });
  }
  if (random.next() < 0.25) actions.push({ atMs: at + span(random, 1_000, 60_000), name, do: 'delete' });
}

function drawChange(random: Random): { readonly do: 'change'; readonly patch: object; readonly what: string } {
  const parallelism = 1 + Math.floor(random.next() * 4);
  const nonce = 1 + Math.floor(random.next() * 1_000_000);
  const change = (what: string, spec: object): { do: 'change'; patch: object; what: string } => ({
    do: 'change',
    what,
    patch: { spec },
  });
  return pick(random, [
    change(`parallelism ${parallelism}`, { job: { parallelism } }),
    change(`parallelism ${parallelism}`, { job: { parallelism } }),
    change(`restartNonce ${nonce}`, { restartNonce: nonce }),
    change('suspend', { job: { state: 'suspended' } }),
    change('resume', { job: { state: 'running' } }),
    change(`resume with parallelism ${parallelism}`, { job: { state: 'running', parallelism } }),
    change('invalid parallelism', { job: { parallelism: -1 } }),
    change(`valid parallelism ${parallelism}`, { job: { parallelism } }),
    change('operator key only', { flinkConfiguration: { 'kubernetes.operator.periodic.savepoint.interval': '' } }),
  ]);
}

function span(random: Random, low: number, high: number): number {
  return Math.floor(low + random.next() * (high - low));
}
