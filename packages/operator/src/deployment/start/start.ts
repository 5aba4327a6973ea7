import type { FlinkDeploymentSpec, FlinkDeploymentStatus, UpgradeMode } from '@drey/api';
import { executionOptions } from '@drey/flink';
import { changeEvent } from '../../job/change-event.ts';
import { withRetiredCheckpoint } from '../../job/known-checkpoint.ts';
import { beginOperation, type CurrentOperation, elapsedMs } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { withRecord, withRollbackRecord } from '../../job/record.ts';
import { deployedSpec, isRolledBack, lastReconciled } from '../../job/recorded-spec.ts';
import { ERROR_TYPES, errorText } from '../../job/resource-error.ts';
import { LAST_STATE_MARKER, recordedStatePath, withJob, withJobState, withoutOperation } from '../../job/status.ts';
import { MANUAL_RESTORE } from '../../job/upgrade-choice.ts';
import { after, inTransition } from '../../job/wake-up.ts';
import { type Context, isSuspended, jobOf, type Outcome } from '../context.ts';
import { taskManagerInfo } from '../observation/task-manager-info.ts';
import type { ClusterToCreate, Step } from '../plan.ts';
import { withoutHealth } from '../recovery/health.ts';
import { STARTING_JOB_MANAGER } from '../rest.ts';
import { specChange } from '../upgrade/spec-change.ts';
import type { HaMetadata } from '../world.ts';
import { nameTaken } from './foreign-cluster.ts';
import { formerResults, withStartRecorded } from './result-stores.ts';

const SUBMIT: PlannedEvent = {
  type: 'Normal',
  reason: 'Submit',
  message: 'Starting deployment',
  component: 'JobManagerDeployment',
};

/**
 * Records the start of the wanted spec, then creates its cluster. Called when nothing of an older cluster is left.
 * `restore` says where the state comes from: a path in the status (savepoint), the HA metadata (last-state), nowhere.
 */
export function startCluster(
  context: Context,
  operation: CurrentOperation,
  restore: UpgradeMode,
  firstDeployment = false,
): Outcome {
  const source = stateSource(context, restore);
  if (source.kind === 'wait') {
    return {
      status: context.status,
      wakeUp: inTransition(elapsedMs(operation, context.now)),
      progress: source.progress,
    };
  }
  if (source.kind === 'lost') return restoreFailed(context, source.message);
  const deploying: CurrentOperation = { ...operation, phase: 'deploying', target: source.jobId };
  const kind = 'FlinkDeployment';
  const { now } = context;
  const recorded =
    operation.kind === 'rollback'
      ? withRollbackRecord(context.status, { kind, upgradeMode: restore, state: 'ROLLING_BACK', now })
      : withRecord(context.status, {
          kind,
          spec: context.wanted.spec,
          generation: context.generation,
          jobState: 'suspended',
          upgradeMode: restore,
          firstDeployment,
          state: 'UPGRADING',
          now,
        });
  const status: FlinkDeploymentStatus = {
    ...withJob(withRetiredCheckpoint(withoutHealth(recorded)), {
      jobId: source.jobId,
      upgradeSavepointPath: source.upgradeSavepointPath,
    }),
    jobManagerDeploymentStatus: 'MISSING',
    operation: deploying,
  };
  // What was changed while the old cluster was removed is told here; before, the beginning of the upgrade told it.
  const changed = context.status.observedGeneration === context.generation ? [] : changeEvent(context);
  const complete = withStartRecorded(context, status, deploying);
  return createRecorded({ ...context, status: complete }, deploying, source.steps, [...changed, SUBMIT]);
}

/**
 * Creates the cluster that the status records, or completes a creation that was interrupted: everything it needs is in
 * the status, and creating is repeatable under the operation's id.
 */
export function createRecorded(
  context: Context,
  operation: CurrentOperation,
  before: readonly Step[] = [],
  events: readonly PlannedEvent[] = [],
): Outcome {
  const { status, wanted } = context;
  const jobId = status.jobStatus?.jobId ?? context.world.fresh.jobId;
  const spec = deployedSpec(status)?.spec ?? wanted.spec;
  const generation = status.observedGeneration ?? context.generation;
  const mode = lastReconciled(status)?.spec.job?.upgradeMode ?? 'stateless';
  const former = formerResults(context, operation);
  const cluster: ClusterToCreate = {
    // The recorded mode says where the state comes from; how it will be carried on is the user's choice.
    deployment: { ...wanted, spec: started(spec, jobOf(wanted.spec).upgradeMode ?? 'stateless') },
    operationId: operation.id,
    jobId,
    savepointPath: startPath(status, mode),
    generation,
    ...(former.length > 0 && { formerResultStores: former }),
  };
  return {
    status,
    steps: [...before, { kind: 'create-cluster', cluster }],
    settled: deployed(context, mode, generation),
    events,
    progress: { reason: 'CreatingCluster', message: 'Creating the JobManager.' },
    settledProgress: STARTING_JOB_MANAGER,
    wakeUp: after(0),
  };
}

