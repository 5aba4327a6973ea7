import type { FlinkStateSnapshotStatus } from '@drey/api';
import type { PlannedEvent, WakeUp } from '../job/planned.ts';
import type { SnapshotStep } from '../job/snapshots/steps.ts';

/**
 * What one pass does: writes `status`, makes `steps` in order, writes `settled` when Flink has accepted all of them, then the
 * labels that differ. Events are sent last and never fail a pass.
 */
export interface SnapshotPlan {
  readonly status: FlinkStateSnapshotStatus;
  readonly steps: readonly SnapshotControllerStep[];
  readonly settled?: FlinkStateSnapshotStatus;
  /** Labels to be there; others are left alone. */
  readonly labels: Readonly<Record<string, string>>;
  readonly events: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
}

/** One write. Every step is repeatable: done twice it has the effect of once. */
export type SnapshotControllerStep =
  | { readonly kind: 'add-finalizer' }
  | { readonly kind: 'remove-finalizer' }
  | Extract<SnapshotStep, { kind: 'trigger-savepoint' | 'trigger-checkpoint' }>
  /** Asks Flink to delete a savepoint, and records the id that Flink gives the disposal. */
  | { readonly kind: 'begin-disposal'; readonly path: string };
