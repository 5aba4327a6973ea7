import type { FlinkStateSnapshot } from '../kinds/flink-state-snapshot.ts';
import { isJsonObject } from '../values/json.ts';
import { MESSAGES } from './messages.ts';
import { problem, type ValidationProblem } from './problem.ts';

/**
 * Checks a FlinkStateSnapshot. `targetExists`: the job that it names is there. Once a snapshot was triggered its job may be
 * gone.
 */
export function validateFlinkStateSnapshot(
  snapshot: { readonly metadata: FlinkStateSnapshot['metadata']; readonly spec?: unknown; readonly status?: unknown },
  targetExists: boolean,
): ValidationProblem | undefined {
  const spec = isJsonObject(snapshot.spec) ? snapshot.spec : {};
  const savepoint = isJsonObject(spec.savepoint) ? spec.savepoint : undefined;
  const checkpoint = isJsonObject(spec.checkpoint) ? spec.checkpoint : undefined;
  if ((savepoint === undefined) === (checkpoint === undefined)) {
    return refuse('spec', MESSAGES.snapshotKind, 'Leave either spec.savepoint or spec.checkpoint.');
  }
  if (savepoint?.alreadyExists === true) return undefined;
  const reference = isJsonObject(spec.jobReference) ? spec.jobReference : undefined;
  if (reference === undefined) {
    return refuse(
      'spec.jobReference',
      MESSAGES.snapshotReference,
      'Set spec.jobReference to the kind and name of the job.',
    );
  }
  const state = isJsonObject(snapshot.status) ? snapshot.status.state : 'TRIGGER_PENDING';
  const waiting = state === undefined || state === 'TRIGGER_PENDING';
  if (targetExists || !waiting) return undefined;
  const name = typeof reference.name === 'string' ? reference.name : '';
  return refuse(
    'spec.jobReference.name',
    `Target for snapshot ${snapshot.metadata.namespace ?? 'default'}/${name} was not found`,
    'Create the job first, or correct spec.jobReference; both are in one namespace.',
  );
}

function refuse(path: string, message: string, next: string): ValidationProblem {
  return problem('E_VALIDATION_SNAPSHOT', path, message, next);
}
