import type { CurrentOperation } from '../job/operation.ts';
import { ERROR_TYPES, errorText } from '../job/resource-error.ts';
import { recordedStatePath } from '../job/status.ts';
import { after, inTransition, WATCHED } from '../job/wake-up.ts';
import { isSuspended, type RetryPolicy, type SessionJobContext, type SessionJobOutcome } from './context.ts';
import type { SessionJobStep } from './plan.ts';
import { missingForFlink, missingForStart, waitFor } from './readiness.ts';
import { runRequest } from './run-request.ts';
import { wantsAnotherStart } from './spec-change.ts';
import { restoreMode, started, startInstead, suspended, uploading } from './start.ts';
import type { FailedSubmission, Submission } from './submissions.ts';

/**
 * Goes on with a start that is recorded. While the jar is on its way (`deploying`) nothing can have been started; the run
 * itself (`submitting`) is recorded with the jar it runs. In both, a job that Flink lists under the recorded id is the one
 * that was to be started, whoever asked for it last.
 */
export function continueSubmitting(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const missing = missingForFlink(context);
  if (missing !== undefined) return waitFor(context, missing);
  if (context.job.kind === 'found' || context.job.kind === 'end-not-understood') return submitted(context, operation);
  const submission = context.world.submission;
  const own = submission?.operationId === operation.id ? submission : undefined;
  return operation.phase === 'submitting' ? run(context, operation, own) : upload(context, operation, own);
}

/** The jar has done its work: the job has its own copy. */
function submitted(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const jarId = operation.phase === 'submitting' ? operation.triggerId : undefined;
  const done = started(context);
  if (typeof jarId !== 'string') return { status: done, wakeUp: after(0) };
  return {
    status: context.status,
    steps: [{ kind: 'delete-jar', jarId }],
    settled: done,
    progress: STARTING,
    wakeUp: after(0),
  };
}

const STARTING = { reason: 'StartingJob', message: 'The jar is being run.' };

function upload(
  context: SessionJobContext,
  operation: CurrentOperation,
  submission: Submission | undefined,
): SessionJobOutcome {
  if (isSuspended(context.wanted.spec)) {
    return withoutJar(suspended(context, restoreMode(context, recordedMode(context))), submission);
  }
  if (wantsAnotherStart(context)) return withoutJar(startInstead(context, operation), submission);
  const missing = missingForStart(context);
  if (missing !== undefined) return waitFor(context, missing);
  switch (submission?.kind) {
    case 'uploading':
      return {
        status: context.status,
        progress: { reason: 'UploadingJar', message: 'The jar is being brought to the session cluster.' },
        wakeUp: WATCHED,
      };
    case 'uploaded': {
      const submitting: CurrentOperation = { ...operation, phase: 'submitting', triggerId: submission.jarId };
      return running({ ...context, status: { ...context.status, operation: submitting } }, submitting);
    }
    case 'failed':
      return retried(context, submission, () => uploading(context, operation));
    default:
      return uploading(context, operation);
  }
}

/** A jar that was brought for a start that is not wanted any more. */
function withoutJar(outcome: SessionJobOutcome, submission: Submission | undefined): SessionJobOutcome {
  if (submission?.kind !== 'uploaded') return outcome;
  return { ...outcome, steps: [{ kind: 'delete-jar', jarId: submission.jarId }, ...(outcome.steps ?? [])] };
}

function recordedMode({ recorded }: SessionJobContext) {
  return recorded?.spec.job?.upgradeMode ?? 'stateless';
}

/** Begins, or begins again, to run the recorded jar. */
function running(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const { recorded, wanted, options, status, config } = context;
  const mode = recordedMode(context);
  const step: SessionJobStep = {
    kind: 'run-jar',
    run: {
      operationId: operation.id,
      jarId: operation.triggerId ?? '',
      request: runRequest({ ...wanted, spec: recorded?.spec ?? wanted.spec }, options, {
        jobId: operation.target ?? '',
        savepointPath: mode === 'stateless' ? undefined : recordedStatePath(status),
      }),
      timeoutMs: config.submissionTimeoutMs,
    },
  };
  return { status, steps: [step], progress: STARTING, wakeUp: WATCHED };
}

function run(
  context: SessionJobContext,
  operation: CurrentOperation,
  submission: Submission | undefined,
): SessionJobOutcome {
  switch (submission?.kind) {
    case 'accepted':
      return submitted(context, operation);
    case 'running':
      return { status: context.status, progress: STARTING, wakeUp: WATCHED };
    case 'failed':
      return submission.stage === 'run' && submission.certain
        ? refused(context, operation, submission)
        : retried(context, submission, () => running(context, operation));
    default:
      return running(context, operation);
  }
}

/** Flink did not start the job and says why: everything from the jar on is tried again, so that a mended jar or spec heals it. */
function refused(
  context: SessionJobContext,
  operation: CurrentOperation,
  submission: FailedSubmission,
): SessionJobOutcome {
  const { triggerId: jarId, ...rest } = operation;
  const back: CurrentOperation = { ...rest, phase: 'deploying' };
  const told = retried({ ...context, status: { ...context.status, operation: back } }, submission, undefined);
  return typeof jarId === 'string' ? { ...told, steps: [{ kind: 'delete-jar', jarId }] } : told;
}

/** Tells of a failed attempt, and makes the next one when its time has come. */
function retried(
  context: SessionJobContext,
  submission: FailedSubmission,
  again: (() => SessionJobOutcome) | undefined,
): SessionJobOutcome {
  const { now, config, status } = context;
  const { message, attempts } = submission;
  const dueAt = submission.at + retryDelayMs(attempts, config.retry);
  const error = errorText({ type: ERROR_TYPES.reconciliation, message }, config.errorLimits);
  const isNew = context.world.sessionJob.status?.error !== error;
  const told: Pick<SessionJobOutcome, 'progress' | 'events'> = {
    progress: { reason: 'SubmissionFailed', message: `${message} Attempt ${attempts} failed; it is tried again.` },
    events: isNew ? [{ type: 'Warning', reason: 'Error', message, component: 'Job' }] : [],
  };
  const withError = { ...status, error };
  if (again === undefined || now < dueAt)
    return { status: withError, ...told, wakeUp: after(Math.max(0, dueAt - now)) };
  const next = again();
  return { ...next, ...told, status: { ...next.status, error }, wakeUp: inTransition(0) };
}

/** The pause after so many failed attempts. */
export function retryDelayMs(attempts: number, { firstMs, factor, capMs }: RetryPolicy): number {
  return Math.min(capMs, firstMs * factor ** Math.max(0, attempts - 1));
}
