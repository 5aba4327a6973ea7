import type { Cached, Deployment, Pod } from '@drey/kube';
import type { JobManagerDeployment, ObservedPod, PodFailure } from '../world.ts';

/** Annotation with the generation a Deployment was made from, as the Apache operator writes it. */
export const GENERATION_ANNOTATION = 'flinkdeployment.flink.apache.org/generation';
/** Annotation with the operation that made a Deployment, by which a repeated creation knows its own work. */
export const OPERATION_ANNOTATION = 'flinkdeployment.flink.apache.org/operation';

/** A Deployment that became available at once would do so later than this after its creation. */
const NEVER_AVAILABLE_TOLERANCE_MS = 1_000;

/** Reasons of the kubelet for which a container will not start by itself. */
const POD_FAILURES: readonly string[] = [
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'RunContainerError',
  'CreateContainerConfigError',
  'CreateContainerError',
];

/** What decisions read of a JobManager's Deployment. */
export function observedDeployment(deployment: Cached<Deployment>): JobManagerDeployment {
  const { metadata, status } = deployment;
  const conditions = status?.conditions ?? [];
  const createFailure = conditions.find(
    (one) => one.type === 'ReplicaFailure' && one.status === 'True' && one.reason === 'FailedCreate',
  );
  const owner = metadata.ownerReferences?.find((one) => one.kind === 'FlinkDeployment');
  const createdAt = Date.parse(metadata.creationTimestamp ?? '');
  return {
    uid: metadata.uid ?? '',
    createdAt,
    deleting: metadata.deletionTimestamp !== undefined,
    ownerUid: owner?.uid,
    generation: metadata.annotations?.[GENERATION_ANNOTATION],
    operationId: metadata.annotations?.[OPERATION_ANNOTATION],
    availableReplicas: status?.availableReplicas ?? 0,
    createFailure: createFailure === undefined ? undefined : (createFailure.message ?? 'pods cannot be created'),
    neverAvailable: neverAvailable(conditions, createdAt),
  };
}

type DeploymentConditions = NonNullable<NonNullable<Cached<Deployment>['status']>['conditions']>;

/** The condition Available has been False since the Deployment was made; times have whole seconds. */
function neverAvailable(conditions: DeploymentConditions, createdAt: number): boolean | undefined {
  const available = conditions.find((one) => one.type === 'Available');
  if (available === undefined) return undefined;
  const since = Date.parse(available.lastTransitionTime ?? '');
  return available.status === 'False' && since - createdAt <= NEVER_AVAILABLE_TOLERANCE_MS;
}

/** What decisions read of a pod. */
export function observedPod(pod: Cached<Pod>): ObservedPod {
  const { metadata, status } = pod;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return {
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    ...(metadata.creationTimestamp === undefined ? {} : { createdAt: Date.parse(metadata.creationTimestamp) }),
    ip: status?.podIP,
    ready: (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True'),
    deleting: metadata.deletionTimestamp !== undefined,
    failure: containers.map(containerFailure).find((one) => one !== undefined),
    restarts: (status?.containerStatuses ?? []).reduce((sum, one) => sum + (one.restartCount ?? 0), 0),
  };
}

interface ContainerState {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } };
  readonly lastState?: { readonly terminated?: { readonly message?: string } };
}

/** In the Apache operator's words; a crash loop is told by the container's own last words where there are any. */
function containerFailure(container: ContainerState): PodFailure | undefined {
  const waiting = container.state?.waiting;
  const reason = waiting?.reason ?? '';
  if (!POD_FAILURES.includes(reason)) return undefined;
  const last = reason === 'CrashLoopBackOff' ? container.lastState?.terminated?.message : undefined;
  const message = last === undefined || last === '' ? (waiting?.message ?? reason) : `CrashLoop - ${last}`;
  return { reason, message: `[${container.name}] ${message}` };
}
