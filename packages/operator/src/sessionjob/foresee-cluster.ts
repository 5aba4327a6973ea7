import { JOB_STATES } from '@drey/api';
import type { DecideConfig } from '../deployment/context.ts';
import { contextOf as clusterContextOf } from '../deployment/decide.ts';
import { foresee } from '../deployment/foresee.ts';
import { jobsComeThrough } from '../deployment/session/session-room.ts';
import type { World } from '../deployment/world.ts';
import {
  checkpointState,
  expectedDowntime,
  snapshotAt,
  stateAfter,
  upgradeBy,
  upgradeWarnings,
} from '../job/foreseen-job.ts';
import type { ForeseenInterruption, ForeseenState, Foresight } from '../job/foresight.ts';
import { newestKnownPath } from '../job/newest-state.ts';
import { followedJob } from '../job/operation.ts';
import { isTerminal, upgradeRule } from '../job/upgrade-choice.ts';
import { type SessionJobConfig, type SessionJobContext, wantedMode } from './context.ts';
import { contextOf } from './decide.ts';
import { sessionJobAsItsStatusSays } from './foresee.ts';
import { upgradeFacts } from './upgrade.ts';
import type { SessionJobWorld } from './world.ts';

/** What a foresight about a session cluster rests on. */
export interface SessionClusterView {
  /** The cluster with the spec in question. */
  readonly world: World;
  /** The session jobs that name it, as they are. */
  readonly jobs: readonly SessionJobWorld[];
  readonly config: DecideConfig;
  readonly jobConfig: SessionJobConfig;
}

/**
 * What the operator would do about a session cluster that has the spec in question, and what becomes of the jobs on it: which
 * are interrupted, how each comes through, and from which state. Pure.
 */
export function foreseeSessionCluster(view: SessionClusterView): Foresight {
  const foresight = foresee(view.world, view.config);
  if (foresight.change !== 'upgrade') return { ...foresight, interrupts: [] };
  const context = clusterContextOf(view.world, view.config);
  const through = jobsComeThrough(context);
  const told = view.jobs.flatMap((seen) => interruptionOf(seen, view.jobConfig, through) ?? []);
  const interrupts = told.map(({ interruption }) => interruption);
  const { sessionJobs } = view.world;
  return {
    ...foresight,
    interrupts,
    warnings: [
      ...foresight.warnings,
      ...(sessionJobs.known ? [] : [`Which session jobs are interrupted is not known: ${sessionJobs.reason}.`]),
      ...told.flatMap(({ warnings }) => warnings),
      ...(through === 'high-availability' ? [] : jobsOfNobody(view)),
    ],
  };
}

type Through = ReturnType<typeof jobsComeThrough>;

interface Told {
  readonly interruption: ForeseenInterruption;
  readonly warnings: readonly string[];
}

/** undefined: there is no job to be interrupted. */
function interruptionOf(seen: SessionJobWorld, config: SessionJobConfig, through: Through): Told | undefined {
  const { world, assumption } = sessionJobAsItsStatusSays(seen);
  const context = contextOf(world, config);
  const { status, recorded } = context;
  const state = status.jobStatus?.state ?? undefined;
  if (recorded === undefined || recorded.spec.job?.state === 'suspended' || isTerminal(state)) return undefined;
  const name = world.sessionJob.metadata.name ?? '';
  const own = { name, downtime: expectedDowntime(status) };
  const warn = (...texts: readonly string[]): string[] => [...assumption, ...texts].map((text) => `${name}: ${text}`);
  if (through === 'high-availability') {
    const kept = { how: 'high-availability', upgrade: undefined, state: keptState(context) } as const;
    return { interruption: { ...own, ...kept }, warnings: warn() };
  }
  if (through === 'brought-down' && wantedMode(context.wanted.spec) !== 'stateless' && state === 'RUNNING') {
    const upgrade = upgradeBy(upgradeRule(upgradeFacts(context)), wantedMode(context.wanted.spec));
    const { checkpoints } = world.flink;
    const held = upgrade.kind === 'now' ? [] : [`The cluster is not replaced before: ${upgrade.because}.`];
    return {
      interruption: { ...own, how: 'brought-down', upgrade, state: stateAfter({ ...context, checkpoints }, upgrade) },
      warnings: warn(...upgradeWarnings({ checkpoints }, upgrade), ...held),
    };
  }
  return withoutStop(context, own, warn);
}

/** Flink keeps checkpoints only; of a savepoint that was taken since it knows nothing. */
function keptState({ world, now }: SessionJobContext): ForeseenState {
  const { checkpoints } = world.flink;
  const found = checkpoints?.kind === 'ok' ? (checkpoints.value.completed ?? checkpoints.value.restored) : undefined;
  return checkpointState(found, now);
}

/** A job that ends with its JobManager is started again as one that its cluster lost. */
function withoutStop(
  { status, wanted, world }: SessionJobContext,
  own: Pick<ForeseenInterruption, 'name' | 'downtime'>,
  warn: (...texts: readonly string[]) => string[],
): Told {
  const rest = { ...own, upgrade: undefined };
  if (wantedMode(wanted.spec) === 'stateless') {
    const { checkpoints } = world.flink;
    const dropped = upgradeWarnings({ checkpoints }, STATELESS);
    return {
      interruption: { ...rest, how: 'goes-with-cluster', state: { kind: 'empty' } },
      warnings: warn(...dropped),
    };
  }
  const path = newestKnownPath(status, world);
  if (path !== undefined)
    return { interruption: { ...rest, how: 'goes-with-cluster', state: snapshotAt(path) }, warnings: warn() };
  const unknown = 'Its newest state is not known, and it is not started before somebody names one.';
  return { interruption: { ...rest, how: 'lost', state: { kind: 'none' } }, warnings: warn(unknown) };
}

const STATELESS = { kind: 'now', mode: 'STATELESS', asked: 'stateless', because: '' } as const;

/** Jobs that somebody submitted by hand: nobody starts them again. */
function jobsOfNobody({ world, jobs }: SessionClusterView): readonly string[] {
  const described = new Set(jobs.map(({ sessionJob: { status } }) => followedJob(status ?? {})));
  const all = world.flink.jobs?.kind === 'ok' ? world.flink.jobs.value : [];
  const lost = all.filter(
    ({ jobId, state }) => !described.has(jobId) && !isTerminal(JOB_STATES.find((one) => one === state)),
  );
  if (lost.length === 0) return [];
  const names = lost.map(({ name, jobId }) => (name === '' ? jobId : name)).join(', ');
  return [`${lost.length} running job(s) that no FlinkSessionJob describes end with the cluster: ${names}.`];
}
