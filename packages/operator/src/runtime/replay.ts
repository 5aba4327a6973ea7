import type { ConfigEntries } from '@drey/flink';
import { decide } from '../deployment/decide.ts';
import type { World } from '../deployment/world.ts';
import { decideSessionJob } from '../sessionjob/decide.ts';
import { sessionJobPolicy } from '../sessionjob/policy.ts';
import type { SessionJobWorld } from '../sessionjob/world.ts';
import { decide as decideSnapshot } from '../snapshot/decide.ts';
import { configOf } from '../snapshot/reconcile.ts';
import type { SnapshotWorld } from '../snapshot/world.ts';
import { type DecisionFile, type ExportedDecision, FORMAT } from './decision-export.ts';
import { type OperatorPolicy, operatorPolicy } from './policy.ts';

/** How each kind decides: the same functions that its controller runs. */
const DECIDERS: Readonly<Record<string, (world: never, policy: OperatorPolicy) => unknown>> = {
  FlinkDeployment: (world: World, policy) => decide(world, policy),
  FlinkStateSnapshot: (world: SnapshotWorld, policy) => decideSnapshot(world, configOf({ policy })),
  FlinkSessionJob: (world: SessionJobWorld, policy) => decideSessionJob(world, sessionJobPolicy(policy)),
};

/** A place at which two plans differ. */
export interface PlanDifference {
  /** For example `status.operation.phase`. */
  readonly path: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

/** A decision that was made again. */
export interface Replayed {
  readonly decision: ExportedDecision;
  /** What is decided now. */
  readonly plan: unknown;
  /** Empty: the same is decided. At most {@link MAX_DIFFERENCES}. */
  readonly differences: readonly PlanDifference[];
}

const MAX_DIFFERENCES = 100;

/**
 * Makes the decisions of a file again, under the configuration it names. Throws what the decision throws, and
 * `TypeError` for a kind or a form that this version does not know.
 */
export function replayDecisions(file: DecisionFile): readonly Replayed[] {
  const decider = DECIDERS[file.kind];
  if (file.format !== FORMAT) throw new TypeError(`the form "${String(file.format)}" is not ${FORMAT}`);
  if (decider === undefined) throw new TypeError(`decisions about a "${file.kind}" are not known`);
  const policy = operatorPolicy(file.operatorConfig as ConfigEntries, file.logging);
  return file.decisions.map((decision) => {
    // As it would read the file again: without members that are undefined.
    const plan: unknown = JSON.parse(JSON.stringify(decider(decision.world as never, policy)));
    const recorded: unknown = JSON.parse(JSON.stringify(decision.plan));
    return { decision, plan, differences: differences(recorded, plan, '').slice(0, MAX_DIFFERENCES) };
  });
}

function differences(recorded: unknown, replayed: unknown, path: string): PlanDifference[] {
  if (Object.is(recorded, replayed)) return [];
  const both = [recorded, replayed];
  const comparable = both.every((one) => typeof one === 'object' && one !== null);
  if (!comparable || Array.isArray(recorded) !== Array.isArray(replayed)) return [{ path, recorded, replayed }];
  const [left, right] = both as [Record<string, unknown>, Record<string, unknown>];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys.flatMap((key) => differences(left[key], right[key], path === '' ? key : `${path}.${key}`));
}
