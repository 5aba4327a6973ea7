import { type Clock, isKubeError, type KubeClient, type KubeError, type Random, Reflector } from '@drey/kube';
import type { Logger } from 'pino';
import { type Caches, type Watched, watchedBy } from './caches.ts';
import type { OperatorMetrics } from './metrics.ts';

/** What watching needs, and whom it tells. */
export interface NamespaceWatchEnv {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: Pick<OperatorMetrics, 'namespaceReadable'>;
  /** A reflector ended with something that is no error of the API. */
  readonly fault: (what: string, error: unknown) => void;
}

/** One namespace, or all of them. */
interface Scope {
  readonly namespace: string | undefined;
  readonly stop: AbortController;
  /** Kinds of which no list has come yet. */
  readonly unlisted: Set<string>;
  /** Kinds that this operator may not read here. */
  readonly refused: Set<string>;
  /** Passes that came before everything was listed, by kind and key. */
  readonly parked: Map<string, () => void>;
  readonly inWork: Set<Promise<unknown>>;
  reflectors: Promise<unknown>;
}

/**
 * Keeps the caches filled for the watched namespaces, each on its own: one that cannot be read is told and tried again while
 * the others go on, and no object of it is acted on before everything of the namespace was listed, so that what is not known is
 * never taken for absent.
 */
export class NamespaceWatch {
  readonly #env: NamespaceWatchEnv;
  readonly #caches: Caches;
  readonly #labelSelector: string | undefined;
  readonly #signal: AbortSignal;
  readonly #scopes = new Map<string, Scope>();
  readonly #ending = new Set<Promise<unknown>>();

  constructor(env: NamespaceWatchEnv, caches: Caches, labelSelector: string | undefined, signal: AbortSignal) {
    this.#env = env;
    this.#caches = caches;
    this.#labelSelector = labelSelector;
    this.#signal = signal;
  }