/** What the status says once the cluster is created. */
function deployed(context: Context, mode: UpgradeMode, generation: number): FlinkDeploymentStatus {
  const { status, wanted, now } = context;
  const recorded = lastReconciled(status);
  const kind = 'FlinkDeployment';
  const rolledBack = isRolledBack(status);
  const record = rolledBack
    ? withRollbackRecord(status, { kind, upgradeMode: mode, state: 'ROLLED_BACK', now })
    : withRecord(status, {
        kind,
        spec: started(recorded?.spec ?? wanted.spec),
        generation,
        jobState: 'running',
        upgradeMode: mode,
        firstDeployment: recorded?.firstDeployment ?? false,
        state: 'DEPLOYED',
        now,
      });
  const running = withJobState(withoutOperation(record), 'RECONCILING', now);
  // After a redeployment there is nothing to roll back to: what ran before is not what the user wants any more.
  const { reconciliationStatus } = running;
  const redeployed = status.operation?.kind === 'redeploy' && reconciliationStatus;
  const stable = redeployed && { lastStableSpec: redeployed.lastReconciledSpec ?? null };
  return {
    ...running,
    reconciliationStatus: { ...reconciliationStatus, ...stable },
    jobManagerDeploymentStatus: 'DEPLOYING',
    taskManager: taskManagerInfo(wanted, rolledBack ? context.runningOptions : context.options),
  };
}

function started(spec: FlinkDeploymentSpec, upgradeMode = spec.job?.upgradeMode): FlinkDeploymentSpec {
  return { ...spec, job: { ...spec.job, state: 'running', ...(upgradeMode && { upgradeMode }) } };
}

/** The path in the configuration of the new cluster. */
export function startPath(status: FlinkDeploymentStatus, mode: UpgradeMode): string | undefined {
  if (mode === 'stateless') return undefined;
  if (mode === 'savepoint') return recordedStatePath(status);
  // With HA metadata Flink looks there first; the path counts as long as the job has no checkpoint of its own.
  return status.jobStatus?.upgradeSavepointPath ?? undefined;
}

type StateSource =
  | {
      readonly kind: 'known';
      readonly jobId: string;
      readonly upgradeSavepointPath: string | null;
      readonly steps: readonly Step[];
    }
  | { readonly kind: 'wait'; readonly progress: { readonly reason: string; readonly message: string } }
  | { readonly kind: 'lost'; readonly message: string };

function stateSource(context: Context, restore: UpgradeMode): StateSource {
  const recordedPath = context.status.jobStatus?.upgradeSavepointPath ?? null;
  const given = context.options.get(executionOptions.pipelineJobId);
  const jobId = given ?? context.world.fresh.jobId;
  if (restore === 'savepoint' && recordedPath === LAST_STATE_MARKER) {
    return {
      kind: 'lost',
      message: `The state that the job left is no longer known. ${MANUAL_RESTORE} ${RESTORE_HOW}`,
    };
  }
  if (restore === 'stateless') return { kind: 'known', jobId, upgradeSavepointPath: null, steps: [] };
  if (restore === 'savepoint') return { kind: 'known', jobId, upgradeSavepointPath: recordedPath, steps: [] };
  const { ha } = context.world;
  if (!ha.known) {
    return { kind: 'wait', progress: { reason: 'ReadingHaMetadata', message: `HA metadata: ${ha.reason}.` } };
  }
  if (!ha.value.available) {
    return { kind: 'lost', message: `HA metadata is not available. ${MANUAL_RESTORE} ${RESTORE_HOW}` };
  }
  if (!ha.value.hasCheckpoint && recordedPath === LAST_STATE_MARKER) {
    return {
      kind: 'lost',
      message: `HA metadata is not available with its checkpoint. ${MANUAL_RESTORE} ${RESTORE_HOW}`,
    };
  }
  const steps = jobGraphSteps(ha.value);
  return {
    kind: 'known',
    jobId: context.status.jobStatus?.jobId ?? jobId,
    upgradeSavepointPath: ha.value.hasCheckpoint ? LAST_STATE_MARKER : recordedPath,
    steps,
  };
}

/** Stored job graphs would bring back the old settings of the job, so they go before it is started with new ones. */
export function jobGraphSteps(ha: HaMetadata): readonly Step[] {
  const configMaps = ha.configMaps
    .filter((map) => map.jobGraphKeys.length > 0)
    .map(({ name, resourceVersion, jobGraphKeys }) => ({ name, resourceVersion, keys: jobGraphKeys }));
  const { zooKeeper } = ha;
  const paths = zooKeeper?.jobGraphs ?? [];
  return [
    ...(configMaps.length > 0 ? [{ kind: 'remove-job-graphs' as const, configMaps }] : []),
    ...(zooKeeper !== undefined && paths.length > 0
      ? [{ kind: 'delete-zookeeper-nodes' as const, quorum: zooKeeper.quorum, paths }]
      : []),
  ];
}

