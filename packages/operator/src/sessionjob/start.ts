import type { FlinkSessionJobStatus, UpgradeMode } from '@drey/api';
import { jarName } from '../artifact/artifact-uri.ts';
import { beginOperation, type CurrentOperation } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { withRecord } from '../job/record.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { ERROR_TYPES, errorText } from '../job/resource-error.ts';
import { LAST_STATE_MARKER, recordedStatePath, withJob, withJobState, withoutOperation } from '../job/status.ts';
import { MANUAL_RESTORE } from '../job/upgrade-choice.ts';
import { after, WATCHED } from '../job/wake-up.ts';
import { isSuspended, jobOf, type SessionJobContext, type SessionJobOutcome, wantedMode } from './context.ts';
import type { SessionJobStep } from './plan.ts';
import { missingForStart, waitFor } from './readiness.ts';

const SUBMIT: PlannedEvent = { type: 'Normal', reason: 'Submit', message: 'Starting deployment', component: 'Job' };

/**
 * The very first start. The user's upgrade mode does not matter yet: the job starts from `initialSavepointPath`, else from
 * empty state.
 */
export function firstStart(context: SessionJobContext): SessionJobOutcome {
  const { wanted, status } = context;
  if (isSuspended(wanted.spec)) return { status, wakeUp: WATCHED };
  const missing = missingForStart(context);
  if (missing !== undefined) return waitFor(context, missing);
  return startFirst(context, beginOperation(context, 'deploy', 'deploying'));
}

function startFirst(context: SessionJobContext, operation: CurrentOperation, jobId?: string): SessionJobOutcome {
  const path = jobOf(context.wanted.spec).initialSavepointPath ?? '';
  const given = withJob(context.status, { upgradeSavepointPath: path === '' ? null : path });
  return startJob({ ...context, status: given }, operation, path === '' ? 'stateless' : 'savepoint', true, jobId);
}

/**
 * Records the start of the wanted spec under a job id, then begins to bring its jar to Flink. `restore` says where the state
 * comes from: the path in the status (savepoint), or nowhere. Called when no job of this object runs.
 */
export function startJob(
  context: SessionJobContext,
  operation: CurrentOperation,
  restore: UpgradeMode,
  firstDeployment = false,
  jobId: string = context.world.fresh.jobId,
): SessionJobOutcome {
  const path = restore === 'stateless' ? undefined : recordedStatePath(context.status);
  if (path === LAST_STATE_MARKER) return restoreFailed(context);
  const recorded = withRecord(context.status, {
    kind: 'FlinkSessionJob',
    spec: context.wanted.spec,
    generation: context.generation,
    jobState: 'suspended',
    upgradeMode: restore,
    firstDeployment,
    state: 'UPGRADING',
    now: context.now,
  });
  const named = withJob(recorded, { jobId, upgradeSavepointPath: path ?? null });
  const status: FlinkSessionJobStatus = {
    ...withJobState(named, 'RECONCILING', context.now),
    operation: { ...operation, phase: 'deploying', target: jobId },
  };
  const starting: SessionJobContext = { ...context, status };
  const missing = missingForStart(starting);
  const begun =
    missing === undefined ? uploading(starting, { ...operation, target: jobId }) : waitFor(starting, missing);
  return { ...begun, events: [SUBMIT] };
}

/** Begins, or begins again, to bring the jar of the recorded spec to Flink. */
export function uploading(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const { config, options, wanted } = context;
  const uri = recordedJar(context);
  const step: SessionJobStep = {
    kind: 'upload-jar',
    upload: {
      operationId: operation.id,
      uri,
      name: uri === undefined ? 'empty.jar' : jarName(uri),
      access: config.artifactAccess(wanted, options),
      timeoutMs: config.submissionTimeoutMs,
    },
  };
  return {
    status: context.status,
    steps: [step],
    progress: { reason: 'UploadingJar', message: 'The jar is being brought to the session cluster.' },
    wakeUp: WATCHED,
  };
}

function recordedJar({ status, wanted }: SessionJobContext): string | undefined {
  const spec = lastReconciled<'FlinkSessionJob'>(status)?.spec ?? wanted.spec;
  const uri = jobOf(spec).jarURI;
  return uri === null || uri === '' ? undefined : uri;
}

/** What the status says once Flink has the job. */
export function started(context: SessionJobContext): FlinkSessionJobStatus {
  const { status, wanted, now } = context;
  const recorded = lastReconciled<'FlinkSessionJob'>(status);
  const spec = recorded?.spec ?? wanted.spec;
  const record = withRecord(status, {
    kind: 'FlinkSessionJob',
    spec: { ...spec, job: { ...spec.job, state: 'running' } },
    generation: status.observedGeneration ?? context.generation,
    jobState: 'running',
    upgradeMode: spec.job?.upgradeMode ?? 'stateless',
    firstDeployment: recorded?.firstDeployment ?? false,
    state: 'DEPLOYED',
    now,
  });
  return withoutOperation(record);
}

/** How the wanted spec's mode and the mode in which the job was brought down meet. */
export function restoreMode(context: SessionJobContext, recordedMode: UpgradeMode): UpgradeMode {
  return wantedMode(context.wanted.spec) === 'stateless' ? 'stateless' : recordedMode;
}

/**
 * The wanted spec differs from the one whose start is recorded, and nothing can have been started yet: the newer one is
 * started instead, under the same job id, so that whatever Flink may still do, one job comes of it.
 */
export function startInstead(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const { status } = context;
  const recorded = lastReconciled<'FlinkSessionJob'>(status);
  const renewed = beginOperation(context, operation.kind, 'deploying', operation.target);
  const mode = recorded?.spec.job?.upgradeMode ?? 'stateless';
  const jobId = operation.target ?? context.world.fresh.jobId;
  if (recorded?.firstDeployment === true && operation.kind === 'deploy') return startFirst(context, renewed, jobId);
  return startJob(context, renewed, restoreMode(context, mode), recorded?.firstDeployment ?? false, jobId);
}

/** Records that the job is suspended as wanted, with what its next start begins from. */
export function suspended(context: SessionJobContext, restore: UpgradeMode): SessionJobOutcome {
  const status = withRecord(withoutOperation(context.status), {
    kind: 'FlinkSessionJob',
    spec: context.wanted.spec,
    generation: context.generation,
    jobState: 'suspended',
    upgradeMode: restore,
    firstDeployment: false,
    state: 'DEPLOYED',
    now: context.now,
  });
  return { status: withJob(status, { jobId: null }), wakeUp: after(0) };
}

const RESTORE_HOW =
  'Set job.initialSavepointPath to the newest savepoint or checkpoint and change job.savepointRedeployNonce.';

/** The state of the job is not known, and a start without it would lose it: only a person can say where it is. */
export function restoreFailed(
  context: SessionJobContext,
  what = 'The state that the job left is no longer known.',
): SessionJobOutcome {
  const message = `${what} ${MANUAL_RESTORE} ${RESTORE_HOW}`;
  const error = errorText({ type: ERROR_TYPES.upgrade, message }, context.config.errorLimits);
  const isNew = context.world.sessionJob.status?.error !== error;
  return {
    status: { ...withoutOperation(context.status), error },
    stalled: { reason: 'RestoreFailed', message },
    events: isNew ? [{ type: 'Warning', reason: 'RestoreFailed', message, component: 'Job' }] : [],
    wakeUp: { kind: 'after', ms: context.config.restIntervalMs, jitter: true },
  };
}
