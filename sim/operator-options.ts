import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
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

/** Draws what the operator is told about a job. */
export function drawOptions(random: Random): Record<string, string> {
  const options: Record<string, string> = {};
  if (random.next() < 0.1) options[SAVEPOINTS] = pick(random, PERIODS);
  if (random.next() < 0.06) options[CHECKPOINTS] = pick(random, PERIODS);
  if (random.next() < 0.15) options[RESTART_FAILED] = 'true';
  return options;
}

type Spec = (FlinkDeployment | FlinkSessionJob)['spec'];

/** The types of snapshots that a job has taken again and again. */
export function periodicTypes({ flinkConfiguration }: Spec): readonly ('savepoint' | 'checkpoint')[] {
  const asked = (key: string): boolean =>
    typeof flinkConfiguration?.[key] === 'string' && flinkConfiguration[key] !== '';
  return [...(asked(SAVEPOINTS) ? ['savepoint' as const] : []), ...(asked(CHECKPOINTS) ? ['checkpoint' as const] : [])];
}

/** Whether a job that failed for good is to be started again. */
export function restartsFailed({ flinkConfiguration }: Spec): boolean {
  return flinkConfiguration?.[RESTART_FAILED] === 'true';
}
