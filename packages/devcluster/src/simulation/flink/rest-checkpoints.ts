import type { SimulatedJob } from './job.ts';
import type { CheckpointRecord } from './job-records.ts';
import { vertices } from './rest-shapes.ts';

const stateSize = 16_000;

export function checkpoint(job: SimulatedJob, one: CheckpointRecord, withTasks = false): object {
  const newest = Math.max(
    0,
    ...job.checkpoints.filter((c) => c.status === 'COMPLETED' && !c.savepoint).map((c) => c.id),
  );
  const subtasks = job.parallelism * vertices.length;
  const completed = one.status === 'COMPLETED';
  const common = {
    latest_ack_timestamp: completed ? one.endedAt : -1,
    checkpointed_size: completed ? stateSize : 0,
    state_size: completed ? stateSize : 0,
    end_to_end_duration: completed ? one.endedAt - one.triggeredAt : -1,
    alignment_buffered: 0,
    processed_data: 0,
    persisted_data: 0,
  };
  const task = {
    id: one.id,
    status: one.status,
    ...common,
    num_subtasks: job.parallelism,
    num_acknowledged_subtasks: job.parallelism,
  };
  return {
    className: one.status === 'IN_PROGRESS' ? 'in_progress' : one.status.toLowerCase(),
    id: one.id,
    status: one.status,
    is_savepoint: one.savepoint,
    savepointFormat: one.savepoint ? 'NATIVE' : null,
    trigger_timestamp: one.triggeredAt,
    ...common,
    num_subtasks: subtasks,
    num_acknowledged_subtasks: completed ? subtasks : 0,
    checkpoint_type: one.stop ? 'SYNC_SAVEPOINT' : one.savepoint ? 'SAVEPOINT' : 'CHECKPOINT',
    tasks: withTasks ? Object.fromEntries(vertices.map(({ id }) => [id, task])) : {},
    ...(completed
      ? {
          external_path: one.path ?? '<checkpoint-not-externally-addressable>',
          discarded: !one.savepoint && (one.id < newest || job.isTerminal),
        }
      : {}),
    ...(one.status === 'FAILED' ? { failure_timestamp: one.endedAt, failure_message: one.failure ?? null } : {}),
  };
}

export function checkpoints(job: SimulatedJob): object {
  const all = job.checkpoints;
  const done = all.filter((one) => one.status === 'COMPLETED');
  const latest = (found: CheckpointRecord | undefined): object | null => (found ? checkpoint(job, found) : null);
  const stats = (values: readonly number[]): object => {
    const none = values.length === 0;
    const sorted = [...values].sort((a, b) => a - b);
    const at = (q: number): number | string =>
      none ? 'NaN' : (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0);
    const avg = none ? 0 : Math.floor(values.reduce((a, b) => a + b, 0) / values.length);
    return {
      min: sorted[0] ?? 0,
      max: sorted.at(-1) ?? 0,
      avg,
      p50: at(0.5),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      p999: at(0.999),
    };
  };
  const zeros = done.map(() => 0);
  const sizes = done.map(() => stateSize);
  return {
    counts: {
      restored: job.restored ? 1 : 0,
      total: all.length,
      in_progress: all.filter((one) => one.status === 'IN_PROGRESS').length,
      completed: done.length,
      failed: all.filter((one) => one.status === 'FAILED').length,
    },
    summary: {
      checkpointed_size: stats(sizes),
      state_size: stats(sizes),
      end_to_end_duration: stats(done.map((one) => one.endedAt - one.triggeredAt)),
      alignment_buffered: stats(zeros),
      processed_data: stats(zeros),
      persisted_data: stats(zeros),
    },
    latest: {
      completed: latest(job.latestCheckpoint),
      savepoint: latest(job.latestSavepoint),
      failed: latest(job.latestFailed),
      restored: job.restored
        ? {
            id: job.restored.id,
            restore_timestamp: job.restored.at,
            is_savepoint: job.restored.snapshot.kind === 'savepoint',
            external_path: job.restored.snapshot.path,
          }
        : null,
    },
    history: all.map((one) => checkpoint(job, one)),
  };
}

export function checkpointsConfig(job: SimulatedJob): object {
  return {
    mode: 'exactly_once',
    interval: job.spec.checkpointIntervalMs ?? 0,
    timeout: 600_000,
    min_pause: 0,
    max_concurrent: 1,
    externalization: { enabled: job.spec.retainOnCancellation, delete_on_cancellation: !job.spec.retainOnCancellation },
    state_backend: 'HashMapStateBackend',
    checkpoint_storage:
      job.spec.checkpointDir === undefined ? 'JobManagerCheckpointStorage' : 'FileSystemCheckpointStorage',
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: 0,
    aligned_checkpoint_timeout: 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 600_000,
    changelog_storage: 'memory',
  };
}
