import type { FlinkDeployment } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject, Deployment } from '@drey/kube';
import type { Violation } from './oracles.ts';

/**
 * The part of rule 8 that is about objects, checked at every change: no owner reference leads into another namespace, a
 * cluster stands in the namespace of its FlinkDeployment, and its pods run as the account that its user named. What is asked
 * of Flink across namespaces shows in the safety oracle.
 */
export class NamespaceOracle {
  readonly violations: Violation[] = [];
  readonly #world: SimulatedWorld;
  readonly #now: () => number;
  /** Namespace of every object that there ever was, by uid. */
  readonly #homes = new Map<string, string>();
  /** Accounts that the users of a cluster ever named, by `namespace/name`. */
  readonly #named = new Map<string, Set<string>>();

  constructor(world: SimulatedWorld, now: () => number) {
    this.#world = world;
    this.#now = now;
    for (const record of world.server.server.registry.all().flatMap(({ group, plural }) => this.#all(group, plural)))
      this.#remember(record);
    world.store.subscribe(undefined, ({ type, record: { object } }) => {
      if (type === 'DELETED') return;
      this.#remember(object);
      this.#references(object);
      if (object.kind === 'Deployment') this.#account(object as unknown as Deployment);
    });
  }

  #all(group: string, plural: string): readonly AnyObject[] {
    return this.#world.server.server.reader.list(group, plural, undefined);
  }

  #remember(object: AnyObject): void {
    const { uid = '', namespace, name } = object.metadata;
    this.#homes.set(uid, namespace ?? '');
    if (object.kind !== 'FlinkDeployment') return;
    const { serviceAccount } = (object as unknown as FlinkDeployment).spec;
    const key = `${namespace}/${name}`;
    this.#named.set(key, (this.#named.get(key) ?? new Set()).add(serviceAccount ?? 'default'));
  }

  #references({ kind, metadata }: AnyObject): void {
    const { namespace, name } = metadata;
    for (const { uid, kind: owner, name: ownerName } of metadata.ownerReferences ?? []) {
      const home = this.#homes.get(uid);
      if (namespace === undefined || home === namespace) continue;
      const where = home === undefined ? 'that never was' : `in ${home}`;
      this.#violate(`${kind} ${namespace}/${name} belongs to ${owner} ${ownerName} ${where}`);
    }
  }

  #account({ metadata: { namespace, name, labels }, spec }: Deployment): void {
    const cluster = `${namespace}/${labels?.app}`;
    const named = this.#named.get(cluster);
    const account = spec?.template.spec?.serviceAccountName ?? 'default';
    if (named === undefined) this.#violate(`Deployment ${namespace}/${name} is of no FlinkDeployment there`);
    else if (!named.has(account))
      this.#violate(`Deployment ${namespace}/${name} runs as ${account}, which nobody named`);
  }

  #violate(detail: string): void {
    this.violations.push({ rule: STAYS, at: this.#now(), detail });
  }
}

/** Rule 8: no reference crosses a namespace, and nothing runs with rights that its user did not name. */
export const STAYS = 'nothing crosses a namespace';
