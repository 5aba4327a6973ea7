import { type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { keyOf } from '@drey/kube';
import { currentOperation } from '../job/operation.ts';
import { primaryWrites } from '../job/primary-writes.ts';
import { performRescale } from '../job/rescale.ts';
import { sessionClusterName } from '../job/session-cluster-name.ts';
import { isSnapshotStep, performSnapshotStep } from '../job/snapshots/steps.ts';
import { sameStatus } from '../job/status.ts';
import { StepError } from '../job/step-error.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import { FINALIZER } from './deletion.ts';
import type { SessionJobPlan, SessionJobStep } from './plan.ts';
import type { Submissions } from './submissions.ts';

/** How long Flink may take to accept a request; what it was asked for goes on behind it. */
const REQUEST_TIMEOUT_MS = 10_000;
/** A jar that is not deleted is a file too many, no more: nothing waits for it. */
const DELETE_JAR_TIMEOUT_MS = 2_000;

export interface ActOptions {
  readonly signal: AbortSignal;
  /** The session cluster; undefined when it does not serve. */
  readonly flink: FlinkCluster | undefined;
  readonly submissions: Submissions;
}

/**
 * Carries out a plan. The status is written before the first step, with the resource version it was decided on; when there
 * is nothing to write, a fresh read makes sure that the decision was not made on an old one. Rejects with a KubeError or a
 * {@link StepError}; whatever was done until then is recorded, and the next pass goes on from there.
 */
export async function act(
  env: Env,
  sessionJob: FlinkSessionJob,
  plan: SessionJobPlan,
  options: ActOptions,
): Promise<void> {
  const kind = { resource: FlinkSessionJobs, cache: env.caches.sessionJobs, finalizer: FINALIZER };
  const writes = primaryWrites(env, kind, options.signal);
  let current = sessionJob;
  const [first, ...others] = plan.steps;
  if (first?.kind === 'add-finalizer') current = await writes.addFinalizer(current);
  const steps = first?.kind === 'add-finalizer' ? others : plan.steps;
  if (!sameStatus(sessionJob.status, plan.status)) current = await writes.writeStatus(current, plan.status);
  else if (steps.length > 0) await writes.confirm(current);
  for (const step of steps) {
    options.signal.throwIfAborted();
    if (step.kind === 'remove-finalizer') await writes.removeFinalizer(current);
    else await perform(env, current, step, options);
    env.metrics.steps.inc({ kind: sessionJob.kind, step: step.kind });
  }
  if (plan.settled !== undefined) await writes.writeStatus(current, plan.settled);
}

/**
 * Whether the cluster began to go since the decision. High availability brings the job back then; one that is stopped just
 * before its JobManager dies would leave a savepoint whose place nobody was told.
 */
function isClusterGoing({ caches }: Env, { metadata, ...job }: FlinkSessionJob): boolean {
  const { namespace } = metadata;
  const name = sessionClusterName(job);
  const phase = currentOperation(caches.flinkDeployments.get(namespace, name)?.status?.operation)?.phase;
  const jobManager = caches.deployments.get(namespace, name);
  return phase === 'removing' || phase === 'deploying' || jobManager?.metadata.deletionTimestamp !== undefined;
}

type OtherStep = Exclude<SessionJobStep, { kind: 'remove-finalizer' }>;

async function perform(env: Env, sessionJob: FlinkSessionJob, step: OtherStep, options: ActOptions): Promise<void> {
  const { flink, submissions, signal } = options;
  const call = (timeoutMs: number): FlinkCall => ({ timeoutMs, signal });
  if (isSnapshotStep(step)) {
    await performSnapshotStep(env, sessionJob, step, { signal, flink });
    return;
  }
  switch (step.kind) {
    case 'add-finalizer':
      throw new StepError('E_OPERATOR_PLAN', 'A finalizer is added before everything else, or not at all.');
    case 'stop-with-savepoint': {
      if (isClusterGoing(env, sessionJob)) {
        throw new StepError('E_OPERATOR_OUTDATED', 'The session cluster is being replaced meanwhile.');
      }
      // A refusal is for people to see; no answer is not, since the next pass finds out what came of the request.
      const answer = await flink?.stopWithSavepoint(step.request, call(REQUEST_TIMEOUT_MS));
      if (answer?.kind === 'rejected') {
        throw new StepError('E_OPERATOR_SAVEPOINT_REFUSED', `Flink refused the savepoint: ${answer.message}`);
      }
      return;
    }
    case 'cancel-job':
      await flink?.cancel(step.jobId, call(REQUEST_TIMEOUT_MS));
      return;
    case 'rescale-job':
      return performRescale(flink, step, call(REQUEST_TIMEOUT_MS));
    case 'upload-jar':
      if (flink !== undefined) submissions.upload(keyOf(sessionJob), step.upload, flink);
      return;
    case 'run-jar':
      if (flink !== undefined) submissions.run(keyOf(sessionJob), step.run, flink);
      return;
    case 'delete-jar':
      await flink?.deleteJar(step.jarId, call(DELETE_JAR_TIMEOUT_MS));
  }
}
