import { type Clock, isKubeError, type KubeClient, Pod, type PodStatus, sleep } from '@drey/kube';

const RETRY_MS = 1000;

interface Slot {
  next: { pod: Pod; status: PodStatus } | undefined;
  written: string;
  writing: Promise<void> | undefined;
}

/**
 * Writes pod statuses, one at a time for each pod and only the newest: a status that changed while an older one was on
 * its way takes the place of everything between. Failures are retried until the pod is gone.
 */
export class StatusWriter {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #slots = new Map<string, Slot>();

  constructor(client: KubeClient, clock: Clock, signal: AbortSignal) {
    this.#client = client;
    this.#clock = clock;
    this.#signal = signal;
  }

  publish(pod: Pod, status: PodStatus): void {
    const uid = pod.metadata.uid ?? '';
    const slot = this.#slots.get(uid) ?? { next: undefined, written: '', writing: undefined };
    this.#slots.set(uid, slot);
    slot.next = { pod, status };
    slot.writing ??= this.#write(slot).finally(() => {
      slot.writing = undefined;
    });
  }

  /** Resolves when the last status is on the server or the pod is gone. */
  async settled(pod: Pod): Promise<void> {
    await this.#slots.get(pod.metadata.uid ?? '')?.writing;
  }

  forget(pod: Pod): void {
    this.#slots.delete(pod.metadata.uid ?? '');
  }

  async #write(slot: Slot): Promise<void> {
    while (slot.next !== undefined && !this.#signal.aborted) {
      const { pod, status } = slot.next;
      slot.next = undefined;
      const text = JSON.stringify(status);
      if (text === slot.written) continue;
      try {
        const { namespace, name = '', uid } = pod.metadata;
        const patch = { metadata: { uid }, status };
        await this.#client.patch(Pod, namespace, name, 'strategic', patch, { subresource: 'status' });
        slot.written = text;
      } catch (error) {
        if (isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) return;
        slot.next ??= { pod, status };
        await sleep(this.#clock, RETRY_MS, this.#signal).catch(() => undefined);
      }
    }
  }
}
