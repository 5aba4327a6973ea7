import type { AnyObject, Clock, KubeClient, ObjectMeta, OwnerReference, Random } from '@drey/kube';
import type { ApiServer } from '../apiserver/index.ts';
import type { ServedResource } from '../apiserver/registry/served.ts';
import type { Change, StoredRecord } from '../apiserver/storage/index.ts';
import { OneAtATime } from './one-at-a-time.ts';

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

export interface GarbageCollectorOptions {
  readonly server: Pick<ApiServer, 'store' | 'registry'>;
  /** Acts as the collector; its requests are ordinary ones. */
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random?: Random;
  /** Hears of passes that failed; they are tried again. */
  readonly failed?: (object: string, error: unknown) => void;
}

/**
 * Deletes what nobody owns any longer, and does the garbage collector's part of Orphan and Foreground deletions. It reads
 * the store, which is never stale, and writes through the API. Returns how to stop.
 */
export function startGarbageCollector(options: GarbageCollectorOptions): () => void {
  const collector = new GarbageCollector(options);
  return () => collector.stop();
}

interface Place {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
}

class GarbageCollector {
  readonly #options: GarbageCollectorOptions;
  /** Every object, by uid. */
  readonly #places = new Map<string, Place>();
  /** Uids of dependents, by the uid of their owner. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #queue: OneAtATime;
  readonly #unsubscribe: () => void;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
    this.#queue = new OneAtATime({
      clock: options.clock,
      handle: (uid) => this.#handle(uid),
      failed: (uid, error) => this.#failed(uid, error),
    });
    const { store, registry } = options.server;
    for (const key of new Set(registry.all().map((resource) => resource.storageKey))) {
      for (const record of store.list(key, { namespace: undefined })) this.#added(record);
    }
    this.#unsubscribe = store.subscribe(undefined, (change) => this.#changed(change));
  }

  stop(): void {
    this.#unsubscribe();
    this.#queue.stop();
  }

  #changed({ type, record, previous }: Change): void {
    if (previous !== undefined) this.#forgetOwners(previous);
    if (type === 'DELETED') this.#removed(record);
    else this.#added(record);
  }

  #added(record: StoredRecord): void {
    const { metadata } = record.object;
    const { uid = '', ownerReferences = [], finalizers = [] } = metadata;
    this.#places.set(uid, { key: record.key, namespace: record.namespace, name: record.name });
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, dependents.add(uid));
    }
    const asked =
      metadata.deletionTimestamp !== undefined && finalizers.some((name) => name === ORPHAN || name === FOREGROUND);
    if (ownerReferences.length > 0 || asked) this.#queue.add(uid);
    // An owner that waits may have waited for this change.
    for (const owner of ownerReferences) if (this.#isWaiting(owner.uid)) this.#queue.add(owner.uid);
  }

  #removed(record: StoredRecord): void {
    const { uid = '', ownerReferences = [] } = record.object.metadata;
    this.#places.delete(uid);
    for (const dependent of this.#dependents.get(uid) ?? []) this.#queue.add(dependent);
    for (const owner of ownerReferences) if (this.#isWaiting(owner.uid)) this.#queue.add(owner.uid);
  }

  #forgetOwners({ object }: StoredRecord): void {
    const { uid = '', ownerReferences = [] } = object.metadata;
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }

  #read(uid: string): StoredRecord | undefined {
    const place = this.#places.get(uid);
    return place === undefined ? undefined : this.#options.server.store.get(place.key, place.namespace, place.name);
  }

  #isWaiting(uid: string): boolean {
    const metadata = this.#read(uid)?.object.metadata;
    return metadata?.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(FOREGROUND);
  }

  #failed(uid: string, error: unknown): void {
    const place = this.#places.get(uid);
    this.#options.failed?.(place === undefined ? uid : `${place.key} ${place.namespace}/${place.name}`, error);
  }

  async #handle(uid: string): Promise<void> {
    const record = this.#read(uid);
    if (record === undefined) return;
    const { metadata } = record.object;
    const finalizers = metadata.finalizers ?? [];
    if (metadata.deletionTimestamp !== undefined) {
      if (finalizers.includes(ORPHAN)) return this.#orphanDependents(record);
      if (finalizers.includes(FOREGROUND)) return this.#deleteDependents(record);
      return;
    }
    if ((metadata.ownerReferences ?? []).length > 0) await this.#checkOwners(record);
  }

  async #orphanDependents(record: StoredRecord): Promise<void> {
    const { uid = '' } = record.object.metadata;
    for (const dependent of [...(this.#dependents.get(uid) ?? [])]) {
      const child = this.#read(dependent);
      if (child !== undefined) await this.#keepOwners(child, (owner) => owner.uid !== uid);
    }
    await this.#dropFinalizer(record, ORPHAN);
  }

  async #deleteDependents(record: StoredRecord): Promise<void> {
    const { uid = '' } = record.object.metadata;
    let isBlocked = false;
    for (const dependent of [...(this.#dependents.get(uid) ?? [])]) {
      const child = this.#read(dependent);
      if (child === undefined) continue;
      const owner = child.object.metadata.ownerReferences?.find((reference) => reference.uid === uid);
      if (owner?.blockOwnerDeletion === true) isBlocked = true;
      if (child.object.metadata.deletionTimestamp === undefined) await this.#checkOwners(child);
    }
    if (!isBlocked || !this.#hasBlockingDependents(uid)) await this.#dropFinalizer(record, FOREGROUND);
  }

  #hasBlockingDependents(uid: string): boolean {
    return [...(this.#dependents.get(uid) ?? [])].some((dependent) =>
      this.#read(dependent)?.object.metadata.ownerReferences?.some(
        (reference) => reference.uid === uid && reference.blockOwnerDeletion === true,
      ),
    );
  }

  /** Keeps an object while one owner stays, lets go of the others; deletes it when none stays. */
  async #checkOwners(record: StoredRecord): Promise<void> {
    const owners = record.object.metadata.ownerReferences ?? [];
    const states = owners.map((owner) => this.#stateOf(owner, record));
    if (states.includes('there')) {
      if (states.some((state) => state !== 'there')) {
        await this.#keepOwners(record, (owner) => states[owners.indexOf(owner)] === 'there');
      }
      return;
    }
    const uid = record.object.metadata.uid ?? '';
    const finalizers = record.object.metadata.finalizers ?? [];
    const foreground = finalizers.includes(FOREGROUND) || (states.includes('waiting') && this.#dependents.has(uid));
    const propagation = finalizers.includes(ORPHAN) ? 'Orphan' : foreground ? 'Foreground' : 'Background';
    const { resource, namespace, name } = this.#target(record);
    await this.#options.client.delete(resource, namespace, name, { propagation, uid });
  }

  /** `waiting`: the owner is being deleted in the foreground and wants its dependents gone. */
  #stateOf(owner: OwnerReference, { namespace }: StoredRecord): 'there' | 'gone' | 'waiting' {
    const [version = '', group = ''] = owner.apiVersion.split('/').reverse();
    const resource = this.#options.server.registry.findKind(group, version, owner.kind);
    // An unknown kind is no proof of absence.
    if (resource === undefined) return 'there';
    const place = resource.namespaced ? namespace : '';
    const found = this.#options.server.store.get(resource.storageKey, place, owner.name);
    if (found === undefined || found.object.metadata.uid !== owner.uid) return 'gone';
    return this.#isWaiting(owner.uid) ? 'waiting' : 'there';
  }