const RESTORE_HOW =
  'Set job.initialSavepointPath to the newest savepoint or checkpoint and change job.savepointRedeployNonce.';

function restoreFailed(context: Context, message: string): Outcome {
  const error = errorText({ type: ERROR_TYPES.upgrade, message }, context.config.errorLimits);
  const isNew = context.status.error !== error;
  return {
    status: { ...context.status, error, jobManagerDeploymentStatus: 'MISSING' },
    stalled: { reason: 'RestoreFailed', message },
    events: isNew ? [{ type: 'Warning', reason: 'RestoreFailed', message, component: 'JobManagerDeployment' }] : [],
    wakeUp: { kind: 'after', ms: context.config.restIntervalMs, jitter: true },
  };
}

/** How the wanted spec's mode and the mode in which the job was brought down meet. */
export function restoreMode(context: Context, recordedMode: UpgradeMode): UpgradeMode {
  return (jobOf(context.wanted.spec).upgradeMode ?? 'stateless') === 'stateless' ? 'stateless' : recordedMode;
}

/**
 * Goes on with creating a cluster whose start is recorded. A spec that was changed before anything was created is started
 * instead of the recorded one, as another operation.
 */
export function continueDeploying(context: Context, operation: CurrentOperation): Outcome {
  const { world, status, wanted } = context;
  const wait: Outcome = {
    status,
    progress: { reason: 'CreatingCluster', message: 'Creating the JobManager.' },
    wakeUp: inTransition(elapsedMs(operation, context.now)),
  };
  const existing = withExistingCluster(context, operation, { wait, create: () => createRecorded(context, operation) });
  if (existing !== undefined) return existing;
  if (!world.remains.known || world.remains.value.deployment) return wait;
  const recorded = lastReconciled(status);
  const mode = recorded?.spec.job?.upgradeMode ?? 'stateless';
  const change = recorded === undefined ? undefined : specChange(started(recorded.spec), wanted.spec);
  if (change !== undefined && change.type !== 'IGNORE' && !isSuspended(wanted.spec)) {
    const kind = operation.kind === 'rollback' ? 'upgrade' : operation.kind;
    const renewed = beginOperation(context, kind, 'deploying');
    return startCluster(context, renewed, restoreMode(context, mode), recorded?.firstDeployment ?? false);
  }
  if (mode !== 'last-state') return createRecorded(context, operation);
  return world.ha.known ? createRecorded(context, operation, jobGraphSteps(world.ha.value)) : wait;
}

/**
 * What is done about a start where a JobManager is there already, or nobody knows whether one is: only one that this very
 * operation made is gone on with. undefined: there is none.
 */
export function withExistingCluster(
  context: Context,
  operation: CurrentOperation,
  { wait, create }: { readonly wait: Outcome; readonly create: () => Outcome },
): Outcome | undefined {
  const { world, wanted } = context;
  if (!world.jobManager.known) return wait;
  const existing = world.jobManager.value;
  if (existing === undefined) return undefined;
  if (existing.ownerUid !== wanted.metadata.uid) return nameTaken(context);
  if (existing.deleting) return wait;
  // A cluster of an operation that was given up: it has to go before this one is created.
  if (existing.operationId !== operation.id) return { ...wait, status: removingAgain(context, operation) };
  return create();
}

/**
 * The status of a start that goes back to removing. It is another operation: what an older leader may be creating under the
 * id of the start has to be removed too.
 */
function removingAgain({ world, status }: Context, operation: CurrentOperation): Context['status'] {
  const { fresh, epoch } = world;
  return { ...status, operation: { ...operation, id: fresh.operationId, epoch, phase: 'removing' } };
}

/**
 * A start that the Apache operator recorded and made, but died before saying so: the Deployment carries the generation
 * that the record names.
 */
export function isAlreadyDeployed(context: Context): boolean {
  const { status, world, wanted } = context;
  const existing = world.jobManager.known ? world.jobManager.value : undefined;
  return (
    existing !== undefined &&
    !existing.deleting &&
    existing.ownerUid === wanted.metadata.uid &&
    status.jobManagerDeploymentStatus === 'MISSING' &&
    existing.generation === String(status.observedGeneration)
  );
}

/** Records such a start as made. */
export function adoptDeployed(context: Context): Outcome {
  const { status, generation } = context;
  const mode = lastReconciled(status)?.spec.job?.upgradeMode ?? 'stateless';
  return { status: deployed(context, mode, status.observedGeneration ?? generation), wakeUp: after(0) };
}