  /** The namespaces that are watched; undefined stands for all. */
  get namespaces(): readonly (string | undefined)[] {
    return [...this.#scopes.values()].map(({ namespace }) => namespace);
  }

  /** Watches exactly these namespaces from now on. Objects of those that are no longer among them are left as they are. */
  set(namespaces: readonly (string | undefined)[]): void {
    const wanted = new Map(namespaces.map((namespace) => [namespace ?? '', namespace]));
    for (const [name, namespace] of wanted) if (!this.#scopes.has(name)) this.#add(name, namespace);
    for (const [name, scope] of this.#scopes) if (!wanted.has(name)) this.#remove(name, scope);
  }

  /** Resolves when every scope has been listed or refused. */
  async whenListed(): Promise<void> {
    await Promise.all(watchedBy(this.#caches).map(({ store }) => store.whenSynced(this.#signal)));
  }

  /**
   * Runs a pass over an object when everything of its namespace is known. Otherwise it is parked, and `again` called once
   * everything is: undefined.
   */
  async pass<T>(
    { kind, key }: { readonly kind: string; readonly key: string },
    run: () => Promise<T>,
    again: () => void,
  ): Promise<T | undefined> {
    const scope = this.#scopes.get(key.split('/', 1)[0] ?? '') ?? this.#scopes.get('');
    // Not watched: there is no such object in the caches, and the pass only clears up after it.
    if (scope === undefined) return run();
    if (scope.unlisted.size > 0) {
      scope.parked.set(`${kind} ${key}`, again);
      return undefined;
    }
    const pass = run();
    scope.inWork.add(pass);
    try {
      return await pass;
    } finally {
      scope.inWork.delete(pass);
    }
  }

  /** Resolves when nothing is watched any more; only after the signal has aborted. */
  async ended(): Promise<void> {
    await Promise.all([...this.#scopes.values()].map(({ reflectors }) => reflectors));
    await Promise.all(this.#ending);
  }

  #add(name: string, namespace: string | undefined): void {
    const watched = watchedBy(this.#caches);
    const scope: Scope = {
      namespace,
      stop: new AbortController(),
      unlisted: new Set(watched.map(({ resource }) => resource.plural)),
      refused: new Set(),
      parked: new Map(),
      inWork: new Set(),
      reflectors: Promise.resolve(),
    };
    this.#scopes.set(name, scope);
    scope.reflectors = Promise.all(watched.map((one) => this.#reflect(scope, one)));
  }

  /** Primaries leave the caches first: a pass must not take what else leaves for lost. */
  #remove(name: string, scope: Scope): void {
    this.#scopes.delete(name);
    scope.stop.abort(new Error('the namespace is no longer watched'));
    const watched = watchedBy(this.#caches);
    const drop = (primary: boolean): void => {
      for (const one of watched) if (one.primary === primary) one.store.drop(scope.namespace);
    };
    drop(true);
    const ending = Promise.allSettled([scope.reflectors, ...scope.inWork]).then(() => {
      // It may have come back meanwhile, with feeds of its own.
      if (!this.#scopes.has(name)) drop(false);
      this.#ending.delete(ending);
    });
    this.#ending.add(ending);
    if (scope.namespace !== undefined) this.#env.metrics.namespaceReadable.remove({ namespace: scope.namespace });
    this.#env.log.info({ ns: scope.namespace }, 'namespace is no longer watched');
  }

  async #reflect(scope: Scope, { resource, store, selector, primary, dispensable }: Watched): Promise<void> {
    const { kube, clock, random, fault } = this.#env;
    const { namespace } = scope;
    const labels = primary ? this.#labelSelector : selector;
    const feed = store.feed(namespace);
    const reflector = new Reflector({
      ...{ client: kube, resource, feed, clock, random },
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labelSelector: labels }),
      observer: {
        listed: () => this.#listed(scope, resource.plural),
        failed: (error, retryMs) => {
          if (dispensable && isKubeError(error, 'E_KUBE_FORBIDDEN')) {
            this.#dispensed(scope, resource.plural, error);
            feed.skip();
          } else if (this.#failed(scope, resource.plural, error, retryMs)) feed.skip();
        },
      },
    });
    try {
      await reflector.run(AbortSignal.any([this.#signal, scope.stop.signal]));
    } catch (error) {
      fault(`the watch of ${resource.plural}`, error);
    }
  }

  /** The rest of the namespace is worked on without this kind. */
  #dispensed(scope: Scope, plural: string, { code, message }: KubeError): void {
    if (!scope.unlisted.has(plural)) return;
    const what = 'this kind may not be read: who asks for it is told, all others go on';
    this.#env.log.info({ ns: scope.namespace, resource: plural, code, reason: message }, what);
    this.#listed(scope, plural);
  }

  #listed(scope: Scope, plural: string): void {
    scope.unlisted.delete(plural);
    if (scope.refused.delete(plural) && scope.refused.size === 0)
      this.#env.log.info({ ns: scope.namespace }, 'the namespace can be read again');
    if (scope.refused.size === 0) this.#mark(scope, 1);
    if (scope.unlisted.size > 0) return;
    const parked = [...scope.parked.values()];
    scope.parked.clear();
    for (const again of parked) again();
  }

  /** True when nobody should wait for this list. */
  #failed(scope: Scope, plural: string, error: KubeError, retryMs: number): boolean {
    const { namespace } = scope;
    const { log } = this.#env;
    if (isKubeError(error, 'E_KUBE_FORBIDDEN') && namespace !== undefined) {
      if (!scope.refused.has(plural)) {
        const { code, nextStep } = error;
        log.warn(
          { ns: namespace, resource: plural, code, err: error, nextStep },
          'a watched namespace refuses to be read',
        );
      }
      scope.refused.add(plural);
      this.#mark(scope, 0);
      return true;
    }
    log.warn({ resource: plural, ns: namespace, retryMs, err: error }, 'watch failed');
    // The kind is not installed: there are no such objects, and the list is tried again.
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) return false;
    this.#listed(scope, plural);
    return true;
  }

  #mark({ namespace }: Scope, readable: 0 | 1): void {
    if (namespace !== undefined) this.#env.metrics.namespaceReadable.set({ namespace }, readable);
  }
}
