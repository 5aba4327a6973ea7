import type { FlinkDeploymentSpec, FlinkDeploymentStatus } from '@drey/api';
import { resourceOptions } from '@drey/flink';
import { changeEvent } from '../../job/change-event.ts';
import { beginOperation, type CurrentOperation, currentOperation, elapsedMs } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { withRecord } from '../../job/record.ts';
import { lastReconciled } from '../../job/recorded-spec.ts';
import { withoutOperation } from '../../job/status.ts';
import { after, atRest, inTransition, WATCHED } from '../../job/wake-up.ts';
import type { Context, Outcome } from '../context.ts';
import { removeCluster } from '../deletion/removal.ts';
import { withDriftRepaired } from '../drift/drift.ts';
import { changeInPlace } from '../in-place/in-place.ts';
import type { ClusterToCreate } from '../plan.ts';
import { recoverTaskManagers } from '../recovery/standalone-task-managers.ts';
import { STARTING_JOB_MANAGER } from '../rest.ts';
import { nameTaken } from '../start/foreign-cluster.ts';
import { untilValid } from '../start/missing-right.ts';
import { isAlreadyDeployed, withExistingCluster } from '../start/start.ts';
import { specChange } from '../upgrade/spec-change.ts';
import { jobsToBringDown } from './session-room.ts';

/** What to do about a session cluster that is not being deleted. */
export function sessionCluster(context: Context): Outcome {
  const operation = currentOperation(context.status.operation);
  if (operation?.phase === 'stopping') return makingRoom(context, operation);
  if (operation?.phase === 'removing') return removing(context, operation);
  if (operation?.phase === 'deploying') return deploying(context, operation);
  const idle: Context = { ...context, status: withoutOperation(context.status) };
  if (context.recorded === undefined) {
    return context.invalid === undefined ? first(idle) : { status: idle.status, wakeUp: untilValid(context) };
  }
  return settle(idle);
}

function first(context: Context): Outcome {
  const { wanted, world } = context;
  const existing = world.jobManager.known ? world.jobManager.value : undefined;
  if (existing !== undefined && existing.ownerUid !== wanted.metadata.uid) return nameTaken(context);
  const outcome = start(context, beginOperation(context, 'deploy', 'deploying'), true);
  return { ...outcome, steps: [{ kind: 'add-finalizer' }, ...(outcome.steps ?? [])] };
}

function settle(context: Context): Outcome {
  const { status, change } = context;
  if (status.reconciliationStatus?.state === 'UPGRADING') {
    return isAlreadyDeployed(context)
      ? { status: deployed(context), wakeUp: after(0) }
      : replace(context, beginOperation(context, 'upgrade', 'removing'));
  }
  if (change !== undefined && change.type !== 'IGNORE') {
    const inPlace = changeInPlace(context);
    if (inPlace !== undefined) return inPlace;
    return upgrade(context, beginOperation(context, 'upgrade', 'stopping'), changeEvent(context));
  }
  return recoverTaskManagers(context) ?? recoverJobManager(context) ?? withDriftRepaired(context, settled(context));
}

/** Replaces the cluster when its jobs are down. */
function upgrade(context: Context, operation: CurrentOperation, events: readonly PlannedEvent[] = []): Outcome {
  const waiting = jobsToBringDown(context, operation);
  return waiting === undefined ? replace(context, { ...operation, phase: 'removing' }, events) : { events, ...waiting };
}

/**
 * Jobs bring themselves down with a savepoint, for which they need TaskManagers. A change that is taken back before anything was
 * removed lets the jobs go on.
 */
function makingRoom(context: Context, operation: CurrentOperation): Outcome {
  const isPending = context.change !== undefined && context.change.type !== 'IGNORE';
  if (isPending) return recoverTaskManagers(context) ?? upgrade(context, operation);
  return settle({ ...context, status: withoutOperation(context.status) });
}

/** A JobManager Deployment that vanished is created again: the cluster has no state of its own that could be lost. */
function recoverJobManager(context: Context): Outcome | undefined {
  const { status, world, runningOptions } = context;
  if (status.jobManagerDeploymentStatus !== 'MISSING') return undefined;
  if (!world.jobManager.known || world.jobManager.value !== undefined) return undefined;
  if (!runningOptions.get(resourceOptions.jmDeploymentRecoveryEnabled)) return undefined;
  const spec = context.recorded?.spec ?? context.wanted.spec;
  const generation = status.observedGeneration ?? context.generation;
  return replace(
    { ...context, wanted: { ...context.wanted, spec }, generation },
    beginOperation(context, 'recover', 'removing'),
    [{ type: 'Warning', reason: 'RecoverDeployment', message: 'Recovering lost deployment', component: 'Job' }],
  );
}

