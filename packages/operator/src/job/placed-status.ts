import { type LivingStatus, lifecycleState } from './lifecycle.ts';
import { withHistory } from './operation-history.ts';
import { lastReconciled } from './recorded-spec.ts';
import type { JobKind, JobResourceStatus } from './resource.ts';
import type { ErrorLimits } from './resource-error.ts';
import { withValidation } from './validation-error.ts';

/** What a status is completed with besides what it says itself. */
export interface PlacedStatusInput {
  /** The status that the object has. */
  readonly before: JobResourceStatus | undefined;
  /** Why the user's spec is not acted on. */
  readonly invalid: string | undefined;
  /** Whether a person has to do something for the job to run at all; that comes before what is wrong with the newest spec. */
  readonly isStalled: boolean;
  readonly errorLimits: ErrorLimits;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A status with what follows from the rest of it: the error about its spec, where it stands, and what interrupted its job. */
export function placedStatus<S extends LivingStatus>(status: S, input: PlacedStatusInput): S {
  // Recording a spec clears the error, but not the one about a spec that is still invalid.
  const told = input.isStalled ? status : withValidation(status, input.invalid, input.errorLimits).status;
  const placed = { ...told, lifecycleState: lifecycleState(told, lastReconciled<JobKind>(told)) };
  return withHistory(input.before, placed, input.now);
}
