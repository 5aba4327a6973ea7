/**
 * A Flink configuration: an ordered map of option keys to texts, as Flink's own `Configuration` holds it after loading.
 * Typed reads go through options, which know their aliases. Instances are immutable; `with` and `without` make new ones.
 */
export type ConfigEntries = Readonly<Record<string, string>>;
