import type { PlannedEvent } from './planned.ts';
import type { JobResourceStatus } from './resource.ts';
import { ERROR_TYPES, type ErrorLimits, errorText, typeOf } from './resource-error.ts';
import { withoutError } from './status.ts';

/** A status that tells why the user's spec is not acted on, or no longer tells it; the event comes once. */
export function withValidation<S extends JobResourceStatus>(
  status: S,
  invalid: string | undefined,
  errorLimits: ErrorLimits,
): { readonly status: S; readonly events: readonly PlannedEvent[] } {
  if (invalid === undefined) {
    const outdated = typeOf(status.error) === ERROR_TYPES.validation;
    return { status: outdated ? withoutError(status) : status, events: [] };
  }
  const error = errorText({ type: ERROR_TYPES.validation, message: invalid }, errorLimits);
  if (error === status.error) return { status, events: [] };
  const event: PlannedEvent = { type: 'Warning', reason: 'ValidationError', message: invalid, component: 'Operator' };
  return { status: { ...status, error }, events: [event] };
}
