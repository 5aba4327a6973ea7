import {
  type Cached,
  type Clock,
  isKubeError,
  type KubeClient,
  type KubeObject,
  type Outcome,
  type Resource,
  removeFinalizer,
} from '@drey/kube';
import { MANAGER } from '../job/primary-writes.ts';

/** Objects with this label are never deployed: whoever runs the operator watches it by them. */
export const CANARY_LABEL = 'flink.apache.org/canary';

/** What of a FlinkDeployment or FlinkSessionJob makes it a canary; it needs no spec. */
export interface Canary {
  readonly metadata: Cached<KubeObject>['metadata'];
  readonly spec: { readonly restartNonce?: number | null | undefined };
  readonly status?:
    | { readonly reconciliationStatus?: { readonly lastReconciledSpec?: string | null | undefined } | null | undefined }
    | undefined;
}

/** Whether an object is a canary. One that was ever deployed is not, whatever its label says: its job goes on being looked after. */
export function isCanary(object: Canary): boolean {
  const wasDeployed = typeof object.status?.reconciliationStatus?.lastReconciledSpec === 'string';
  return object.metadata.labels?.[CANARY_LABEL] === 'true' && !wasDeployed;
}

/** The last change that was made to a canary, and whether a pass has seen it since. */
interface Sign {
  readonly generation: number;
  readonly madeAt: number;
  readonly seen: boolean;
}

/**
 * The canaries of one operator (reference: apache-operator.md 7.2): the operator changes `spec.restartNonce` of each, and has
 * to see that change in a pass within the timeout; then it does so again. One that is overdue means that passes are not made,
 * or that changes do not arrive.
 */
export class Canaries {
  readonly #signs = new Map<string, Sign>();
  readonly #clock: Clock;
  readonly #timeoutMs: () => number;

  constructor(options: { readonly clock: Clock; readonly timeoutMs: () => number }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  /** False while a canary is overdue. */
  get healthy(): boolean {
    const now = this.#clock.monotonic();
    const timeout = this.#timeoutMs();
    // After one was seen the next sign is due within one timeout, and has another one to be seen.
    return [...this.#signs.values()].every(({ madeAt, seen }) => now - madeAt <= (seen ? 2 * timeout : timeout));
  }

  /** The canary is gone, or is none any more. */
  forget(kind: string, key: string): void {
    this.#signs.delete(`${kind} ${key}`);
  }

  /** Another process looks after the canaries of these keys from now on. */
  release(owns: (key: string) => boolean): void {
    for (const at of this.#signs.keys()) if (owns(at.slice(at.indexOf(' ') + 1))) this.#signs.delete(at);
  }

  /**
   * A pass over a canary. `kube` does not show its writes in the caches: a sign counts when a watch brings it. Rejects with a
   * KubeError.
   */
  async pass<T extends KubeObject>(
    kube: KubeClient,
    resource: Resource<T>,
    key: string,
    canary: Cached<T> & Canary,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const at = `${resource.kind} ${key}`;
    if (canary.metadata.deletionTimestamp !== undefined) {
      this.#signs.delete(at);
      // Its finalizer is that of the Apache operator; this one adds none.
      const finalizer = `${resource.plural}.${resource.group}/finalizer`;
      await removeFinalizer(kube, resource, canary as Cached<T>, finalizer, { fieldManager: MANAGER, signal });
      return { type: 'done' };
    }
    const now = this.#clock.monotonic();
    const { generation = 0 } = canary.metadata;
    const last = this.#signs.get(at);
    const seen = last !== undefined && (last.seen || generation > last.generation);
    const restMs = last === undefined ? 0 : last.madeAt + this.#timeoutMs() - now;
    if (last !== undefined && restMs > 0) {
      this.#signs.set(at, { ...last, seen });
      return { type: 'done', requeueAfterMs: restMs };
    }
    // One that was never seen stays overdue until its next sign is.
    if (last === undefined || seen) this.#signs.set(at, { generation, madeAt: now, seen: false });
    const restartNonce = (canary.spec.restartNonce ?? 0) + 1;
    const { namespace, name = '' } = canary.metadata;
    try {
      await kube.patch(
        resource,
        namespace,
        name,
        'merge',
        { spec: { restartNonce } },
        { fieldManager: MANAGER, signal },
      );
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
      this.#signs.delete(at);
    }
    return { type: 'done', requeueAfterMs: this.#timeoutMs() };
  }
}
