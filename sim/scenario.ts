import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot } from '@drey/api';
import type { Random } from '@drey/kube';
import { drawChange, newerFlink } from './changes.ts';
import { pick, span } from './draws.ts';
import { drawClusterOptions, drawOptions, drawTaskManagers, rollsBack, UNBLOCKED } from './operator-options.ts';
import {
  type ClusterTraits,
  FLINK_SERIES,
  flinkDeployment,
  flinkSessionJob,
  flinkStateSnapshot,
  IMPORTED,
  type JobTraits,
  type UpgradeMode,
} from './specs.ts';

/** An object that users write. */
export interface Subject {
  readonly kind: 'FlinkDeployment' | 'FlinkSessionJob' | 'FlinkStateSnapshot';
  readonly namespace: string;
  readonly name: string;
}

/** A change of a spec, and what it does to the spec's validity. */
export interface Change {
  readonly patch: { readonly spec: object };
  readonly what: string;
  /** From now on the spec is refused for this reason, until a change mends it. */
  readonly flaw?: string;
  readonly mends?: string;
  /** From now on the spec, valid as it is, cannot run for this reason, until a change mends it. */
  readonly breaks?: string;
}

/** What a user does, at a time since the start of the scenario. */
export type Action = { readonly atMs: number; readonly subject: Subject } & (
  | { readonly do: 'create'; readonly object: FlinkDeployment | FlinkSessionJob | FlinkStateSnapshot }
  | { readonly do: 'change'; readonly change: Change }
  | { readonly do: 'delete' }
  /** The namespace of the subject, with everything in it. */
  | { readonly do: 'delete-namespace' }
);

const clusterIncidents = [
  'kill-jobmanager',
  'kill-taskmanager',
  'fail-task',
  'fail-job',
  'lose-checkpoint',
  'delete-jobmanager-deployment',
  'delete-taskmanager-deployment',
  'delete-service',
  'misdirect-service',
  'delete-configuration',
  'edit-configuration',
] as const;
const worldIncidents = [
  'crash-operator',
  'two-leaders',
  'slow-flink',
  'slow-savepoints',
  'savepoint-folder-unwritable',
  'images-out-of-reach',
] as const;

/** What happens under the jobs: to one cluster, or to all. */
export type Incident = { readonly atMs: number } & (
  | { readonly do: (typeof clusterIncidents)[number]; readonly namespace: string; readonly name: string }
  | { readonly do: (typeof worldIncidents)[number] }
);

export interface Scenario {
  readonly actions: readonly Action[];
  readonly incidents: readonly Incident[];
}

/** The namespace that is never deleted. */
export const HOME = 'default';
/** A namespace that may be. */
export const TEAM = 'team';

/** Most scenarios are brisk: short and dense. The long ones give every fault the time to do its harm. */
interface Pace {
  readonly lives: number;
  readonly changes: number;
  readonly incidents: number;
  readonly gapMs: readonly [number, number];
}

const brisk: Pace = { lives: 1, changes: 2, incidents: 1, gapMs: [3_000, 16_000] };
const long: Pace = { lives: 2, changes: 4, incidents: 2, gapMs: [15_000, 90_000] };
const LONG_SHARE = 0.2;

interface Drawn {
  readonly random: Random;
  readonly pace: Pace;
  readonly actions: Action[];
  readonly incidents: Incident[];
}

/** Draws a scenario. The same random numbers give the same scenario. */
export function drawScenario(random: Random): Scenario {
  const pace = random.next() < LONG_SHARE ? long : brisk;
  const drawn: Drawn = { random, pace, actions: [], incidents: [] };
  if (random.next() < NAMESAKES_SHARE) drawNamesakes(drawn);
  else {
    const lives = 1 + Math.floor(random.next() * pace.lives);
    for (let i = 0; i < lives; i++) drawLife(drawn, i);
  }
  for (let i = Math.floor(random.next() * (pace.incidents + 1)); i > 0; i--) {
    drawn.incidents.push({ atMs: span(random, 5_000, lastOf(drawn) + 20_000), do: pick(random, worldIncidents) });
  }
  const byTime = (a: { atMs: number }, b: { atMs: number }): number => a.atMs - b.atMs;
  return { actions: drawn.actions.sort(byTime), incidents: drawn.incidents.sort(byTime) };
}

