import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import { simulatedVertices } from '@drey/devcluster/testing';
import type { Random } from '@drey/kube';
import { pick } from './draws.ts';

/** Options of the operator that a spec may carry, each with a promise of its own. */
const SAVEPOINTS = 'kubernetes.operator.periodic.savepoint.interval';
const CHECKPOINTS = 'kubernetes.operator.periodic.checkpoint.interval';
const RESTART_FAILED = 'kubernetes.operator.job.restart.failed';

/** Periods of snapshots: as intervals, and by the clock. */
const PERIODS = ['20 s', '0/20 * * * * ?'] as const;
/** The length of each. */
export const PERIOD_MS = 20_000;

const ROLLBACK = 'kubernetes.operator.deployment.rollback.enabled';
/** The time a spec has to become ready, and then to run without a break. */
const TRIAL = {
  'kubernetes.operator.deployment.readiness.timeout': '40 s',
  'kubernetes.operator.deployment.rollback.stability-window': '5 s',
} as const;
/** A start deletes what earlier ones left of results. */
const CLEANUP = 'kubernetes.operator.job-result-store.cleanup.enabled';
const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';

/** A session cluster is deleted although there are jobs for it. */
export const UNBLOCKED = { 'kubernetes.operator.session.deletion.block-on-session-jobs': 'false' } as const;

/** Draws what the operator is told about an application cluster. */
export function drawClusterOptions(random: Random, isHa: boolean): Record<string, string> {
  // The operator takes back nothing without high availability.
  return {
    ...drawOptions(random),
    ...(isHa && random.next() < 0.35 ? { [ROLLBACK]: 'true', ...TRIAL } : {}),
    ...(isHa && random.next() < 0.4 ? { [CLEANUP]: 'true' } : {}),
  };
}

/** Draws what the operator is told about a job. */
export function drawOptions(random: Random): Record<string, string> {
  const options: Record<string, string> = {};
  if (random.next() < 0.1) options[SAVEPOINTS] = pick(random, PERIODS);
  if (random.next() < 0.06) options[CHECKPOINTS] = pick(random, PERIODS);
  if (random.next() < 0.15) options[RESTART_FAILED] = 'true';
  return options;
}

const STATEFUL_SET = 'kubernetes.taskmanager.stateful-set.enabled';
const VOLUME_SIZE = 'kubernetes.taskmanager.stateful-set.volume.size';

/** Draws what the TaskManagers of a standalone cluster are: a Deployment, or a StatefulSet with claims or without. */
export function drawTaskManagers(random: Random): Record<string, string> {
  if (random.next() < 0.5) return {};
  return { [STATEFUL_SET]: 'true', ...(random.next() < 0.6 ? { [VOLUME_SIZE]: '1Gi' } : {}) };
}

/** TaskManagers as a StatefulSet, or as a Deployment again. */
export function statefulSet(isOn: boolean): Record<string, string> {
  return { [STATEFUL_SET]: String(isOn) };
}

/** Whether a configuration makes the TaskManagers a StatefulSet. */
export function hasStatefulSet(configuration: object | undefined): boolean {
  return (configuration as Record<string, unknown> | undefined)?.[STATEFUL_SET] === 'true';
}

type Spec = (FlinkDeployment | FlinkSessionJob)['spec'];

/** The types of snapshots that a job has taken again and again. */
export function periodicTypes({ flinkConfiguration }: Spec): readonly ('savepoint' | 'checkpoint')[] {
  const asked = (key: string): boolean =>
    typeof flinkConfiguration?.[key] === 'string' && flinkConfiguration[key] !== '';
  return [...(asked(SAVEPOINTS) ? ['savepoint' as const] : []), ...(asked(CHECKPOINTS) ? ['checkpoint' as const] : [])];
}

/** Whether a spec that does not become ready is taken back. */
export function rollsBack({ flinkConfiguration }: Spec): boolean {
  return flinkConfiguration?.[ROLLBACK] === 'true';
}

/** The parallelism of each vertex, as a configuration overrides it. */
export function vertexOverrides(parallelisms: readonly number[]): Record<string, string> {
  return { [OVERRIDES]: simulatedVertices.map(({ id }, i) => `${id}:${parallelisms[i] ?? 1}`).join(',') };
}

/** The largest parallelism that a configuration gives to a vertex; undefined: it gives none. */
export function overriddenParallelism(configuration: unknown): number | undefined {
  const text = (configuration as Record<string, unknown> | null | undefined)?.[OVERRIDES];
  if (typeof text !== 'string') return undefined;
  return Math.max(...text.split(',').map((pair) => Number(pair.split(':')[1])));
}

/** Whether a job that failed for good is to be started again. */
export function restartsFailed({ flinkConfiguration }: Spec): boolean {
  return flinkConfiguration?.[RESTART_FAILED] === 'true';
}
