import type { FlinkSessionJobStatus } from '@drey/api';
import type { JarRun } from '@drey/flink';
import type { ArtifactAccess } from '../artifact/artifact.ts';
import type { PlannedEvent, WakeUp } from '../job/planned.ts';
import type { RescaleStep } from '../job/rescale.ts';
import type { SnapshotStep } from '../job/snapshots/steps.ts';
import type { StopStep } from '../job/stop.ts';

/**
 * What one pass does: writes `status` (with the resource version it was decided on, and only when it differs), then makes
 * `steps` in order, then writes `settled` when every step succeeded. Events are sent last and never fail a pass.
 */
export interface SessionJobPlan {
  readonly status: FlinkSessionJobStatus;
  readonly steps: readonly SessionJobStep[];
  /** What the status says once all steps are done; absent when the next observation has to tell. */
  readonly settled?: FlinkSessionJobStatus;
  readonly events: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
}

/** One write. Every step is repeatable: done twice it has the effect of once. */
export type SessionJobStep =
  | { readonly kind: 'add-finalizer' }
  | { readonly kind: 'remove-finalizer' }
  | StopStep
  | SnapshotStep
  | RescaleStep
  /** Begins to fetch the jar and to pass it on to Flink; nothing is started by that. */
  | { readonly kind: 'upload-jar'; readonly upload: JarUpload }
  /** Begins to run an uploaded jar, under a job id that makes Flink refuse a second run. */
  | { readonly kind: 'run-jar'; readonly run: JarStart }
  /** The job keeps its own copy. */
  | { readonly kind: 'delete-jar'; readonly jarId: string };

/** A jar to bring to Flink. */
export interface JarUpload {
  readonly operationId: string;
  /** As the user wrote it; undefined: the classes are in the image, and Flink gets an empty jar. */
  readonly uri: string | undefined;
  /** Name of the file at Flink, which ends in .jar. */
  readonly name: string;
  readonly access: ArtifactAccess;
  readonly timeoutMs: number;
}

/** A jar to run. */
export interface JarStart {
  readonly operationId: string;
  readonly jarId: string;
  readonly request: JarRun;
  readonly timeoutMs: number;
}
