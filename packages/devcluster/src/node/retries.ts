/** Pauses before a pod's volumes and images are tried again. */

const VOLUME = { firstMs: 20, maxMs: 1000, eventAfterMs: 1000 } as const;
const IMAGE = { firstMs: 10_000, maxMs: 300_000 } as const;

/**
 * What a volume lacks is usually about to be created, so the first attempts follow closely and make no event; one event
 * for each new message comes after a second.
 */
export class VolumeRetry {
  #failures = 0;
  #since = 0;
  #reported = '';

  /** An attempt failed. `report` says whether it is time for an event. */
  failed(message: string, now: number): { readonly delayMs: number; readonly report: boolean } {
    if (this.#failures === 0) this.#since = now;
    const delayMs = Math.min(VOLUME.maxMs, VOLUME.firstMs * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    const report = now - this.#since >= VOLUME.eventAfterMs && this.#reported !== message;
    if (report) this.#reported = message;
    return { delayMs, report };
  }
}

/** Image failures by container: 10 s doubling to 5 min, as kubelets do. */
export class ImageRetry {
  readonly #failures = new Map<string, number>();

  failed(container: string): { readonly delayMs: number; readonly first: boolean } {
    const failures = this.#failures.get(container) ?? 0;
    this.#failures.set(container, failures + 1);
    return { delayMs: Math.min(IMAGE.maxMs, IMAGE.firstMs * 2 ** failures), first: failures === 0 };
  }

  found(container: string): void {
    this.#failures.delete(container);
  }
}
