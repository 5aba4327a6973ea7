import { ERROR_TYPES, errorText } from '../../job/resource-error.ts';
import { after } from '../../job/wake-up.ts';
import type { Context, Outcome } from '../context.ts';

const RETRY_MS = 10_000;

/** The name is taken by a Deployment that does not belong to this object; nothing of it is touched. */
export function foreignClusterMessage(context: Context): string {
  const { namespace, name } = context.wanted.metadata;
  return (
    `The Deployment ${namespace}/${name} exists and does not belong to this FlinkDeployment. ` +
    'Delete or rename it; nothing of it is touched.'
  );
}

/** Nothing can be deployed while the name is taken. */
export function nameTaken(context: Context): Outcome {
  const message = foreignClusterMessage(context);
  const error = errorText({ type: ERROR_TYPES.deployment, message }, context.config.errorLimits);
  return {
    status: { ...context.status, error },
    stalled: { reason: 'NameTaken', message },
    events:
      context.status.error === error
        ? []
        : [{ type: 'Warning', reason: 'Error', message, component: 'JobManagerDeployment' }],
    wakeUp: after(RETRY_MS),
  };
}
