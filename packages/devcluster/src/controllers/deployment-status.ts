import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from '@drey/kube';
import { timestamp } from '../node/pod-status.ts';
import { rollingLimits } from './deployment-plan.ts';

export interface StatusInput {
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  /** The current ReplicaSet was created in this pass. */
  readonly created: boolean;
  readonly old: readonly ReplicaSet[];
  readonly now: number;
}

/** Status and conditions as the real controller writes them. */
export function deploymentStatus(input: StatusInput): DeploymentStatus {
  const { deployment, current, old } = input;
  const all = current === undefined ? old : [current, ...old];
  const sum = (of: (set: ReplicaSet) => number | undefined): number => all.reduce((n, set) => n + (of(set) ?? 0), 0);
  const replicas = sum((set) => set.status?.replicas);
  const available = sum((set) => set.status?.availableReplicas);
  const total = Math.max(
    replicas,
    sum((set) => set.spec?.replicas),
  );
  const counts = {
    replicas,
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum((set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, total - available),
  };
  const present = Object.fromEntries(Object.entries(counts).filter(([, value]) => value > 0));
  const conditions = [
    availableCondition(deployment, available),
    progressingCondition(input, counts),
    replicaFailureCondition(all),
  ].filter((condition) => condition !== undefined);
  return {
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    ...present,
    ...(deployment.status?.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
    conditions: conditions.map((condition) => stamped(condition, deployment.status?.conditions ?? [], input.now)),
  };
}

/** When the rollout will have taken longer than allowed; undefined while that cannot happen. */
export function progressDeadline(deployment: Deployment, status: DeploymentStatus): number | undefined {
  const progressing = status.conditions?.find((condition) => condition.type === 'Progressing');
  const seconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  const ended = progressing?.reason === 'NewReplicaSetAvailable' || progressing?.reason === 'ProgressDeadlineExceeded';
  if (progressing === undefined || ended || seconds >= 2147483647) return undefined;
  return Date.parse(progressing.lastUpdateTime ?? '') + seconds * 1000;
}

function availableCondition(deployment: Deployment, available: number): Condition {
  const enough = available >= (deployment.spec?.replicas ?? 1) - rollingLimits(deployment).maxUnavailable;
  return enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
}

function progressingCondition(input: StatusInput, counts: Counts): Condition | undefined {
  const { deployment, current, created } = input;
  const before = deployment.status?.conditions?.find((condition) => condition.type === 'Progressing');
  const wanted = deployment.spec?.replicas ?? 1;
  const name = current?.metadata.name;
  const condition = (status: 'True' | 'False', reason: string, message: string): Condition => ({
    type: 'Progressing',
    status,
    reason,
    message,
  });
  if (created) return condition('True', 'NewReplicaSetCreated', `Created new replica set "${name}"`);
  if (deployment.spec?.paused === true) return before;
  const complete =
    counts.updatedReplicas === wanted &&
    counts.replicas === wanted &&
    counts.availableReplicas === wanted &&
    current !== undefined;
  if (complete) {
    return condition('True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has successfully progressed.`);
  }
  if (before?.reason === 'NewReplicaSetAvailable' && !isNewRollout(deployment, counts, wanted)) return before;
  const old = deployment.status;
  const moved =
    counts.updatedReplicas > (old?.updatedReplicas ?? 0) ||
    counts.readyReplicas > (old?.readyReplicas ?? 0) ||
    counts.availableReplicas > (old?.availableReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < (old?.replicas ?? 0) - (old?.updatedReplicas ?? 0);
  if (moved || before === undefined || before.reason === 'NewReplicaSetAvailable') {
    return condition('True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`);
  }
  const deadline = progressDeadline(deployment, { conditions: [before] });
  if (deadline !== undefined && input.now >= deadline) {
    return condition('False', 'ProgressDeadlineExceeded', `ReplicaSet "${name}" has timed out progressing.`);
  }
  return before;
}

/** Pods that are lost after a complete rollout do not make it a rollout again. */
function isNewRollout(deployment: Deployment, counts: Counts, wanted: number): boolean {
  const observed = deployment.status?.observedGeneration;
  return observed !== deployment.metadata.generation || counts.updatedReplicas !== wanted || counts.replicas !== wanted;
}

function replicaFailureCondition(sets: readonly ReplicaSet[]): Condition | undefined {
  const failures = sets.flatMap((set) => set.status?.conditions ?? []);
  const failure = failures.find((condition) => condition.type === 'ReplicaFailure' && condition.status === 'True');
  if (failure === undefined) return undefined;
  const { reason, message } = failure;
  return {
    type: 'ReplicaFailure',
    status: 'True',
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

function stamped(condition: Condition, old: readonly Condition[], now: number): Condition {
  const before = old.find((c) => c.type === condition.type);
  const { type, status, reason, message } = condition;
  const same = before?.status === status && before.reason === reason && before.message === message;
  const lastUpdateTime = same ? before.lastUpdateTime : undefined;
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : undefined;
  return {
    type,
    status,
    lastUpdateTime: lastUpdateTime ?? timestamp(now),
    lastTransitionTime: lastTransitionTime ?? timestamp(now),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}
