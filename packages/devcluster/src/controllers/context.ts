import {
  type Clock,
  KeyedQueue,
  type KubeClient,
  type KubeObject,
  type Outcome,
  type OwnerReference,
  type Random,
  runController,
  type Source,
} from '@drey/kube';
import type { EventRecorder } from '../event-recorder.ts';
import type { Informers } from '../informers.ts';

/** What every controller of the cluster works with. */
export interface ControllerContext {
  /** Writes show in the informers at once. */
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  /** Events in the name of a controller. */
  events(component: string): EventRecorder;
  /** Hears of passes that failed; they are tried again. */
  failed(controller: string, key: string, error: unknown): void;
}

export interface ControllerSpec {
  readonly name: string;
  readonly sources: readonly Source[];
  /** `name` is the part after the namespace. */
  reconcile(namespace: string, name: string): Promise<Outcome>;
  readonly workers?: number;
}

/** Fast at first: most failures here are conflicts with another writer of the same object. */
const BACKOFF = { firstMs: 50, capMs: 30_000 } as const;

/** Runs a controller until `signal` aborts. Keys are `namespace/name`, or `name` for cluster-scoped objects. */
export function startController(context: ControllerContext, spec: ControllerSpec, signal: AbortSignal): Promise<void> {
  const { clock, random } = context;
  const queue = new KeyedQueue({ clock, random, backoff: BACKOFF });
  return runController(
    {
      name: spec.name,
      clock,
      queue,
      sources: spec.sources,
      workers: spec.workers ?? 4,
      graceMs: 0,
      reconcile: ({ key }) => {
        const slash = key.indexOf('/');
        return slash < 0 ? spec.reconcile('', key) : spec.reconcile(key.slice(0, slash), key.slice(slash + 1));
      },
      observer: { failed: (key, error) => context.failed(spec.name, key, error) },
    },
    signal,
  );
}

/** The reference that makes `owner` the controller of what it creates. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Keys of the controlling owner, when it is of `kind`. */
export function ownerKeys(kind: string): (object: KubeObject) => readonly string[] {
  return (object) => {
    const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
    return owner?.kind === kind ? [`${object.metadata.namespace}/${owner.name}`] : [];
  };
}

export function objectKey(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}
