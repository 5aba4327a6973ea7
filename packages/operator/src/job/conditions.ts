import type { Condition, FlinkDeploymentStatus, JobState, LifecycleState } from '@drey/api';
import type { JobResourceStatus } from './resource.ts';
import { messageOf } from './resource-error.ts';

/** Why something is as it is: a stable word, and a sentence with the next step where there is one. */
export interface Told {
  readonly reason: string;
  readonly message: string;
}

/** A condition before it is compared with the recorded one of its type. */
export interface ConditionDraft extends Told {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
}

/** What every kind's conditions are computed from besides its status. */
export interface ConditionInput {
  /** `metadata.generation` of the object the conditions speak of. */
  readonly generation: number;
  /** The reason nothing more will happen until somebody changes something, with the next step. */
  readonly stalled: Told | undefined;
  /** What the operator is busy with, or waits for. */
  readonly progress: Told | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Conditions of the kind's own, after the common ones. */
  readonly more?: readonly ConditionDraft[];
}

/**
 * The conditions of a FlinkDeployment or FlinkSessionJob that runs a job. `Running` is the Apache operator's; `Ready`,
 * `Reconciling` and `Stalled` are those that kubectl wait, Argo CD, Flux and kstatus know.
 */
export function conditionsOf(status: JobResourceStatus, input: ConditionInput): Condition[] {
  const drafts = [runningCondition(status), jobReady(status, input), ...busyConditions(input), jobRunning(status)];
  return settledConditions([...drafts, ...(input.more ?? [])], status.conditions ?? [], input);
}

/** The conditions of a session cluster, which is ready when jobs can be submitted to it. */
export function sessionClusterConditions(status: FlinkDeploymentStatus, input: ConditionInput): Condition[] {
  const state = status.jobManagerDeploymentStatus ?? 'MISSING';
  const running: ConditionDraft = {
    type: 'Running',
    status: state === 'READY' ? 'True' : 'False',
    ...SESSION_CLUSTER[state],
  };
  const ready = readyUnlessBusy(input) ?? {
    ...running,
    type: 'Ready',
    message: messageOf(status.error) ?? running.message,
  };
  return settledConditions(
    [running, ready, ...busyConditions(input), ...(input.more ?? [])],
    status.conditions ?? [],
    input,
  );
}

/** The Apache operator's reasons and messages for the JobManager of a session cluster. */
const SESSION_CLUSTER: Readonly<Record<NonNullable<FlinkDeploymentStatus['jobManagerDeploymentStatus']>, Told>> = {
  READY: { reason: 'JobManagerReady', message: 'JobManager is running and ready to receive REST API calls' },
  DEPLOYED_NOT_READY: {
    reason: 'DeployedNotReady',
    message: 'JobManager is running but not ready yet to receive REST API calls',
  },
  DEPLOYING: { reason: 'JobManagerIsDeploying', message: 'JobManager process is starting up' },
  MISSING: { reason: 'JobManagerDeploymentMissing', message: 'JobManager deployment not found' },
  ERROR: {
    reason: 'Error',
    message: 'Deployment in terminal error, requires spec change for reconciliation to continue',
  },
};

/** `Reconciling` and `Stalled`, which are True while something is out of the ordinary. */
export function busyConditions({ progress, stalled }: Pick<ConditionInput, 'progress' | 'stalled'>): ConditionDraft[] {
  const none: Told = { reason: 'None', message: '' };
  return [
    { type: 'Reconciling', status: progress && !stalled ? 'True' : 'False', ...((!stalled && progress) || none) },
    { type: 'Stalled', status: stalled ? 'True' : 'False', ...(stalled ?? none) },
  ];
}

/** `Ready` of something that is stalled or on its way; undefined when its own state has to say. */
export function readyUnlessBusy({
  progress,
  stalled,
}: Pick<ConditionInput, 'progress' | 'stalled'>): ConditionDraft | undefined {
  const because = stalled ?? progress;
  return because === undefined ? undefined : { type: 'Ready', status: 'False', ...because };
}

/**
 * Drafts as they are recorded: a transition has the time of this pass only when the status changes, so that nothing is
 * written while nothing changes; each says of which generation it speaks. Types that are no longer drafted go.
 */
export function settledConditions(
  drafts: readonly ConditionDraft[],
  recorded: readonly Condition[],
  { generation, now }: Pick<ConditionInput, 'generation' | 'now'>,
): Condition[] {
  return drafts.map(({ type, status, reason, message }) => {
    const previous = recorded.find((condition) => condition.type === type);
    const since = previous?.status === status ? previous.lastTransitionTime : undefined;
    return {
      type,
      status,
      reason,
      message,
      observedGeneration: generation,
      lastTransitionTime: typeof since === 'string' ? since : new Date(now).toISOString(),
    };
  });
}

