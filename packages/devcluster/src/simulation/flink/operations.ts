import type { Random } from '@drey/kube';
import { randomHex } from './random-hex.ts';

/** What an asynchronous operation came to. */
export type OperationResult =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: string };

interface Operation {
  result: OperationResult | undefined;
}

/**
 * Flink's cache of asynchronous operations: a trigger id that was used before for the same kind and job starts nothing and
 * answers the same, and everything is forgotten with the process.
 */
export class Operations {
  readonly #random: Random;
  readonly #byKey = new Map<string, Operation>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns the trigger id; `start` runs only for a new one. */
  trigger(
    kind: string,
    jobId: string,
    triggerId: string | undefined,
    start: (finish: (result: OperationResult) => void) => void,
  ): string {
    const id = triggerId ?? randomHex(this.#random, 32);
    const key = `${kind}/${jobId}/${id}`;
    if (this.#byKey.has(key)) return id;
    const operation: Operation = { result: undefined };
    this.#byKey.set(key, operation);
    start((result) => {
      operation.result = result;
    });
    return id;
  }

  /** `unknown`: no such trigger here, for example since a fail-over. */
  poll(kind: string, jobId: string, triggerId: string): 'unknown' | 'pending' | OperationResult {
    const operation = this.#byKey.get(`${kind}/${jobId}/${triggerId}`);
    if (operation === undefined) return 'unknown';
    return operation.result ?? 'pending';
  }
}
