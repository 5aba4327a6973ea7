import type { Condition, FlinkDeploymentStatus, JobState } from '@drey/api';
import { messageOf } from './resource-error.ts';

/** What the conditions are computed from besides the status itself. */
export interface ConditionInput {
  readonly generation: number;
  /** The reason nothing more will happen until somebody changes something, with the next step. */
  readonly stalled: { readonly reason: string; readonly message: string } | undefined;
  /** What the operator is busy with, or waits for. */
  readonly progress: { readonly reason: string; readonly message: string } | undefined;
  readonly now: number;
}

/**
 * The conditions of a deployment. `Running` is the Apache operator's; `Ready`, `Reconciling` and `Stalled` are those that
 * kubectl wait, Argo CD and Flux know.
 */
export function conditionsOf(status: FlinkDeploymentStatus, input: ConditionInput): Condition[] {
  const computed = [runningCondition(status), readyCondition(status, input), ...busyConditions(input)];
  return computed.map((condition) => settle(condition, status.conditions ?? [], input));
}

type Draft = Pick<Condition, 'type' | 'status'> & { readonly reason: string; readonly message: string };

function runningCondition(status: FlinkDeploymentStatus): Draft {
  const state = status.jobStatus?.state ?? undefined;
  return {
    type: 'Running',
    status: state === 'RUNNING' ? 'True' : 'False',
    reason: capitalised(state),
    message: `Job status ${state ?? 'unknown'}`,
  };
}

/** FINISHED → Finished, as the Apache operator writes reasons. */
function capitalised(state: JobState | undefined): string {
  return state === undefined ? 'Unknown' : state[0] + state.slice(1).toLowerCase();
}

function readyCondition(status: FlinkDeploymentStatus, input: ConditionInput): Draft {
  const type = 'Ready';
  if (input.stalled) return { type, status: 'False', ...input.stalled };
  if (input.progress) return { type, status: 'False', ...input.progress };
  const state = status.jobStatus?.state ?? undefined;
  if (status.lifecycleState === 'SUSPENDED') {
    return { type, status: 'True', reason: 'Suspended', message: 'The job is suspended, as wanted.' };
  }
  if (state === 'RUNNING' || state === 'FINISHED') {
    return { type, status: 'True', reason: capitalised(state), message: `The job is ${state}.` };
  }
  const message = messageOf(status.error) ?? `The job is ${state ?? 'not there yet'}.`;
  return { type, status: 'False', reason: capitalised(state), message };
}

function busyConditions(input: ConditionInput): Draft[] {
  const none = { reason: 'None', message: '' };
  return [
    { type: 'Reconciling', status: input.progress ? 'True' : 'False', ...(input.progress ?? none) },
    { type: 'Stalled', status: input.stalled ? 'True' : 'False', ...(input.stalled ?? none) },
  ];
}

function settle(draft: Draft, recorded: readonly Condition[], input: ConditionInput): Condition {
  const previous = recorded.find((condition) => condition.type === draft.type);
  const unchanged = previous?.status === draft.status && typeof previous.lastTransitionTime === 'string';
  return {
    ...draft,
    observedGeneration: input.generation,
    lastTransitionTime: unchanged ? (previous.lastTransitionTime ?? '') : new Date(input.now).toISOString(),
  };
}