function lastOf({ actions }: Drawn): number {
  return Math.max(0, ...actions.map((one) => one.atMs));
}

function drawCluster({ random }: Drawn, name: string): ClusterTraits {
  return {
    name,
    namespace: random.next() < 0.1 ? TEAM : HOME,
    mode: random.next() < 0.3 ? 'standalone' : 'native',
    ha: random.next() < 0.45,
    adaptive: random.next() < 0.2,
    series: random.next() < 0.6 ? '1.20' : pick(random, FLINK_SERIES),
  };
}

function drawMode(random: Random, ha: boolean): UpgradeMode {
  const draw = random.next();
  if (draw < 0.2) return 'stateless';
  return ha && draw < 0.6 ? 'last-state' : 'savepoint';
}

function drawLife(drawn: Drawn, number: number): void {
  const isSession = drawn.random.next() < SESSION_SHARE;
  if (isSession) drawSession(drawn, drawCluster(drawn, `session-${number}`), number);
  else drawApplication(drawn, drawCluster(drawn, `job-${number}`));
}

/** The same names in both namespaces. */
function drawNamesakes(drawn: Drawn): void {
  const isSession = drawn.random.next() < SESSION_SHARE;
  for (const namespace of [HOME, TEAM]) {
    if (isSession) drawSession(drawn, { ...drawCluster(drawn, 'session-0'), namespace }, 0);
    else drawApplication(drawn, { ...drawCluster(drawn, 'job-0'), namespace });
  }
}

/** Scenarios in which everything is there twice. */
const NAMESAKES_SHARE = 0.06;

/** Session clusters among the lives. */
const SESSION_SHARE = 0.3;
/** Lives that have snapshots taken. */
const SNAPSHOT_SHARE = 0.2;

function drawApplication(drawn: Drawn, cluster: ClusterTraits): void {
  const { random, actions } = drawn;
  const subject: Subject = { kind: 'FlinkDeployment', namespace: cluster.namespace, name: cluster.name };
  const start = span(random, 0, 5_000);
  const job: JobTraits = {
    upgradeMode: drawMode(random, cluster.ha),
    parallelism: 1 + Math.floor(random.next() * 3),
    ...drawBeginning(random),
  };
  const taskManagers = cluster.mode === 'standalone' ? drawTaskManagers(random) : {};
  const object = flinkDeployment(cluster, job, { ...drawClusterOptions(random, cluster.ha), ...taskManagers });
  actions.push({ atMs: start, subject, do: 'create', object });
  const traits = { ...cluster, rollsBack: rollsBack(object.spec) };
  const end = drawChanges(drawn, subject, start, traits);
  drawIncidents(drawn, cluster, end);
  drawEnd(drawn, subject, end);
}

function drawBeginning(random: Random): Pick<JobTraits, 'initialSavepointPath'> {
  return random.next() < 0.05 ? { initialSavepointPath: IMPORTED.path } : {};
}

