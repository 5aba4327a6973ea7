import { type AnyObject, type Clock, isKubeError, type KubeClient } from '@drey/kube';
import type { ApiServer } from '../apiserver/index.ts';
import type { ServedResource } from '../apiserver/registry/served.ts';
import { OneAtATime } from './one-at-a-time.ts';

const NAMESPACES = '/namespaces';
/** Between the delete of a namespace and that of its content: writers that are under way may end. */
const START_AFTER_MS = 1_000;

export interface NamespaceControllerOptions {
  readonly server: Pick<ApiServer, 'store' | 'registry'>;
  /** Acts as the controller; its requests are ordinary ones. */
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Hears of passes that failed; they are tried again. */
  readonly failed?: (namespace: string, error: unknown) => void;
}

/** Empties terminating namespaces and lets them go. Returns how to stop. */
export function startNamespaceController(options: NamespaceControllerOptions): () => void {
  const controller = new NamespaceController(options);
  return () => controller.stop();
}

/** What is left in a namespace. */
interface Remains {
  /** Objects by qualified resource (`configmaps.`, `deployments.apps`). */
  readonly resources: ReadonlyMap<string, number>;
  /** Objects by finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

class NamespaceController {
  readonly #options: NamespaceControllerOptions;
  readonly #terminating = new Set<string>();
  readonly #queue: OneAtATime;
  readonly #unsubscribe: () => void;

  constructor(options: NamespaceControllerOptions) {
    this.#options = options;
    this.#queue = new OneAtATime({
      clock: options.clock,
      handle: (name) => this.#empty(name),
      failed: (name, error) => options.failed?.(name, error),
    });
    const { store } = options.server;
    for (const { object } of store.list(NAMESPACES, { namespace: undefined })) this.#look(object);
    this.#unsubscribe = store.subscribe(undefined, ({ type, record }) => {
      if (record.key === NAMESPACES) {
        if (type === 'DELETED') this.#terminating.delete(record.name);
        else this.#look(record.object);
      } else if (this.#terminating.has(record.namespace)) this.#queue.add(record.namespace);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
  }

  #look({ metadata }: AnyObject): void {
    const { name = '', uid } = metadata;
    if (metadata.deletionTimestamp === undefined || this.#terminating.has(name)) return;
    this.#queue.later(START_AFTER_MS, () => {
      // Meanwhile it may be gone, and another one of its name there.
      if (this.#options.server.store.get(NAMESPACES, '', name)?.object.metadata.uid !== uid) return;
      this.#terminating.add(name);
      this.#queue.add(name);
    });
  }

  async #empty(name: string): Promise<void> {
    const { store } = this.#options.server;
    // It may have gone, and another one of its name come, since it was put into the queue.
    if (store.get(NAMESPACES, '', name)?.object.metadata.deletionTimestamp === undefined) return;
    for (const resource of this.#resources()) {
      for (const { object } of store.list(resource.storageKey, { namespace: name })) {
        if (object.metadata.deletionTimestamp === undefined) await this.#delete(resource, object);
      }
    }
    const namespace = store.get(NAMESPACES, '', name)?.object;
    if (namespace === undefined) return;
    const remains = this.#remains(name);
    if (remains.resources.size > 0) await this.#report(namespace, remains);
    else await this.#finalize(namespace);
  }

  async #delete(resource: ServedResource, { metadata }: AnyObject): Promise<void> {
    const { namespace, name = '', uid = '' } = metadata;
    try {
      await this.#options.client.delete(resource, namespace, name, { propagation: 'Background', uid });
    } catch (error) {
      // Gone, or replaced: the next pass sees what is there.
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
    }
  }

  /** One resource for each kind that lives in namespaces. */
  #resources(): readonly ServedResource[] {
    const byKey = new Map<string, ServedResource>();
    for (const resource of this.#options.server.registry.all()) {
      if (resource.namespaced && resource.verbs.includes('delete') && !byKey.has(resource.storageKey)) {
        byKey.set(resource.storageKey, resource);
      }
    }
    return [...byKey.values()];
  }

  #remains(name: string): Remains {
    const resources = new Map<string, number>();
    const finalizers = new Map<string, number>();
    for (const resource of this.#resources()) {
      const records = this.#options.server.store.list(resource.storageKey, { namespace: name });
      if (records.length > 0) resources.set(`${resource.plural}.${resource.group}`, records.length);
      for (const finalizer of records.flatMap(({ object }) => object.metadata.finalizers ?? [])) {
        finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
      }
    }
    return { resources, finalizers };
  }

  async #report(namespace: AnyObject, remains: Remains): Promise<void> {
    const time = `${new Date(this.#options.clock.now()).toISOString().slice(0, 19)}Z`;
    const status = (namespace.status ?? {}) as { conditions?: readonly Condition[] };
    const before = status.conditions ?? [];
    const conditions = conditionsOf(remains, time).map((condition) => {
      const old = before.find(({ type }) => type === condition.type);
      return old?.status === condition.status
        ? { ...condition, lastTransitionTime: old.lastTransitionTime }
        : condition;
    });
    const isSame = conditions.every((condition) =>
      before.some(
        (old) => old.type === condition.type && old.status === condition.status && old.message === condition.message,
      ),
    );
    if (isSame) return;
    const { name, resourceVersion } = namespace.metadata;
    await this.#options.client.raw('PUT', `/api/v1/namespaces/${name}/status`, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { ...namespace.metadata, resourceVersion },
      spec: namespace.spec,
      status: { ...status, conditions },
    });
  }

  async #finalize(namespace: AnyObject): Promise<void> {
    const spec = (namespace.spec ?? {}) as { finalizers?: readonly string[] };
    const finalizers = (spec.finalizers ?? []).filter((finalizer) => finalizer !== 'kubernetes');
    const { name } = namespace.metadata;
    await this.#options.client.raw('PUT', `/api/v1/namespaces/${name}/finalize`, {
      ...namespace,
      spec: { ...spec, finalizers },
    });
  }
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

function conditionsOf({ resources, finalizers }: Remains, lastTransitionTime: string): readonly Condition[] {
  const make = (type: string, status: boolean, reason: string, message: string): Condition => ({
    type,
    status: status ? 'True' : 'False',
    lastTransitionTime,
    reason,
    message,
  });
  const list = (counts: ReadonlyMap<string, number>, word: string): string =>
    [...counts]
      .sort()
      .map(([name, count]) => `${name} ${word} ${count} resource instances`)
      .join(', ');
  return [
    make('NamespaceDeletionDiscoveryFailure', false, 'ResourcesDiscovered', 'All resources successfully discovered'),
    make(
      'NamespaceDeletionGroupVersionParsingFailure',
      false,
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    make(
      'NamespaceDeletionContentFailure',
      false,
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ),
    resources.size > 0
      ? make(
          'NamespaceContentRemaining',
          true,
          'SomeResourcesRemain',
          `Some resources are remaining: ${list(resources, 'has')}`,
        )
      : make('NamespaceContentRemaining', false, 'ContentRemoved', 'All content successfully removed'),
    finalizers.size > 0
      ? make(
          'NamespaceFinalizersRemaining',
          true,
          'SomeFinalizersRemain',
          `Some content in the namespace has finalizers remaining: ${list(finalizers, 'in')}`,
        )
      : make(
          'NamespaceFinalizersRemaining',
          false,
          'ContentHasNoFinalizers',
          'All content-preserving finalizers finished',
        ),
  ];
}
