import { Deployment, isKubeError, type Outcome, Pod, ReplicaSet } from '@drey/kube';
import { selects } from '../apiserver/selectors/match-labels.ts';
import { type ControllerContext, controllerReference, objectKey, ownerKeys, startController } from './context.ts';
import {
  newReplicaSet,
  obsoleteReplicaSets,
  planScales,
  REVISION,
  replicaSetAnnotations,
  revisionOf,
  rollingLimits,
  type Scale,
  splitReplicaSets,
} from './deployment-plan.ts';
import { deploymentStatus, progressDeadline } from './deployment-status.ts';
import { hasEnded } from './pod-facts.ts';
import { sameJson } from './same.ts';

/** Rolls Deployments out: one ReplicaSet for each template, scaled by the strategy. */
export function startDeploymentController(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const rollout = new Rollouts(context);
  const { informers } = context;
  return startController(
    context,
    {
      name: 'deployment',
      sources: [
        informers.of(Deployment).source((deployment) => [objectKey(deployment)]),
        informers.of(ReplicaSet).source(ownerKeys('Deployment')),
        informers.of(Pod).source((pod) => rollout.waitingFor(pod)),
      ],
      reconcile: (namespace, name) => rollout.reconcile(namespace, name),
    },
    signal,
  );
}

class Rollouts {
  readonly #context: ControllerContext;
  readonly #deployments;
  readonly #sets;
  readonly #pods;
  readonly #events;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#deployments = context.informers.of(Deployment);
    this.#sets = context.informers.of(ReplicaSet);
    this.#pods = context.informers.of(Pod);
    this.#events = context.events('deployment-controller');
  }

  /** A Deployment with strategy Recreate goes on when its last old pod is gone. */
  waitingFor(pod: Pod): readonly string[] {
    const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (owner?.kind !== 'ReplicaSet') return [];
    const set = this.#sets.get(pod.metadata.namespace, owner.name);
    return set === undefined ? [] : ownerKeys('Deployment')(set);
  }

  async reconcile(namespace: string, name: string): Promise<Outcome> {
    const deployment = this.#deployments.get(namespace, name);
    if (deployment === undefined) return { type: 'gone' };
    if (deployment.metadata.deletionTimestamp === undefined) await this.#adopt(deployment);
    const owned = this.#sets.ownedBy(deployment.metadata.uid ?? '');
    const { current, old } = splitReplicaSets(deployment, owned);
    if (deployment.metadata.deletionTimestamp !== undefined || deployment.spec?.paused === true) {
      return this.#writeStatus(deployment, current, old, false);
    }
    if (deployment.spec?.strategy?.type === 'Recreate' && !(await this.#oldPodsGone(deployment, old))) {
      return this.#writeStatus(deployment, current, old, false);
    }
    const made = current ?? (await this.#create(deployment, old));
    if (made === 'collision') return { type: 'done', requeueAfterMs: 0 };
    const updated = await this.#updateCurrent(deployment, made, old);
    for (const scale of planScales({ deployment, current: updated, old })) await this.#scale(deployment, scale);
    for (const set of obsoleteReplicaSets(deployment, old)) await this.#deleteSet(set);
    return this.#writeStatus(deployment, updated, old, current === undefined);
  }

  async #oldPodsGone(deployment: Deployment, old: readonly ReplicaSet[]): Promise<boolean> {
    for (const set of old) if (set.spec?.replicas !== 0) await this.#scale(deployment, { set, replicas: 0 });
    return old.every((set) => this.#pods.ownedBy(set.metadata.uid ?? '').every(hasEnded));
  }

  async #create(deployment: Deployment, old: readonly ReplicaSet[]): Promise<ReplicaSet | 'collision'> {
    const revision = Math.max(0, ...old.map(revisionOf)) + 1;
    const set = newReplicaSet(deployment, this.#firstReplicas(deployment, old), revision);
    set.metadata.ownerReferences = [controllerReference(deployment)];
    try {
      const created = await this.#context.client.create(ReplicaSet, set);
      if ((created.spec?.replicas ?? 0) > 0) this.#scaled(deployment, created, 0, created.spec?.replicas ?? 0);
      return created;
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
      const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
      await this.#context.client.replace(Deployment, { ...deployment, status }, { subresource: 'status' });
      return 'collision';
    }
  }

  #firstReplicas(deployment: Deployment, old: readonly ReplicaSet[]): number {
    const wanted = deployment.spec?.replicas ?? 1;
    if (deployment.spec?.strategy?.type === 'Recreate') return wanted;
    const existing = old.reduce((n, set) => n + (set.spec?.replicas ?? 0), 0);
    return Math.max(0, Math.min(wanted, wanted + rollingLimits(deployment).maxSurge - existing));
  }

  /** A template used before becomes the newest revision again. */
  async #updateCurrent(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Promise<ReplicaSet> {
    const newest = Math.max(0, ...old.map(revisionOf));
    const revision = revisionOf(current) > newest ? revisionOf(current) : newest + 1;
    const annotations = replicaSetAnnotations(deployment, current, revision);
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    const sameSpec = (current.spec?.minReadySeconds ?? 0) === minReadySeconds;
    let updated = current;
    if (!sameJson(annotations, current.metadata.annotations) || !sameSpec) {
      const { namespace, name = '' } = current.metadata;
      const patch = { metadata: { annotations }, ...(sameSpec ? {} : { spec: { minReadySeconds } }) };
      updated = await this.#context.client.patch(ReplicaSet, namespace, name, 'merge', patch);
    }
    if (revisionOf(deployment) !== revision) {
      const { namespace, name = '' } = deployment.metadata;
      const patch = { metadata: { annotations: { [REVISION]: String(revision) } } };
      await this.#context.client.patch(Deployment, namespace, name, 'merge', patch);
    }
    return updated;
  }

  async #scale(deployment: Deployment, { set, replicas }: Scale): Promise<void> {
    const { namespace, name = '' } = set.metadata;
    const before = set.spec?.replicas ?? 0;
    await this.#context.client.patch(ReplicaSet, namespace, name, 'merge', { spec: { replicas } });
    this.#scaled(deployment, set, before, replicas);
  }

  #scaled(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${to}`;
    this.#events.record(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
  }

  async #deleteSet(set: ReplicaSet): Promise<void> {
    const { namespace, name = '', uid } = set.metadata;
    try {
      await this.#context.client.delete(ReplicaSet, namespace, name, uid === undefined ? {} : { uid });
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
    }
  }

  async #adopt(deployment: Deployment): Promise<void> {
    const orphans = this.#sets
      .list(deployment.metadata.namespace)
      .filter((set) => selects(deployment.spec?.selector, set.metadata.labels))
      .filter((set) => set.metadata.deletionTimestamp === undefined)
      .filter((set) => !(set.metadata.ownerReferences ?? []).some((owner) => owner.controller === true));
    for (const set of orphans) {
      const ownerReferences = [...(set.metadata.ownerReferences ?? []), controllerReference(deployment)];
      const patch = { metadata: { uid: set.metadata.uid, ownerReferences } };
      await this.#context.client.patch(ReplicaSet, set.metadata.namespace, set.metadata.name ?? '', 'merge', patch);
    }
  }

  /** Reads the newest objects: this pass may have written them. */
  async #writeStatus(
    seen: Deployment,
    current: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    created: boolean,
  ): Promise<Outcome> {
    const { namespace, name = '' } = seen.metadata;
    const deployment = this.#deployments.get(namespace, name) ?? seen;
    const fresh = (set: ReplicaSet): ReplicaSet => this.#sets.get(namespace, set.metadata.name ?? '') ?? set;
    const now = this.#context.clock.now();
    const input = { deployment, current: current && fresh(current), created, old: old.map(fresh), now };
    const status = deploymentStatus(input);
    if (!sameJson(status, deployment.status)) {
      await this.#context.client.replace(Deployment, { ...deployment, status }, { subresource: 'status' });
    }
    const deadline = progressDeadline(deployment, status);
    return { type: 'done', ...(deadline === undefined ? {} : { requeueAfterMs: Math.max(1000, deadline - now) }) };
  }
}
