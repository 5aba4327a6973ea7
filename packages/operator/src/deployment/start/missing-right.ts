import { taskManagerStatefulSetOptions } from '@drey/flink';
import type { WakeUp } from '../../job/planned.ts';
import { ON_CHANGE } from '../../job/wake-up.ts';
import type { Context } from '../context.ts';
import type { World } from '../world.ts';

/** What is told where a StatefulSet is asked for that could be neither watched nor removed. */
export const STATEFUL_SETS_REFUSED = 'The operator may not list and watch StatefulSets in this namespace.';

/** Why a valid spec cannot be acted on: the operator lacks a right that only this spec needs. */
export function missingRight(world: World) {
  if (world.refusedStatefulSets !== 'wanted') return undefined;
  return {
    code: 'E_OPERATOR_STATEFUL_SET_RIGHTS',
    path: `spec.flinkConfiguration["${taskManagerStatefulSetOptions.enabled.key}"]`,
    message: STATEFUL_SETS_REFUSED,
    nextStep:
      "Give the operator's account the verbs get, list, watch, create, update, patch and delete on statefulsets of the API group " +
      `apps, or leave ${taskManagerStatefulSetOptions.enabled.key} out.`,
  };
}

/** When an invalid spec of which nothing was deployed is looked at again: a right may be given, a spec has to be changed. */
export function untilValid({ world, config }: Context): WakeUp {
  return missingRight(world) === undefined ? ON_CHANGE : { kind: 'after', ms: config.restIntervalMs, jitter: true };
}
