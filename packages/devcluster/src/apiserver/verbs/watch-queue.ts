/** A watcher that lags behind by more than this many bytes is cut off; its client lists again. */
export const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** Bytes on their way to one watcher: pushed by the store, pulled by the connection. */
export class WatchQueue implements AsyncIterable<Uint8Array> {
  readonly #onEnd: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #waiting: (() => void) | undefined;

  /** `onEnd` runs once, when the stream is over for whatever reason. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(frame: Uint8Array): void {
    if (this.#ended) return;
    this.#frames.push(frame);
    this.#bytes += frame.byteLength;
    if (this.#bytes > MAX_PENDING_BYTES) {
      this.#frames = [];
      this.end();
      return;
    }
    this.#wake();
  }

  /** What was pushed before is still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        const frames = this.#frames;
        this.#frames = [];
        this.#bytes = 0;
        if (frames.length === 1 && frames[0] !== undefined) yield frames[0];
        else if (frames.length > 1) yield Buffer.concat(frames);
        else if (this.#ended) return;
        else {
          await new Promise<void>((resolve) => {
            this.#waiting = resolve;
          });
        }
      }
    } finally {
      this.end();
    }
  }
}
