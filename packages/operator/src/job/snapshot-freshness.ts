import type { Condition, JobState } from '@drey/api';
import { type Answer, checkpointingOptions, type FlinkConfig } from '@drey/flink';
import type { FlinkCheckpoints } from '../runtime/ports.ts';
import type { ConditionDraft } from './conditions.ts';
import type { JobResourceStatus } from './resource.ts';

/** What is known about how old the newest state of a job is. */
interface FreshnessInput {
  readonly state: JobState | undefined;
  /** When Flink started the job, in epoch milliseconds; undefined when it has not said. */
  readonly startTime: number | undefined;
  /** undefined: Flink was not asked in this pass. */
  readonly checkpoints: Answer<FlinkCheckpoints> | undefined;
  /** Configuration of the running job. */
  readonly options: FlinkConfig;
  readonly recorded: readonly Condition[];
  readonly now: number;
}

const type = 'SnapshotFresh';

/** The condition of an object whose job was started before, from its status; none for jobs that take no checkpoints. */
export function freshnessDrafts(
  status: JobResourceStatus,
  given: Pick<FreshnessInput, 'checkpoints' | 'options' | 'now'>,
): readonly ConditionDraft[] {
  const { jobStatus, conditions } = status;
  const draft = snapshotFresh({
    ...given,
    state: jobStatus?.state ?? undefined,
    startTime: Number(jobStatus?.startTime ?? Number.NaN) || undefined,
    recorded: conditions ?? [],
  });
  return draft === undefined ? [] : [draft];
}

/**
 * Whether a running job's newest completed checkpoint or savepoint is as young as its configuration promises: an interval,
 * or an attempt that takes its whole timeout, once more than failures are tolerated. undefined for jobs that take no
 * checkpoints. Messages hold no ages, so that a job at rest is not written.
 */
function snapshotFresh(input: FreshnessInput): ConditionDraft | undefined {
  const allowed = allowedAgeMs(input.options);
  if (allowed === undefined || input.state === undefined) return undefined;
  if (input.state !== 'RUNNING') {
    return {
      type,
      status: 'Unknown',
      reason: 'JobNotRunning',
      message: 'A job that does not run takes no checkpoints.',
    };
  }
  const { checkpoints } = input;
  if (checkpoints === undefined || checkpoints.kind !== 'ok') return kept(input.recorded);
  const seconds = Math.round(allowed / 1000);
  const newest = Math.max(checkpoints.value.completed?.triggeredAt ?? 0, checkpoints.value.savepoint?.triggeredAt ?? 0);
  if (input.now - newest <= allowed) {
    return { type, status: 'True', reason: 'UpToDate', message: `The newest checkpoint is younger than ${seconds} s.` };
  }
  if (newest === 0 && input.now - (input.startTime ?? input.now) <= allowed) {
    return { type, status: 'Unknown', reason: 'FirstCheckpointPending', message: 'No checkpoint has completed yet.' };
  }
  return {
    type,
    status: 'False',
    reason: 'CheckpointOverdue',
    message: `No checkpoint has completed for ${seconds} s. Look at the job's checkpoint history for the cause.`,
  };
}

function allowedAgeMs(options: FlinkConfig): number | undefined {
  const interval = options.get(checkpointingOptions.interval);
  if (interval === undefined || interval <= 0) return undefined;
  const attempts = options.get(checkpointingOptions.tolerableFailedCheckpoints) + 2;
  return Math.max(interval, options.get(checkpointingOptions.timeout)) * attempts;
}

/** What was last known stays until Flink answers again. */
function kept(recorded: readonly Condition[]): ConditionDraft {
  const before = recorded.find((one) => one.type === type);
  if (before === undefined || before.reason === 'JobNotRunning') {
    return { type, status: 'Unknown', reason: 'FirstCheckpointPending', message: 'No checkpoint has completed yet.' };
  }
  const { status, reason = '', message = '' } = before;
  return { type, status, reason: reason ?? '', message: message ?? '' };
}
