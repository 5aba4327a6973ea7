import { isJsonObject, type Json, type JsonObject, parseExactJson } from '../values/json.ts';
import { javaSpec, type RecordedKind } from './java-spec.ts';
import { compactJson } from './json-patch-rows.ts';

/** What a recorded spec says about itself. */
export interface RecordedMetadata {
  /** The `apiVersion` of the resource; absent in records that say nothing of it. */
  readonly apiVersion?: string;
  /** Whether the spec was recorded before anything had ever been deployed, and nothing has been upgraded since. */
  readonly firstDeployment: boolean;
}

/** A spec that was recorded in a status. */
export interface RecordedSpec {
  /** Every member present, see `javaSpec`. */
  readonly spec: JsonObject;
  /** Undefined in records of very old operators. */
  readonly metadata: RecordedMetadata | undefined;
}

/** A recorded spec does not parse: nobody but an operator should write `status.reconciliationStatus`. */
export class RecordedSpecError extends Error {
  readonly code = 'E_RECORDED_SPEC';
  readonly nextStep =
    'Restore status.reconciliationStatus from a backup, or delete and create the resource with initialSavepointPath.';
}

/**
 * The text under which a spec is recorded as `lastReconciledSpec` or `lastStableSpec`: byte for byte what the Apache
 * operator writes, so that either operator can continue where the other stopped.
 */
export function serializeSpec(kind: RecordedKind, spec: unknown, metadata: RecordedMetadata): string {
  const { apiVersion, firstDeployment } = metadata;
  return compactJson({
    spec: javaSpec(kind, spec as Json),
    resource_metadata: { ...(apiVersion === undefined ? {} : { apiVersion }), firstDeployment },
  });
}

/**
 * Reads a recorded spec, also in the older form without metadata. Undefined when nothing is recorded. Throws
 * {@link RecordedSpecError} when the text is no record.
 */
export function parseRecordedSpec(kind: RecordedKind, stored: string | null | undefined): RecordedSpec | undefined {
  if (stored === null || stored === undefined) return undefined;
  try {
    const document = parseExactJson(stored);
    if (!isJsonObject(document)) throw new Error('it is not an object');
    const wrapped = 'resource_metadata' in document;
    if (wrapped && !isJsonObject(document.resource_metadata)) throw new Error('its metadata is not an object');
    if (wrapped && !isJsonObject(document.spec)) throw new Error('it has no spec');
    const { apiVersion: _, ...bare } = document;
    return {
      spec: javaSpec(kind, wrapped ? document.spec : bare),
      metadata: isJsonObject(document.resource_metadata) ? metadataOf(document.resource_metadata) : undefined,
    };
  } catch (cause) {
    throw new RecordedSpecError(`The recorded spec cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function metadataOf(value: JsonObject): RecordedMetadata {
  const firstDeployment = value.firstDeployment === true;
  return typeof value.apiVersion === 'string' ? { apiVersion: value.apiVersion, firstDeployment } : { firstDeployment };
}