function drawSession(drawn: Drawn, cluster: ClusterTraits, number: number): void {
  const { random, actions } = drawn;
  const at: Subject = { kind: 'FlinkDeployment', namespace: cluster.namespace, name: cluster.name };
  const start = span(random, 0, 5_000);
  const isDeleted = random.next() < 0.1;
  const taskManagers = cluster.mode === 'standalone' ? drawTaskManagers(random) : {};
  const unblocked = isDeleted && random.next() < 0.5 ? UNBLOCKED : {};
  const object = flinkDeployment(cluster, undefined, { ...unblocked, ...taskManagers });
  actions.push({ atMs: start, subject: at, do: 'create', object });
  let last = start;
  const jobs = 1 + Math.floor(random.next() * 2);
  for (let i = 0; i < jobs; i++) {
    const subject: Subject = { kind: 'FlinkSessionJob', namespace: cluster.namespace, name: `sj-${number}-${i}` };
    const traits = {
      upgradeMode: pick(random, ['stateless', 'savepoint', 'savepoint'] as const),
      parallelism: 1 + Math.floor(random.next() * 2),
      ...drawBeginning(random),
    };
    // Sometimes before its cluster.
    const created = Math.max(0, start + span(random, -2_000, 8_000));
    actions.push({
      ...{ atMs: created, subject, do: 'create' },
      object: flinkSessionJob({ ...subject, cluster: cluster.name }, traits, drawOptions(random)),
    });
    const end = drawChanges(drawn, subject, created, cluster);
    drawEnd(drawn, subject, end);
    last = Math.max(last, end);
  }
  if (random.next() < 0.3) {
    const change = cluster.ha || random.next() < 0.7 ? restart(random) : newerFlink(cluster);
    actions.push({ atMs: span(random, 8_000, last + 20_000), subject: at, do: 'change', change });
  }
  // Under its jobs.
  if (isDeleted) actions.push({ atMs: last + span(random, -2_000, 15_000), subject: at, do: 'delete' });
  drawIncidents(drawn, cluster, last);
}

function restart(random: Random): Change {
  const nonce = 1 + Math.floor(random.next() * 1_000_000);
  return { what: `restartNonce ${nonce}`, patch: { spec: { restartNonce: nonce } } };
}

/** Returns when the last change is made. */
function drawChanges(drawn: Drawn, subject: Subject, start: number, cluster: ClusterTraits): number {
  const { random, pace, actions } = drawn;
  let at = start;
  for (let i = Math.floor(random.next() * pace.changes); i >= 0; i--) {
    at += random.next() < 0.25 ? span(random, 50, 3_000) : span(random, ...pace.gapMs);
    for (const change of drawChange(random, subject.kind, cluster))
      actions.push({ atMs: at++, subject, do: 'change', change });
    if (subject.kind !== 'FlinkStateSnapshot' && random.next() < SNAPSHOT_SHARE) drawSnapshot(drawn, subject, at);
  }
  return at;
}

function drawSnapshot({ random, actions }: Drawn, of: Subject, around: number): void {
  const subject: Subject = { kind: 'FlinkStateSnapshot', namespace: of.namespace, name: `${of.name}-at-${around}` };
  const what = pick(random, ['savepoint', 'disposable savepoint', 'checkpoint'] as const);
  const job = { kind: of.kind as 'FlinkDeployment' | 'FlinkSessionJob', name: of.name };
  const atMs = around + span(random, 0, 12_000);
  actions.push({ atMs, subject, do: 'create', object: flinkStateSnapshot(subject, job, what) });
  if (random.next() < 0.3) actions.push({ atMs: atMs + span(random, 100, 10_000), subject, do: 'delete' });
}

function drawIncidents({ random, pace, incidents }: Drawn, cluster: ClusterTraits, end: number): void {
  const possible = clusterIncidents.filter(
    (one) => one !== 'delete-taskmanager-deployment' || cluster.mode === 'standalone',
  );
  for (let i = Math.floor(random.next() * (pace.incidents + 1)); i > 0; i--) {
    const what = possible[Math.floor(random.next() * possible.length)] ?? 'fail-task';
    incidents.push({
      ...{ atMs: span(random, 8_000, end + 20_000), do: what },
      ...{ namespace: cluster.namespace, name: cluster.name },
    });
  }
}

function drawEnd({ random, actions }: Drawn, subject: Subject, end: number): void {
  if (random.next() >= 0.25) return;
  const isTeam = subject.namespace === TEAM;
  actions.push({ atMs: end + span(random, 1_000, 30_000), subject, do: isTeam ? 'delete-namespace' : 'delete' });
}
