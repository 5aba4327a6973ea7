import { FlinkError } from '../errors.ts';
import type { ConfigOption, ValueRules } from './option.ts';
import { isSensitiveKey, MASKED_VALUE } from './secrets.ts';

/** Keys and texts of a configuration, as read from a file or written by a user. */
export type ConfigEntries = Readonly<Record<string, string>>;

const NEWEST_RULES: ValueRules = { structures: 'yaml', isoDurations: true };

/**
 * A Flink configuration: an ordered map of option keys to texts, as Flink's own `Configuration` holds it after loading.
 * Typed reads go through options, which know their aliases. Instances are immutable; `with` and `without` make new ones.
 */
export class FlinkConfig implements Iterable<readonly [string, string]> {
  readonly rules: ValueRules;
  readonly #entries: ReadonlyMap<string, string>;

  private constructor(entries: ReadonlyMap<string, string>, rules: ValueRules) {
    this.#entries = entries;
    this.rules = rules;
  }

  /**
   * Makes a configuration. `rules` say how its texts are read (see `valueRules`); by default as the newest version does.
   */
  static of(
    entries: ConfigEntries | Iterable<readonly [string, string]>,
    rules: ValueRules = NEWEST_RULES,
  ): FlinkConfig {
    const pairs = Symbol.iterator in entries ? (entries as Iterable<[string, string]>) : Object.entries(entries);
    return new FlinkConfig(new Map(pairs), rules);
  }

  get size(): number {
    return this.#entries.size;
  }

  [Symbol.iterator](): IterableIterator<readonly [string, string]> {
    return this.#entries.entries();
  }

  /** Keys in order. */
  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** The text under exactly this key. */
  raw(key: string): string | undefined {
    return this.#entries.get(key);
  }

  /** The key under which an option is set: its own, else the first alias present. Map options may be spread over prefixes. */
  keyOf(declared: ConfigOption<unknown>): string | undefined {
    const found = [declared.key, ...declared.aliases].find((key) => this.#entries.has(key));
    if (found !== undefined || declared.type.spreadable !== true) return found;
    return [declared.key, ...declared.aliases].find((key) => this.prefixed(`${key}.`).size > 0);
  }

  /** Whether an option, or exactly this key, is set. */
  has(declared: ConfigOption<unknown> | string): boolean {
    return typeof declared === 'string' ? this.#entries.has(declared) : this.keyOf(declared) !== undefined;
  }

  /**
   * The value of an option, its default where it is not set. Throws `E_FLINK_CONFIG_VALUE` when the text does not parse.
   */
  get<T, D extends T | undefined>(declared: ConfigOption<T, D>): T | D {
    const key = this.keyOf(declared);
    if (key === undefined) return declared.defaultValue;
    const text = this.#entries.get(key);
    if (text === undefined) return this.prefixed(`${key}.`) as T;
    try {
      return declared.type.parse(text, this.rules);
    } catch (cause) {
      if (!(cause instanceof FlinkError)) throw cause;
      throw invalidValue(key, text, declared.type.name, cause);
    }
  }

  /** The entries whose keys begin with `prefix`, without it. */
  prefixed(prefix: string): ReadonlyMap<string, string> {
    const out = new Map<string, string>();
    for (const [key, value] of this.#entries) if (key.startsWith(prefix)) out.set(key.slice(prefix.length), value);
    return out;
  }

  /** A copy with one key set; a key that exists keeps its place. */
  with(key: string, value: string): FlinkConfig {
    return new FlinkConfig(new Map(this.#entries).set(key, value), this.rules);
  }

  /** A copy with an option set under its current key, its aliases removed. */
  withOption<T>(declared: ConfigOption<T>, value: T): FlinkConfig {
    return this.without(...declared.aliases).with(declared.key, declared.type.format(value, this.rules));
  }

  /** A copy with all of `entries` set; later entries win. */
  withAll(entries: ConfigEntries | Iterable<readonly [string, string]>): FlinkConfig {
    return FlinkConfig.of([...this.#entries, ...FlinkConfig.of(entries)], this.rules);
  }

  /** A copy without these keys. */
  without(...keys: readonly string[]): FlinkConfig {
    const removed = new Set(keys);
    return FlinkConfig.of(
      [...this.#entries].filter(([key]) => !removed.has(key)),
      this.rules,
    );
  }

  /** The same texts read by other rules. */
  withRules(rules: ValueRules): FlinkConfig {
    return new FlinkConfig(this.#entries, rules);
  }

  /** The entries as a plain object. */
  toRecord(): Record<string, string> {
    return Object.fromEntries(this.#entries);
  }
}

function invalidValue(key: string, text: string, typeName: string, cause: FlinkError): FlinkError {
  if (isSensitiveKey(key)) {
    return new FlinkError(
      'E_FLINK_CONFIG_VALUE',
      `Could not parse value ${MASKED_VALUE} for key '${key}' as ${typeName}`,
      cause.nextStep,
    );
  }
  return new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `Could not parse value '${text}' for key '${key}': ${cause.message}`,
    cause.nextStep,
    cause,
  );
}
