import { FlinkError } from '../errors.ts';
import { atLeast, type FlinkVersion, minorOf } from '../versions/version.ts';
import type { ConfigEntries } from './configuration.ts';
import { nearest } from './edit-distance.ts';
import { flinkKey, flinkKeys, isKnownTo, isMapEntry, type KnownKey, OWN_OPTIONS } from './known-keys.ts';
import {
  booleanType,
  doubleType,
  durationType,
  intType,
  longType,
  mapType,
  memoryType,
  type ValueRules,
  type ValueType,
  valueRules,
} from './option.ts';
import { autoscalerOpenPrefixes } from './options/autoscaler.ts';
import { operatorDefaultPrefixes, operatorOpenPrefixes, operatorOptions } from './options/operator.ts';
import { isSensitiveKey } from './secrets.ts';

/** Something in a configuration that will not do what it looks like. */
export interface ConfigurationWarning {
  readonly key: string;
  readonly kind: 'unknown' | 'misspelt' | 'other-version' | 'operator-only' | 'value' | 'without-effect';
  /** What is wrong and what to write instead. Holds no values of secret keys. */
  readonly message: string;
}

/** Keys that belong to others: file systems, connectors, Hadoop, and what users read themselves. */
const FOREIGN =
  /^(?:\$internal|s3|s3a|s3n|presto|hive|gs|azure|abfs|wasb|oss|swift|hadoop|user|env|fs|metrics|traces|events|table|sql|python|security\.delegation|delegation|external-resource|plugin|failure-enricher)[.-]/;
/** How far from a known key a key is still taken for a slip, by its length. */
const slipsIn = (key: string): number => (key.length >= 20 ? 3 : key.length >= 10 ? 2 : 1);
const OWN_BEGINNINGS = ['kubernetes.operator', 'job.autoscaler'];
/** Options that a resource cannot set for itself. */
const OPERATOR_ONLY: ReadonlySet<unknown> = new Set(Object.values(operatorOptions));
const OPEN = [...operatorOpenPrefixes, ...autoscalerOpenPrefixes];
/** A pass looks at every key; a configuration with more keys than this is not one that somebody wrote. */
const MOST_KEYS = 2_000;

const TYPES: Readonly<Partial<Record<KnownKey['type'], ValueType<unknown>>>> = {
  integer: intType,
  long: longType,
  boolean: booleanType,
  duration: durationType,
  memory: memoryType,
  number: doubleType,
};

/**
 * Warnings about the keys and values of a configuration for a version of Flink; without a version, for the operator's own
 * configuration. Never about keys that may be somebody else's: those of connectors, file systems and users are left alone unless they
 * are a slip away from one of Flink's.
 */
export function configurationWarnings(entries: ConfigEntries, version?: FlinkVersion): ConfigurationWarning[] {
  const rules: ValueRules = version === undefined ? { structures: 'yaml', isoDurations: true } : valueRules(version);
  return Object.entries(entries)
    .slice(0, MOST_KEYS)
    .flatMap(([key, value]) => warningsOf(key, value, version, rules));
}

function warningsOf(
  key: string,
  value: string,
  version: FlinkVersion | undefined,
  rules: ValueRules,
): ConfigurationWarning[] {
  const inner = version === undefined ? defaultedKey(key) : undefined;
  if (inner !== undefined) return warningsOf(inner.key, value, undefined, rules).map((one) => ({ ...one, key }));
  const warning = OWN_BEGINNINGS.some((beginning) => key.startsWith(beginning))
    ? ownWarning(key, value, rules, version !== undefined)
    : flinkWarning(key, value, version, rules);
  return warning === undefined ? [] : [warning];
}

/** The key that a default for a namespace or a version is for. */
function defaultedKey(key: string): { readonly key: string } | undefined {
  for (const prefix of [operatorDefaultPrefixes.namespace, operatorDefaultPrefixes.flinkVersion]) {
    if (!key.startsWith(prefix)) continue;
    const rest = key.slice(prefix.length);
    const dot = rest.indexOf('.');
    return dot < 0 ? undefined : { key: rest.slice(dot + 1) };
  }
  return undefined;
}

function ownWarning(
  key: string,
  value: string,
  rules: ValueRules,
  inResource: boolean,
): ConfigurationWarning | undefined {
  const declared = OWN_OPTIONS.get(key);
  if (declared !== undefined && inResource && OPERATOR_ONLY.has(declared)) {
    const message = `${key} is read from the operator's configuration only, and has no effect in a resource.`;
    return { key, kind: 'operator-only', message };
  }
  if (declared !== undefined) return valueWarning(key, value, declared.type, rules);
  if (OPEN.some((prefix) => key.startsWith(prefix))) return undefined;
  for (let dot = key.lastIndexOf('.'); dot > 0; dot = key.lastIndexOf('.', dot - 1)) {
    if (OWN_OPTIONS.get(key.slice(0, dot))?.type === mapType) return undefined;
  }
  const whose = key.startsWith('job.autoscaler') ? 'autoscaler' : 'operator';
  // Nobody else has keys that begin so: a likely one is named from further away.
  const meant = nearest(key, OWN_OPTIONS.keys(), Math.max(3, Math.ceil(key.length / 4)));
  return {
    key,
    kind: 'unknown',
    message: `${key} is no option of the ${whose} and has no effect.${didYouMean(meant)}`,
  };
}

function flinkWarning(
  key: string,
  value: string,
  version: FlinkVersion | undefined,
  rules: ValueRules,
): ConfigurationWarning | undefined {
  const known = flinkKey(key);
  if (known !== undefined) {
    if (version !== undefined && !isKnownTo(known, version)) return otherVersion(key, known, version);
    const type = TYPES[known.type];
    return type === undefined ? undefined : valueWarning(key, value, type, rules);
  }
  if (FOREIGN.test(key) || isMapEntry(key)) return undefined;
  const all = [...flinkKeys(), ...OWN_OPTIONS.keys()];
  const meant = nearest(key, all, slipsIn(key));
  if (meant === undefined) return undefined;
  return { key, kind: 'misspelt', message: `Flink knows no option ${key}.${didYouMean(meant)}` };
}

/** The table knows four lines, so between which two an option came or went is not said. */
function otherVersion(key: string, { until }: KnownKey, version: FlinkVersion): ConfigurationWarning {
  const gone = until !== undefined && atLeast(version, until);
  const when = gone ? 'an earlier version had it. Use the option that replaced it.' : 'a later version brought it.';
  const next = gone ? '' : ' Use the option that it replaced, or a newer Flink.';
  return {
    key,
    kind: 'other-version',
    message: `Flink ${minorOf(version)} does not know the option ${key}; ${when}${next}`,
  };
}

function valueWarning(
  key: string,
  value: string,
  type: ValueType<unknown>,
  rules: ValueRules,
): ConfigurationWarning | undefined {
  try {
    type.parse(value, rules);
    return undefined;
  } catch (error) {
    if (!(error instanceof FlinkError)) throw error;
    const shown = isSensitiveKey(key) ? 'The value' : `"${value.slice(0, 80)}"`;
    return { key, kind: 'value', message: `${shown} is no ${type.name}, as ${key} takes it. ${error.nextStep}` };
  }
}

function didYouMean(meant: string | undefined): string {
  return meant === undefined ? ' Check its spelling, or remove it.' : ` Did you mean ${meant}?`;
}
