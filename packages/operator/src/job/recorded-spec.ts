import { parseJsonKeepingIntegers, serializeSpec } from '@drey/api';
import type { JobKind, JobResourceStatus, SpecOf } from './resource.ts';
import { StepError } from './step-error.ts';

/** A spec as a status holds it: with the state and the mode that were really carried out. */
export interface RecordedSpec<K extends JobKind = 'FlinkDeployment'> {
  readonly spec: SpecOf[K];
  /** Whether nothing had been deployed before it. */
  readonly firstDeployment: boolean;
}

const API_VERSION = 'flink.apache.org/v1beta1';

/**
 * The spec that was last acted on; undefined before the first deployment. A record that does not parse rejects the pass:
 * nothing is done about an object whose history is unknown.
 */
export function lastReconciled<K extends JobKind = 'FlinkDeployment'>(
  status: JobResourceStatus,
): RecordedSpec<K> | undefined {
  const text = status.reconciliationStatus?.lastReconciledSpec;
  if (text === null || text === undefined || text === '') return undefined;
  const document = parseJsonKeepingIntegers(text) as Record<string, unknown>;
  const metadata = document.resource_metadata as { firstDeployment?: boolean } | undefined;
  if (metadata === undefined) {
    // The form of very old operators: the members of the spec themselves.
    const { apiVersion: _, ...spec } = document;
    return { spec: spec as SpecOf[K], firstDeployment: false };
  }
  return { spec: document.spec as SpecOf[K], firstDeployment: metadata.firstDeployment === true };
}

/**
 * The spec that the running cluster was made from. It is the one that was last acted on, but during and after a rollback
 * the last stable one, while the record keeps the spec that failed.
 */
export function deployedSpec<K extends JobKind = 'FlinkDeployment'>(
  status: JobResourceStatus,
): RecordedSpec<K> | undefined {
  const record = status.reconciliationStatus;
  if (!isRolledBack(status)) return lastReconciled<K>(status);
  return lastReconciled<K>({ reconciliationStatus: { lastReconciledSpec: record?.lastStableSpec ?? null } });
}

/** True from the beginning of a rollback until another spec is acted on. */
export function isRolledBack(status: JobResourceStatus): boolean {
  const state = status.reconciliationStatus?.state;
  return state === 'ROLLING_BACK' || state === 'ROLLED_BACK';
}

/** Why nothing can be decided about an object: what was done to it is not on record any more. undefined: it is. */
export function unreadableRecord(status: JobResourceStatus | undefined): StepError | undefined {
  try {
    lastReconciled(status ?? {});
    deployedSpec(status ?? {});
    return undefined;
  } catch {
    return new StepError(
      'E_OPERATOR_RECORD',
      'status.reconciliationStatus holds a recorded spec that cannot be read, so nothing is done about this object.',
    );
  }
}

/** The text under which a spec is recorded. */
export function writeRecorded<K extends JobKind>(kind: K, spec: SpecOf[K], firstDeployment: boolean): string {
  return serializeSpec(kind, spec, { apiVersion: API_VERSION, firstDeployment });
}
