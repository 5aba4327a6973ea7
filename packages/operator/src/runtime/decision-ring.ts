/** One decision: what was known, what was decided, and what came of it. */
export interface Decision {
  readonly kind: string;
  /** `namespace/name`. */
  readonly key: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Plain data, as the kind's `decide` takes it. */
  readonly world: unknown;
  /** Plain data, as the kind's `decide` gave it. */
  readonly plan: unknown;
  /** Nothing was written, done or told. Of such decisions in a row only the last is kept. */
  readonly quiet: boolean;
  /** Why the plan could not be carried out to its end. */
  readonly failure?: string;
}

/** Takes note of a decision; never fails. Controllers of all kinds call it once a pass, after `act`. */
export type DecisionSink = (decision: Decision) => void;

/** How many decisions are kept of one object. */
const PER_OBJECT = 12;
/** How many are kept of all objects together; the objects that were decided about longest ago lose theirs first. */
const IN_ALL = 600;

/**
 * The last decisions about each object, in memory. It keeps references to what the passes had in hand and copies nothing, so
 * taking note costs next to nothing; what goes out is redacted then. Bounded twice: {@link PER_OBJECT} and {@link IN_ALL}.
 */
export class DecisionRing {
  readonly #perObject: number;
  readonly #inAll: number;
  /** In the order of the newest decision about each object. */
  readonly #objects = new Map<string, Decision[]>();
  #size = 0;

  constructor(limits: { readonly perObject?: number; readonly inAll?: number } = {}) {
    this.#perObject = limits.perObject ?? PER_OBJECT;
    this.#inAll = limits.inAll ?? IN_ALL;
  }

  /** How many decisions are kept. */
  get size(): number {
    return this.#size;
  }

  readonly record: DecisionSink = (decision) => {
    const name = nameOf(decision.kind, decision.key);
    const kept = this.#objects.get(name) ?? [];
    this.#objects.delete(name);
    if (decision.quiet && kept.at(-1)?.quiet === true) this.#drop(kept, 'last');
    kept.push(decision);
    this.#size += 1;
    if (kept.length > this.#perObject) this.#drop(kept, 'first');
    this.#objects.set(name, kept);
    while (this.#size > this.#inAll) this.#dropOldest();
  };

  /** The decisions about one object, oldest first. */
  of(kind: string, key: string): readonly Decision[] {
    return this.#objects.get(nameOf(kind, key)) ?? [];
  }

  /** The objects that decisions are kept of, the one decided about last at the end. */
  objects(): readonly { readonly kind: string; readonly key: string; readonly decisions: number }[] {
    return [...this.#objects.values()].flatMap((kept) => {
      const [first] = kept;
      return first === undefined ? [] : [{ kind: first.kind, key: first.key, decisions: kept.length }];
    });
  }

  #drop(kept: Decision[], which: 'first' | 'last'): void {
    if (which === 'first') kept.shift();
    else kept.pop();
    this.#size -= 1;
  }

  #dropOldest(): void {
    const oldest = this.#objects.entries().next().value;
    if (oldest === undefined) return;
    const [name, kept] = oldest;
    this.#drop(kept, 'first');
    if (kept.length === 0) this.#objects.delete(name);
  }
}

function nameOf(kind: string, key: string): string {
  return `${kind}/${key}`;
}
