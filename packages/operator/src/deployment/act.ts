import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { ConfigMap, isKubeError } from '@drey/kube';
import { taskManagersName } from '@drey/manifests';
import { primaryWrites } from '../job/primary-writes.ts';
import { performRescale } from '../job/rescale.ts';
import { isSnapshotStep, performSnapshotStep } from '../job/snapshots/steps.ts';
import { sameStatus } from '../job/status.ts';
import { StepError } from '../job/step-error.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import { FINALIZER } from './deletion/deletion.ts';
import { deleteIngress, repair } from './drift/repair.ts';
import { changeObjects, scaleTaskManagers } from './in-place/change-objects.ts';
import type { Plan, Step } from './plan.ts';
import { createCluster, createTaskManagers } from './start/create-cluster.ts';
import { workloadOf } from './task-managers.ts';
import type { TaskManagersKind } from './world.ts';

/** How long Flink may take to accept a request; what it was asked for goes on behind it. */
const REQUEST_TIMEOUT_MS = 10_000;
/** A cancellation before a removal is a courtesy to the job; the removal does not wait longer for it. */
const CANCEL_TIMEOUT_MS = 2_000;

export interface ActOptions {
  readonly signal: AbortSignal;
  /** The Flink cluster that the deployment runs; undefined when it has no address. */
  readonly flink: FlinkCluster | undefined;
  /** What becomes of the objects that belong to a Deployment or StatefulSet that is deleted. */
  readonly deletionPropagation: 'Foreground' | 'Background' | 'Orphan';
}

/**
 * Carries out a plan. The status is written before the first step, with the resource version it was decided on; when there
 * is nothing to write, a fresh read makes sure that the decision was not made on an old one. Rejects with a KubeError or a
 * {@link StepError}; whatever was done until then is recorded, and the next pass goes on from there.
 */
export async function act(env: Env, deployment: FlinkDeployment, plan: Plan, options: ActOptions): Promise<void> {
  const kind = { resource: FlinkDeployments, cache: env.caches.flinkDeployments, finalizer: FINALIZER };
  const writes = primaryWrites(env, kind, options.signal);
  let current = deployment;
  const [first, ...others] = plan.steps;
  if (first?.kind === 'add-finalizer') current = await writes.addFinalizer(current);
  const steps = first?.kind === 'add-finalizer' ? others : plan.steps;
  if (!sameStatus(deployment.status, plan.status)) current = await writes.writeStatus(current, plan.status);
  else if (steps.length > 0) await writes.confirm(current);
  for (const step of steps) {
    options.signal.throwIfAborted();
    if (step.kind === 'remove-finalizer') await writes.removeFinalizer(current);
    else await perform(env, current, step, options);
    env.metrics.steps.inc({ kind: deployment.kind, step: step.kind });
  }
  if (plan.settled !== undefined) await writes.writeStatus(current, plan.settled);
}

type OtherStep = Exclude<Step, { kind: 'remove-finalizer' }>;

async function perform(env: Env, deployment: FlinkDeployment, step: OtherStep, options: ActOptions): Promise<void> {
  if (isSnapshotStep(step)) {
    await performSnapshotStep(env, deployment, step, options);
    return;
  }
  switch (step.kind) {
    case 'add-finalizer':
      throw new StepError('E_OPERATOR_PLAN', 'A finalizer is added before everything else, or not at all.');
    case 'stop-with-savepoint':
      return stopWithSavepoint(step, options);
    case 'cancel-job':
      await options.flink?.cancel(step.jobId, call(options, CANCEL_TIMEOUT_MS));
      return;
    case 'rescale-job':
      return performRescale(options.flink, step, call(options, REQUEST_TIMEOUT_MS));
    case 'change-objects':
      return changeObjects(env, step, options.signal);
    case 'scale-task-managers': {
      const { namespace, name = '' } = deployment.metadata;
      return scaleTaskManagers(env, { namespace, name }, step, options.signal);
    }
    case 'delete-job-manager':
      return deleteWorkload(env, deployment, { kind: 'Deployment', name: nameOf(deployment), uid: step.uid }, options);
    case 'delete-task-managers':
      return deleteWorkload(
        env,
        deployment,
        { kind: step.workload, name: taskManagersName(nameOf(deployment)), uid: step.uid },
        options,
      );
    case 'delete-ha-metadata':
      for (const { name, uid } of step.configMaps) {
        await tolerateGone(
          env.kube.delete(ConfigMap, deployment.metadata.namespace, name, { uid, signal: options.signal }),
        );
      }
      return;
    case 'remove-job-graphs':
      return removeJobGraphs(env, deployment, step, options.signal);
    case 'delete-zookeeper-nodes':
      return env.zooKeeper(step.quorum, options.signal, async (nodes) => {
        for (const path of step.paths) await nodes.remove(path);
      });
    case 'create-cluster':
      return createCluster(env, step.cluster, options.signal);
    case 'repair':
      return repair(env, step, options.signal);
    case 'delete-ingress':
      return deleteIngress(env, deployment.metadata.namespace, step, options.signal);
    case 'create-task-managers':
      return createTaskManagers(env, step.cluster, options.signal);
  }
}

function call(options: ActOptions, timeoutMs: number): FlinkCall {
  return { timeoutMs, signal: options.signal };
}

/** A refusal is for people to see; no answer is not, since the next pass finds out what came of the request. */
async function stopWithSavepoint(
  step: Extract<Step, { kind: 'stop-with-savepoint' }>,
  options: ActOptions,
): Promise<void> {
  const answer = await options.flink?.stopWithSavepoint(step.request, call(options, REQUEST_TIMEOUT_MS));
  if (answer?.kind === 'rejected') {
    throw new StepError('E_OPERATOR_SAVEPOINT_REFUSED', `Flink refused the savepoint: ${answer.message}`);
  }
}

function nameOf({ metadata }: FlinkDeployment): string {
  return metadata.name ?? '';
}

async function deleteWorkload(
  env: Env,
  deployment: FlinkDeployment,
  { kind, name, uid }: { readonly kind: TaskManagersKind; readonly name: string; readonly uid: string },
  options: ActOptions,
): Promise<void> {
  const { namespace } = deployment.metadata;
  const propagation = options.deletionPropagation;
  const resource = workloadOf(kind).resource;
  await tolerateGone(env.kube.delete(resource, namespace, name, { uid, propagation, signal: options.signal }));
}

/** Gone already, or replaced by another object of the same name, which is not the one that was meant. */
async function tolerateGone(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
  }
}

async function removeJobGraphs(
  env: Env,
  deployment: FlinkDeployment,
  step: Extract<Step, { kind: 'remove-job-graphs' }>,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, resourceVersion, keys } of step.configMaps) {
    const data = Object.fromEntries(keys.map((key) => [key, null]));
    const patch = { metadata: { resourceVersion }, data };
    await env.kube.patch(ConfigMap, deployment.metadata.namespace, name, 'merge', patch, { signal });
  }
}