/** Records the wanted spec and begins to remove the cluster that is to be replaced. Its HA metadata carry its jobs over. */
function replace(context: Context, operation: CurrentOperation, events: readonly PlannedEvent[] = []): Outcome {
  const status = { ...recorded(context, context.wanted.spec, 'UPGRADING', false), operation };
  const outcome = removing({ ...context, status }, operation);
  return { ...outcome, events: [...events, ...(outcome.events ?? [])] };
}

function removing(context: Context, operation: CurrentOperation): Outcome {
  const removal = removeCluster(context, operation, true);
  if (removal.kind === 'foreign') return nameTaken(context);
  if (removal.kind === 'waiting') return removal.outcome;
  return start(context, operation, false);
}

/** Records the start of the wanted spec, then creates its cluster. Called when nothing of an older cluster is left. */
function start(context: Context, operation: CurrentOperation, firstDeployment: boolean): Outcome {
  const begun: CurrentOperation = { ...operation, phase: 'deploying' };
  const status: FlinkDeploymentStatus = {
    ...recorded(context, context.wanted.spec, 'UPGRADING', firstDeployment),
    jobManagerDeploymentStatus: 'MISSING',
    operation: begun,
  };
  return create({ ...context, status }, begun);
}

/** Creates the cluster that the status records, or completes a creation that was interrupted. */
function create(context: Context, operation: CurrentOperation): Outcome {
  const { status, wanted } = context;
  const cluster: ClusterToCreate = {
    deployment: { ...wanted, spec: lastReconciled(status)?.spec ?? wanted.spec },
    operationId: operation.id,
    jobId: '',
    savepointPath: undefined,
    generation: status.observedGeneration ?? context.generation,
  };
  return {
    status,
    steps: [{ kind: 'create-cluster', cluster }],
    settled: deployed(context),
    progress: CREATING,
    settledProgress: STARTING_JOB_MANAGER,
    wakeUp: after(0),
  };
}

const CREATING = { reason: 'CreatingCluster', message: 'Creating the JobManager.' };

/** What the status says once the cluster is created. */
function deployed(context: Context): FlinkDeploymentStatus {
  const { status, wanted } = context;
  const stored = lastReconciled(status);
  const generation = status.observedGeneration ?? context.generation;
  const record = recorded(
    { ...context, generation },
    stored?.spec ?? wanted.spec,
    'DEPLOYED',
    stored?.firstDeployment ?? false,
  );
  return { ...withoutOperation(record), jobManagerDeploymentStatus: 'DEPLOYING' };
}

function recorded(
  { status, generation, now }: Pick<Context, 'status' | 'generation' | 'now'>,
  spec: FlinkDeploymentSpec,
  state: 'UPGRADING' | 'DEPLOYED',
  firstDeployment: boolean,
): FlinkDeploymentStatus {
  return withRecord(status, {
    kind: 'FlinkDeployment',
    spec,
    generation,
    // Without a job there is nothing that these could be about.
    jobState: 'running',
    upgradeMode: 'stateless',
    firstDeployment,
    state,
    now,
  });
}

/** A spec that was changed before anything was created is started instead of the recorded one. */
function deploying(context: Context, operation: CurrentOperation): Outcome {
  const { world, status, wanted } = context;
  const wait: Outcome = { status, progress: CREATING, wakeUp: inTransition(elapsedMs(operation, context.now)) };
  const existing = withExistingCluster(context, operation, { wait, create: () => create(context, operation) });
  if (existing !== undefined) return existing;
  if (!world.remains.known || world.remains.value.deployment || world.remains.value.taskManagers !== undefined)
    return wait;
  const stored = lastReconciled(status);
  const change = stored === undefined ? undefined : specChange(stored.spec, wanted.spec);
  if (change === undefined || change.type === 'IGNORE') return create(context, operation);
  const renewed = beginOperation(context, operation.kind, 'deploying');
  return start(context, renewed, stored?.firstDeployment ?? false);
}

/** Nothing to do: only the record of what is wanted is kept up to date, and the next look is planned. */
function settled(context: Context): Outcome {
  const { invalid, generation, status } = context;
  const seen = invalid !== undefined ? status : { ...status, observedGeneration: generation };
  switch (status.jobManagerDeploymentStatus) {
    case 'READY':
      return { status: seen, wakeUp: atRest(context.config.restIntervalMs) };
    case 'DEPLOYING':
    case 'DEPLOYED_NOT_READY':
      return {
        status: seen,
        progress: STARTING_JOB_MANAGER,
        wakeUp: nextLook(context),
      };
    default:
      return { status: seen, wakeUp: WATCHED };
  }
}

/** Until a pod is there that Flink could answer from, every step shows in a watch. */
function nextLook({ world, status, now }: Context): Outcome['wakeUp'] {
  const isServed = world.jobManagerPods.known && world.jobManagerPods.value.some((pod) => pod.ready);
  const since = Number(status.reconciliationStatus?.reconciliationTimestamp ?? now);
  return isServed ? inTransition(now - since) : WATCHED;
}
