import { FlinkError } from '../errors.ts';
import type { FlinkVersion, MinorVersion } from '../versions/version.ts';
import { atLeast, before } from '../versions/version.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { formatJavaDouble, parseJavaDouble, parseJavaInteger } from './java-text.ts';
import { formatMemorySize, type MemorySize, parseMemorySize } from './memory-size.ts';
import {
  formatList,
  formatMap,
  formatMapList,
  parseList,
  parseMap,
  parseMapList,
  type StructureSyntax,
} from './structured.ts';

/** How texts of a configuration are read: it depends on the Flink version and on the file the texts came from. */
export interface ValueRules {
  /** How lists and maps are read. */
  readonly structures: StructureSyntax;
  /** Whether durations may be ISO-8601 (`PT10S`). */
  readonly isoDurations: boolean;
}

/** The rules of a version; `file` says whether its legacy file was loaded (only 1.19 and 1.20 have the choice). */
export function valueRules(version: FlinkVersion, file: 'legacy' | 'yaml' | 'any' = 'any'): ValueRules {
  const legacy = before(version, '1.19') || (file === 'legacy' && before(version, '2.0'));
  return { structures: legacy ? 'legacy' : 'yaml', isoDurations: atLeast(version, '2.1') };
}

/** How one type of option is read from text and written to text. `parse` throws `E_FLINK_CONFIG_VALUE`. */
export interface ValueType<T> {
  readonly name: string;
  /** True for maps, which may also be given as one key per entry: `<option>.<entry>`. */
  readonly spreadable?: boolean;
  parse(text: string, rules: ValueRules): T;
  format(value: T, rules: ValueRules): string;
}

/**
 * One option that Flink or the operator knows. `D` is the type of the default: `undefined` where there is none.
 */
export interface ConfigOption<T, D extends T | undefined = T | undefined> {
  readonly key: string;
  /** Keys that are read when `key` is absent, in Flink's order (fallback keys, then deprecated ones). */
  readonly aliases: readonly string[];
  readonly type: ValueType<T>;
  readonly defaultValue: D;
  /** The first minor line that knows the option under any name; absent: all supported ones. */
  readonly since?: MinorVersion;
  /** The first minor line that no longer knows it. */
  readonly until?: MinorVersion;
  /** Lines before `since` know the option only under `key`. Newest renaming first. */
  readonly renamed?: readonly { readonly since: MinorVersion; readonly key: string }[];
}

type Extra = Partial<Pick<ConfigOption<unknown>, 'aliases' | 'since' | 'until' | 'renamed'>>;

/** Declares an option that has a default. */
export function option<T>(key: string, type: ValueType<T>, defaultValue: T, extra: Extra = {}): ConfigOption<T, T> {
  return { key, type, defaultValue, ...extra, aliases: withRenamed(extra) };
}

/** Declares an option without a default. */
export function optionalOption<T>(key: string, type: ValueType<T>, extra: Extra = {}): ConfigOption<T, undefined> {
  return { key, type, defaultValue: undefined, ...extra, aliases: withRenamed(extra) };
}

/** Keys of earlier versions come before the aliases, unless they stand among those. */
function withRenamed({ renamed = [], aliases = [] }: Extra): string[] {
  return [...renamed.map((one) => one.key).filter((key) => !aliases.includes(key)), ...aliases];
}

/** The name under which `version` knows an option: an old one before its renaming. */
export function keyFor(declared: ConfigOption<unknown>, version: FlinkVersion): string {
  const older = (declared.renamed ?? []).filter((one) => before(version, one.since));
  return older.at(-1)?.key ?? declared.key;
}

/** Whether a version knows an option under any name. */
export function isKnown(declared: ConfigOption<unknown>, version: FlinkVersion): boolean {
  return (
    (declared.since === undefined || atLeast(version, declared.since)) &&
    (declared.until === undefined || before(version, declared.until))
  );
}

export const stringType: ValueType<string> = { name: 'text', parse: (text) => text, format: (value) => value };

export const booleanType: ValueType<boolean> = {
  name: 'boolean',
  parse(text) {
    const upper = text.toUpperCase();
    if (upper === 'TRUE') return true;
    if (upper === 'FALSE') return false;
    throw refuse(`"${text}" is neither true nor false`, 'Write true or false.');
  },
  format: String,
};

/** A 32-bit integer. */
export const intType: ValueType<number> = {
  name: 'integer',
  parse(text) {
    const value = parseJavaInteger(text, 32);
    if (value === undefined) throw refuse(`"${text}" is not a 32-bit integer`, 'Write a whole number without blanks.');
    return Number(value);
  },
  format: String,
};

/** A 64-bit integer. */
export const longType: ValueType<bigint> = {
  name: 'long integer',
  parse(text) {
    const value = parseJavaInteger(text, 64);
    if (value === undefined) throw refuse(`"${text}" is not a 64-bit integer`, 'Write a whole number without blanks.');
    return value;
  },
  format: String,
};

export const doubleType: ValueType<number> = {
  name: 'number',
  parse(text) {
    const value = parseJavaDouble(text);
    if (value === undefined) throw refuse(`"${text}" is not a number`, 'Write a number such as 0.5.');
    return value;
  },
  format: formatJavaDouble,
};

/** A 32-bit floating point number; fractions of the memory model are such, which shows in the last bytes. */
export const floatType: ValueType<number> = {
  name: 'number',
  parse: (text, rules) => Math.fround(doubleType.parse(text, rules)),
  format: (value) => String(Number(value.toPrecision(8))),
};

export const memoryType: ValueType<MemorySize> = {
  name: 'memory size',
  parse: parseMemorySize,
  format: formatMemorySize,
};

/** A duration, read as milliseconds (with a fraction where it is finer than that). */
export const durationType: ValueType<number> = {
  name: 'duration',
  parse: (text, rules) => Number(parseDuration(text, rules)) / 1e6,
  format: (value) => formatDuration(BigInt(Math.round(value * 1e6))),
};

export const listType: ValueType<readonly string[]> = {
  name: 'list',
  parse: (text, rules) => parseList(text, rules.structures),
  format: (value, rules) => formatList(value, rules.structures),
};

export const mapType: ValueType<ReadonlyMap<string, string>> = {
  name: 'map',
  spreadable: true,
  parse: (text, rules) => parseMap(text, rules.structures),
  format: (value, rules) => formatMap(value, rules.structures),
};

export const mapListType: ValueType<readonly ReadonlyMap<string, string>[]> = {
  name: 'list of maps',
  parse: (text, rules) => parseMapList(text, rules.structures),
  format: (value, rules) => formatMapList(value, rules.structures),
};

/** One of fixed words, in any letter case; read as the word is declared. */
export function enumType<const W extends string>(...words: readonly W[]): ValueType<W> {
  return {
    name: `one of ${words.join(', ')}`,
    parse(text) {
      const found = words.find((word) => word.toUpperCase() === text.toUpperCase());
      if (found === undefined)
        throw refuse(`"${text}" is none of ${words.join(', ')}`, `Write one of ${words.join(', ')}.`);
      return found;
    },
    format: (value) => value,
  };
}

function refuse(reason: string, next: string): FlinkError {
  return new FlinkError('E_FLINK_CONFIG_VALUE', reason, next);
}
