import { type FlinkDeploymentSpec, type FlinkDeploymentStatus, serializeSpec } from '@drey/api';

/** A spec as a status holds it: with the state and the mode that were really carried out. */
export interface RecordedSpec {
  readonly spec: FlinkDeploymentSpec;
  /** Whether nothing had been deployed before it. */
  readonly firstDeployment: boolean;
}

const API_VERSION = 'flink.apache.org/v1beta1';

/**
 * The spec that was last acted on; undefined before the first deployment. A record that does not parse rejects the pass:
 * nothing is done about an object whose history is unknown.
 */
export function lastReconciled(status: FlinkDeploymentStatus): RecordedSpec | undefined {
  const text = status.reconciliationStatus?.lastReconciledSpec;
  if (text === null || text === undefined || text === '') return undefined;
  const document = JSON.parse(text) as Record<string, unknown>;
  const metadata = document.resource_metadata as { firstDeployment?: boolean } | undefined;
  if (metadata === undefined) {
    // The form of very old operators: the members of the spec themselves.
    const { apiVersion: _, ...spec } = document;
    return { spec: spec as FlinkDeploymentSpec, firstDeployment: false };
  }
  return { spec: document.spec as FlinkDeploymentSpec, firstDeployment: metadata.firstDeployment === true };
}

/** The text under which a spec is recorded. */
export function writeRecorded(spec: FlinkDeploymentSpec, firstDeployment: boolean): string {
  return serializeSpec('FlinkDeployment', spec, { apiVersion: API_VERSION, firstDeployment });
}
