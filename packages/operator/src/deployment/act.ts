import { type FlinkDeployment, type FlinkDeploymentStatus, FlinkDeployments } from '@drey/api';
import { ConfigMap, Deployment, isKubeError } from '@drey/kube';
import { sameStatus } from '../job/status.ts';
import { StepError } from '../job/step-error.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import { createCluster } from './create-cluster.ts';
import { FINALIZER } from './deletion.ts';
import type { Plan, Step } from './plan.ts';

/** How long Flink may take to accept a request; what it was asked for goes on behind it. */
const REQUEST_TIMEOUT_MS = 10_000;
/** A cancellation before a removal is a courtesy to the job; the removal does not wait longer for it. */
const CANCEL_TIMEOUT_MS = 2_000;

export interface ActOptions {
  readonly signal: AbortSignal;
  /** The Flink cluster that the deployment runs; undefined when it has no address. */
  readonly flink: FlinkCluster | undefined;
  readonly deletionPropagation: 'Foreground' | 'Background' | 'Orphan';
}

/**
 * Carries out a plan. The status is written before the first step, with the resource version it was decided on; when there
 * is nothing to write, a fresh read makes sure that the decision was not made on an old one. Rejects with a KubeError or a
 * {@link StepError}; whatever was done until then is recorded, and the next pass goes on from there.
 */
export async function act(env: Env, deployment: FlinkDeployment, plan: Plan, options: ActOptions): Promise<void> {
  let current = deployment;
  const [first, ...others] = plan.steps;
  if (first?.kind === 'add-finalizer') current = await addFinalizer(env, current, options.signal);
  const steps = first?.kind === 'add-finalizer' ? others : plan.steps;
  if (!sameStatus(deployment.status, plan.status))
    current = await writeStatus(env, current, plan.status, options.signal);
  else if (steps.length > 0) await confirm(env, current, options.signal);
  for (const step of steps) {
    options.signal.throwIfAborted();
    await perform(env, current, step, options);
    env.metrics.steps.inc({ kind: deployment.kind, step: step.kind });
  }
  if (plan.settled !== undefined) await writeStatus(env, current, plan.settled, options.signal);
}

async function perform(env: Env, deployment: FlinkDeployment, step: Step, options: ActOptions): Promise<void> {
  switch (step.kind) {
    case 'add-finalizer':
      throw new StepError('E_OPERATOR_PLAN', 'A finalizer is added before everything else, or not at all.');
    case 'remove-finalizer':
      return removeFinalizer(env, deployment, options.signal);
    case 'stop-with-savepoint':
      return stopWithSavepoint(step, options);
    case 'cancel-job':
      await options.flink?.cancel(step.jobId, call(options, CANCEL_TIMEOUT_MS));
      return;
    case 'delete-job-manager':
      return deleteJobManager(env, deployment, step.uid, options);
    case 'delete-ha-metadata':
      for (const { name, uid } of step.configMaps) {
        await tolerateGone(
          env.kube.delete(ConfigMap, deployment.metadata.namespace, name, { uid, signal: options.signal }),
        );
      }
      return;
    case 'remove-job-graphs':
      return removeJobGraphs(env, deployment, step, options.signal);
    case 'create-cluster':
      return createCluster(env, step.cluster, options.signal);
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

async function deleteJobManager(
  env: Env,
  deployment: FlinkDeployment,
  uid: string,
  options: ActOptions,
): Promise<void> {
  const { namespace, name = '' } = deployment.metadata;
  const propagation = options.deletionPropagation;
  await tolerateGone(env.kube.delete(Deployment, namespace, name, { uid, propagation, signal: options.signal }));
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

async function confirm(env: Env, deployment: FlinkDeployment, signal: AbortSignal): Promise<void> {
  const { namespace, name = '', resourceVersion } = deployment.metadata;
  const live = await liveOf(env.kube.get(FlinkDeployments, namespace, name, { signal }));
  if (live === undefined) throw new StepError('E_OPERATOR_OUTDATED', 'The object has gone.');
  if (live.metadata.resourceVersion !== resourceVersion) {
    env.caches.flinkDeployments.written(live);
    throw new StepError('E_OPERATOR_OUTDATED', 'The object changed since it was read.');
  }
}

async function liveOf<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function writeStatus(
  env: Env,
  deployment: FlinkDeployment,
  status: FlinkDeploymentStatus,
  signal: AbortSignal,
): Promise<FlinkDeployment> {
  const written = await env.kube.replace(
    FlinkDeployments,
    { ...deployment, status },
    { subresource: 'status', fieldManager: STATUS_MANAGER, signal },
  );
  env.metrics.statusWrites.inc({ kind: deployment.kind });
  return written;
}

/** Field managers, one for each purpose. */
const MANAGER = 'drey';
const STATUS_MANAGER = 'drey-status';

async function addFinalizer(env: Env, deployment: FlinkDeployment, signal: AbortSignal): Promise<FlinkDeployment> {
  const finalizers = deployment.metadata.finalizers ?? [];
  if (finalizers.includes(FINALIZER)) return deployment;
  const change =
    finalizers.length === 0
      ? [{ op: 'add', path: '/metadata/finalizers', value: [FINALIZER] }]
      : [{ op: 'add', path: '/metadata/finalizers/-', value: FINALIZER }];
  return patchFinalizers(env, deployment, change, signal);
}

async function removeFinalizer(env: Env, deployment: FlinkDeployment, signal: AbortSignal): Promise<void> {
  const index = (deployment.metadata.finalizers ?? []).indexOf(FINALIZER);
  if (index < 0) return;
  const path = `/metadata/finalizers/${index}`;
  await patchFinalizers(
    env,
    deployment,
    [
      { op: 'test', path, value: FINALIZER },
      { op: 'remove', path },
    ],
    signal,
  );
}

async function patchFinalizers(
  env: Env,
  deployment: FlinkDeployment,
  change: readonly unknown[],
  signal: AbortSignal,
): Promise<FlinkDeployment> {
  const { namespace, name = '', resourceVersion } = deployment.metadata;
  const guarded = [{ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }, ...change];
  try {
    return await env.kube.patch(FlinkDeployments, namespace, name, 'json', guarded, { fieldManager: MANAGER, signal });
  } catch (error) {
    // A test that does not hold is refused as invalid: the object is newer, or has just gone.
    if (isKubeError(error, 'E_KUBE_INVALID', 'E_KUBE_REJECTED', 'E_KUBE_NOT_FOUND')) {
      throw new StepError('E_OPERATOR_OUTDATED', 'The object changed since it was read.');
    }
    throw error;
  }
}