  async #keepOwners(record: StoredRecord, keeps: (owner: OwnerReference) => boolean): Promise<void> {
    const { ownerReferences = [], uid } = record.object.metadata;
    const kept = ownerReferences.filter(keeps);
    if (kept.length === ownerReferences.length) return;
    await this.#patch(record, { uid, ownerReferences: kept.length === 0 ? null : kept });
  }

  async #dropFinalizer(record: StoredRecord, finalizer: string): Promise<void> {
    const left = (record.object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    await this.#patch(record, { finalizers: left.length === 0 ? null : left });
  }

  /** Optimistic: what changed meanwhile comes back to the queue by itself. */
  async #patch(record: StoredRecord, metadata: Partial<Record<keyof ObjectMeta, unknown>>): Promise<void> {
    const { resource, namespace, name } = this.#target(record);
    const { resourceVersion } = record.object.metadata;
    await this.#options.client.patch<AnyObject>(resource, namespace, name, 'merge', {
      metadata: { resourceVersion, ...metadata },
    });
  }

  #target({ key, namespace, name }: StoredRecord): {
    resource: ServedResource;
    namespace: string | undefined;
    name: string;
  } {
    const resource = this.#options.server.registry.all().find(({ storageKey }) => storageKey === key);
    if (resource === undefined) throw new Error(`${key} is not served any more`);
    return { resource, namespace: namespace === '' ? undefined : namespace, name };
  }
}
