import type { Env, Regarding } from '../runtime/ports.ts';
import type { PlannedEvent } from './planned.ts';
import { sameStatus } from './status.ts';

/** A decision of any kind, as its pass has it in hand. */
export interface NotedDecision {
  /** The object that was decided about, with the status it had. */
  readonly object: Regarding & { readonly status?: unknown };
  /** Epoch milliseconds of the observation, and everything that was known; plain data. */
  readonly world: { readonly now: number };
  readonly plan: {
    readonly status: unknown;
    readonly steps: readonly unknown[];
    readonly settled?: unknown;
    readonly events: readonly PlannedEvent[];
  };
  /** Why the plan could not be carried out. */
  readonly error?: unknown;
}

/** Takes note of a decision after it was carried out, or was not: `drey replay` makes it again. Never fails. */
export function noteDecision(env: Env, { object, world, plan, error }: NotedDecision): void {
  const { namespace = '', name = '' } = object.metadata;
  const quiet =
    error === undefined &&
    plan.steps.length === 0 &&
    plan.events.length === 0 &&
    plan.settled === undefined &&
    sameStatus(object.status, plan.status);
  env.decisions?.({
    ...{ kind: object.kind, key: `${namespace}/${name}`, at: world.now, world, plan, quiet },
    ...(error === undefined ? {} : { failure: error instanceof Error ? error.message : String(error) }),
  });
}
