import { isDeepStrictEqual } from 'node:util';
import type { AnyObject, Clock } from '@drey/kube';
import { crdStatus } from '../crd/index.ts';
import { recordUpdate } from '../ssa/index.ts';
import type { ObjectStore, StoredRecord } from '../storage/index.ts';
import { customNames, customResources } from './custom-resources.ts';
import type { ResourceRegistry } from './registry.ts';
import { CLEANUP_FINALIZER } from './rules/custom-definitions.ts';
import { fieldsOf, listOf } from './rules/fields.ts';

const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';

export interface DefinitionControllerOptions {
  readonly store: ObjectStore;
  readonly registry: ResourceRegistry;
  readonly clock: Clock;
  /** Deletes one instance through the API, so that finalizers and admission count. Resolves when it was asked for. */
  readonly deleteInstance: (crd: AnyObject, instance: AnyObject) => Promise<void>;
}

/**
 * Accepts the names of custom resource definitions, serves the established ones, and empties those that are deleted.
 * What a definition changes is served when its change has been handled: in the same turn of the event loop.
 */
export class DefinitionController {
  readonly #options: DefinitionControllerOptions;
  /** Names whose turn is to come. */
  readonly #pending = new Set<string>();
  /** Generation and deletion mark that were served last, by name: status changes alone compile nothing. */
  readonly #served = new Map<string, string>();
  /** Definitions being emptied, by storage key of their instances. */
  readonly #emptying = new Map<string, string>();
  #scheduled = false;

  constructor(options: DefinitionControllerOptions) {
    this.#options = options;
    for (const record of options.store.list(DEFINITIONS, { namespace: undefined })) this.#handle(record.name);
    options.store.subscribe(undefined, ({ type, record }) => {
      if (record.key === DEFINITIONS) this.#enqueue(record.name);
      else if (type === 'DELETED') {
        const name = this.#emptying.get(record.key);
        if (name !== undefined) this.#enqueue(name);
      }
    });
  }

  #enqueue(name: string): void {
    this.#pending.add(name);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Not in the store's own turn: listeners must not write.
    queueMicrotask(() => {
      this.#scheduled = false;
      const names = [...this.#pending];
      this.#pending.clear();
      for (const next of names) this.#handle(next);
    });
  }

  #handle(name: string): void {
    const { store } = this.#options;
    const record = store.get(DEFINITIONS, '', name);
    if (record === undefined) {
      this.#served.delete(name);
      this.#options.registry.setCustom(name, []);
      return;
    }
    if (record.object.metadata.deletionTimestamp !== undefined) this.#empty(record);
    if (!this.#updateStatus(record)) this.#serve(record);
  }

  /** Writes what names and conditions follow; true when that made a new version, which comes back here. */
  #updateStatus(record: StoredRecord): boolean {
    const { store, clock } = this.#options;
    const { object } = record;
    const { group } = customNames(object);
    const others = store
      .list(DEFINITIONS, { namespace: undefined })
      .map((other) => other.object)
      .filter((other) => other !== object && customNames(other).group === group);
    const time = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const status = crdStatus(object, others, time);
    if (status === object.status || isDeepStrictEqual(status, object.status)) return false;
    this.#write(record, { ...object, status }, time);
    return true;
  }

  #write(record: StoredRecord, object: AnyObject, time: string): void {
    const { store, registry } = this.#options;
    const schema = registry.find('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')?.schema ?? { t: 'any' };
    const owned = recordUpdate({
      manager: 'kube-apiserver',
      apiVersion: 'apiextensions.k8s.io/v1',
      subresource: 'status',
      time,
      schema,
      old: record.object,
      object,
    });
    store.write(DEFINITIONS, owned, record);
  }

  #serve(record: StoredRecord): void {
    const { registry, store } = this.#options;
    const { object, name } = record;
    const mark = `${object.metadata.uid}/${object.metadata.generation}`;
    if (!isEstablished(object) || this.#served.get(name) === mark) return;
    const resources = customResources(object);
    const [first] = resources;
    // What was stored before it was served cannot be watched from.
    if (first !== undefined && !this.#served.has(name)) store.startHistory(first.storageKey);
    this.#served.set(name, mark);
    registry.setCustom(name, resources);
  }

  #empty(record: StoredRecord): void {
    const { store } = this.#options;
    const { object, name } = record;
    if (!(object.metadata.finalizers ?? []).includes(CLEANUP_FINALIZER)) return;
    const { group, plural } = customNames(object);
    const key = `${group}/${plural}`;
    const instances = store.list(key, { namespace: undefined });
    if (instances.length === 0) {
      this.#emptying.delete(key);
      this.#release(record);
      return;
    }
    this.#emptying.set(key, name);
    for (const instance of instances) {
      if (instance.object.metadata.deletionTimestamp !== undefined) continue;
      void this.#options.deleteInstance(object, instance.object);
    }
  }

  /** Nothing is left: the definition may go. */
  #release(record: StoredRecord): void {
    const { store } = this.#options;
    const finalizers = (record.object.metadata.finalizers ?? []).filter((name) => name !== CLEANUP_FINALIZER);
    const { finalizers: _old, ...metadata } = record.object.metadata;
    if (finalizers.length === 0) store.remove(record);
    else store.write(DEFINITIONS, { ...record.object, metadata: { ...metadata, finalizers } }, record);
  }
}

function isEstablished(crd: AnyObject): boolean {
  return listOf(fieldsOf(crd.status).conditions).some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
}