/** Longest summary; a line of `kubectl get` should stay one line. */
const SUMMARY_LENGTH = 120;

/** The one line of `status.summary`: what `Ready` says, unless a condition that is True out of the ordinary says more. */
export function summaryOf(conditions: readonly Condition[]): string {
  const drifted = conditions.find((one) => one.type === 'Drifted' && one.status === 'True');
  const ready = conditions.find((one) => one.type === 'Ready');
  const told = ready?.status === 'True' ? (drifted ?? ready) : ready;
  const line = (told?.message ?? told?.reason ?? '').replaceAll(/\s+/g, ' ').trim();
  return line.length <= SUMMARY_LENGTH ? line : `${line.slice(0, SUMMARY_LENGTH - 1)}…`;
}

function runningCondition(status: JobResourceStatus): ConditionDraft {
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

const AT_REST: readonly (LifecycleState | null | undefined)[] = ['SUSPENDED'];

function jobReady(status: JobResourceStatus, input: ConditionInput): ConditionDraft {
  const type = 'Ready';
  const busy = readyUnlessBusy(input);
  if (busy !== undefined) return busy;
  if (AT_REST.includes(status.lifecycleState)) {
    return { type, status: 'True', reason: 'Suspended', message: 'The job is suspended, as wanted.' };
  }
  const state = status.jobStatus?.state ?? undefined;
  if (state === 'RUNNING' || state === 'FINISHED') {
    return { type, status: 'True', reason: capitalised(state), message: `The job is ${state}.` };
  }
  const message = messageOf(status.error) ?? `The job is ${state ?? 'not there yet'}.`;
  return { type, status: 'False', reason: capitalised(state), message };
}

/** States in which Flink does not say whether tasks run. */
const UNCERTAIN: readonly (JobState | undefined)[] = ['RECONCILING', undefined];

/**
 * Whether the job runs. Unlike `Running` it is Unknown while a job that was started cannot be asked, so that a wait for
 * its end is not fooled by a JobManager that does not answer.
 */
function jobRunning(status: JobResourceStatus): ConditionDraft {
  const type = 'JobRunning';
  const state = status.jobStatus?.state ?? undefined;
  const started = typeof status.jobStatus?.jobId === 'string';
  if (state === 'RUNNING')
    return { type, status: 'True', reason: 'Running', message: 'Flink reports the job as RUNNING.' };
  if (started && UNCERTAIN.includes(state) && !AT_REST.includes(status.lifecycleState)) {
    return { type, status: 'Unknown', reason: 'NotObserved', message: 'Flink has not told the state of the job yet.' };
  }
  if (state === undefined) return { type, status: 'False', reason: 'NotStarted', message: 'No job has been started.' };
  return { type, status: 'False', reason: capitalised(state), message: `Flink reports the job as ${state}.` };
}

/** What `Stalled` says of a spec that is not acted on: what is wrong, what to do, with code and place, and that nothing was done. */
function refusalMessage(
  invalid: string,
  problem: { readonly code: string; readonly path: string; readonly nextStep: string } | undefined,
  runs: boolean,
): string {
  // The Apache operator's messages end with or without a full stop.
  const what = /[.!?]$/.test(invalid) ? invalid : `${invalid}.`;
  const next = problem === undefined ? 'Correct the spec.' : `${problem.nextStep} [${problem.code} at ${problem.path}]`;
  return `${what} ${next}${runs ? ' The running job is not touched.' : ''}`;
}

/** What is known about why nothing will be done before somebody changes something. */
export interface StalledInput {
  /** What was decided. */
  readonly stalled: Told | undefined;
  readonly invalid: string | undefined;
  /** What is wrong with an invalid spec, with its code and place. */
  readonly problem: () => Parameters<typeof refusalMessage>[1];
  /** Something was started before. */
  readonly runs: boolean;
}

/** Why nothing will be done before somebody changes something; undefined: something will. */
export function stalledBecause(status: JobResourceStatus, input: StalledInput): Told | undefined {
  const { stalled, invalid, problem, runs } = input;
  if (stalled !== undefined) return stalled;
  if (invalid !== undefined) return { reason: 'ValidationError', message: refusalMessage(invalid, problem(), runs) };
  if (status.lifecycleState !== 'FAILED') return undefined;
  return { reason: 'JobFailed', message: messageOf(status.error) ?? 'The job failed.' };
}
