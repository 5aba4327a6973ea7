import { createHash } from 'node:crypto';
import type { Deployment, PodTemplateSpec, ReplicaSet } from '@drey/kube';
import { sameJson } from './same.ts';

/** What a Deployment does with its ReplicaSets, as pure functions with the real controller's rules. */

export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAXIMUM = 'deployment.kubernetes.io/max-replicas';
/** Never copied from a Deployment to its ReplicaSets. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  'deployment.kubernetes.io/revision-history',
  DESIRED,
  MAXIMUM,
  'deprecated.deployment.rollback.to',
]);

export interface ReplicaSets {
  /** Has the Deployment's template now. */
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** Splits a Deployment's ReplicaSets; of several with the same template the oldest counts. */
export function splitReplicaSets(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSets {
  const byAge = [...sets].sort(
    (a, b) =>
      (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
      revisionOf(a) - revisionOf(b),
  );
  const template = withoutHash(deployment.spec?.template);
  const current = byAge.find((set) => sameJson(withoutHash(set.spec?.template), template));
  return { current, old: byAge.filter((set) => set !== current) };
}

/** A name for a template: equal templates, equal hashes; letters that make no words. */
export function templateHash(template: PodTemplateSpec, collisions: number): string {
  const digest = createHash('sha256').update(canonical(template)).update(String(collisions)).digest();
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return [...digest.subarray(0, 10)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

export interface Scale {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

export interface RolloutInput {
  readonly deployment: Deployment;
  readonly current: ReplicaSet;
  readonly old: readonly ReplicaSet[];
}

/** Which ReplicaSets get how many replicas now. */
export function planScales(input: RolloutInput): Scale[] {
  const { deployment, current, old } = input;
  const wanted = deployment.spec?.replicas ?? 1;
  if (deployment.spec?.strategy?.type === 'Recreate') return scaleTo(current, wanted);
  const limits = rollingLimits(deployment);
  const up = scaleUp(input, wanted, limits.maxSurge);
  if (up !== undefined) return [up];
  const down = scaleDown(current, old, wanted, limits.maxUnavailable);
  return current.spec?.replicas !== undefined && current.spec.replicas > wanted
    ? [...scaleTo(current, wanted), ...down]
    : down;
}

function scaleTo(set: ReplicaSet, replicas: number): Scale[] {
  return set.spec?.replicas === replicas ? [] : [{ set, replicas }];
}

function scaleUp(input: RolloutInput, wanted: number, maxSurge: number): Scale | undefined {
  const now = input.current.spec?.replicas ?? 0;
  if (now >= wanted) return undefined;
  const total = sum([input.current, ...input.old], (set) => set.spec?.replicas ?? 0);
  const room = wanted + maxSurge - total;
  if (room <= 0) return undefined;
  return { set: input.current, replicas: now + Math.min(room, wanted - now) };
}

/** Old pods that are not available go first; others only as far as enough stay available. */
function scaleDown(current: ReplicaSet, old: readonly ReplicaSet[], wanted: number, maxUnavailable: number): Scale[] {
  const total = sum([current, ...old], (set) => set.spec?.replicas ?? 0);
  const minAvailable = wanted - maxUnavailable;
  const newUnavailable = (current.spec?.replicas ?? 0) - (current.status?.availableReplicas ?? 0);
  let removable = total - minAvailable - newUnavailable;
  const targets = new Map(old.map((set) => [set, set.spec?.replicas ?? 0]));
  for (const [set, replicas] of targets) {
    const unhealthy = Math.max(0, replicas - (set.status?.availableReplicas ?? 0));
    const take = Math.max(0, Math.min(removable, unhealthy));
    targets.set(set, replicas - take);
    removable -= take;
  }
  const available = sum([current, ...old], (set) => set.status?.availableReplicas ?? 0);
  let spare = available - minAvailable;
  for (const [set, replicas] of targets) {
    const take = Math.max(0, Math.min(spare, replicas));
    targets.set(set, replicas - take);
    spare -= take;
  }
  return [...targets]
    .filter(([set, replicas]) => set.spec?.replicas !== replicas)
    .map(([set, replicas]) => ({ set, replicas }));
}

/** maxSurge rounds up, maxUnavailable down, and not both may be 0. */
export function rollingLimits(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  const wanted = deployment.spec?.replicas ?? 1;
  const rolling = deployment.spec?.strategy?.rollingUpdate ?? {};
  if (deployment.spec?.strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaled(rolling.maxSurge ?? '25%', wanted, Math.ceil);
  const maxUnavailable = Math.min(wanted, scaled(rolling.maxUnavailable ?? '25%', wanted, Math.floor));
  return maxSurge === 0 && maxUnavailable === 0 ? { maxSurge, maxUnavailable: 1 } : { maxSurge, maxUnavailable };
}

function scaled(value: number | string, of: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value;
  return value.endsWith('%') ? round((Number(value.slice(0, -1)) * of) / 100) : Number(value);
}

/** The ReplicaSet for a Deployment's template. */
export function newReplicaSet(deployment: Deployment, replicas: number, revision: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template ?? {}, deployment.status?.collisionCount ?? 0);
  const labels = { ...template?.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: replicaSetAnnotations(deployment, undefined, revision),
    },
    spec: {
      replicas,
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
      ...(minReadySeconds ? { minReadySeconds } : {}),
    },
  };
}

/** Annotations of the current ReplicaSet: the Deployment's, its revision, and what it is scaled by. */
export function replicaSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: number,
): Record<string, string> {
  const wanted = deployment.spec?.replicas ?? 1;
  const own = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !OWN_ANNOTATIONS.has(key));
  return {
    ...set?.metadata.annotations,
    ...Object.fromEntries(own),
    [DESIRED]: String(wanted),
    [MAXIMUM]: String(wanted + rollingLimits(deployment).maxSurge),
    [REVISION]: String(revision),
  };
}

export function revisionOf(object: { metadata: { annotations?: Record<string, string> } }): number {
  return Number(object.metadata.annotations?.[REVISION] ?? '0') || 0;
}

/** Old ReplicaSets beyond the history limit that are fully scaled down. */
export function obsoleteReplicaSets(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const idle = old
    .filter((set) => set.spec?.replicas === 0 && (set.status?.replicas ?? 0) === 0)
    .filter(
      (set) =>
        set.metadata.deletionTimestamp === undefined && set.status?.observedGeneration === set.metadata.generation,
    )
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  return idle.slice(0, Math.max(0, idle.length - (deployment.spec?.revisionHistoryLimit ?? 10)));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels, creationTimestamp: undefined } };
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([key, item]) => item !== undefined && key !== 'creationTimestamp');
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join(',')}}`;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
