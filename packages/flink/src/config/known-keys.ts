import { atLeast, before, type FlinkVersion, type MinorVersion } from '../versions/version.ts';
import type { ConfigOption } from './option.ts';
import { autoscalerOptions } from './options/autoscaler.ts';
import { clusterOptions, highAvailabilityOptions, schedulerOptions } from './options/cluster.ts';
import { checkpointingOptions, executionOptions } from './options/execution.ts';
import table from './options/known-keys.generated.json' with { type: 'json' };
import {
  kubernetesJobManagerOptions,
  kubernetesOptions,
  kubernetesTaskManagerOptions,
  taskManagerStatefulSetOptions,
} from './options/kubernetes.ts';
import { jobManagerMemoryOptions, taskManagerMemoryOptions } from './options/memory.ts';
import { blueGreenOptions, operatorOptions, resourceOptions } from './options/operator.ts';

/** What is known of a key of Flink's own. */
export interface KnownKey {
  /** How its value is read; `text` also stands for words and lists. */
  readonly type: 'text' | 'integer' | 'long' | 'boolean' | 'duration' | 'memory' | 'number' | 'map';
  /** The first line that knows it; undefined: all supported ones. */
  readonly since: MinorVersion | undefined;
  /** The first line that no longer knows it. */
  readonly until: MinorVersion | undefined;
}

/**
 * Keys that Flink's own classes declare, old names included, of the lines 1.17, 1.18, 1.20 and 2.3; a key is taken to be known in
 * the lines between two that know it, and where it came or went between two of them, in both directions as long as possible.
 * And those that describe a cluster beside Flink's.
 */
const FLINK_KEYS: ReadonlyMap<string, KnownKey> = new Map([
  ...Object.entries(table as Readonly<Record<string, string>>).map(([key, text]) => [key, knownKey(text)] as const),
  ...Object.values(taskManagerStatefulSetOptions).map(({ key, type }) => [key, knownKey(type.name)] as const),
]);

function knownKey(text: string): KnownKey {
  const [type = 'text', since = '', until = ''] = text.split('|');
  return {
    type: type as KnownKey['type'],
    since: since === '' ? undefined : (since as MinorVersion),
    until: until === '' ? undefined : (until as MinorVersion),
  };
}

const DECLARED: readonly ConfigOption<unknown>[] = [
  clusterOptions,
  executionOptions,
  checkpointingOptions,
  schedulerOptions,
  highAvailabilityOptions,
  kubernetesOptions,
  kubernetesJobManagerOptions,
  kubernetesTaskManagerOptions,
  jobManagerMemoryOptions,
  taskManagerMemoryOptions,
].flatMap((group): ConfigOption<unknown>[] => Object.values(group));

const DECLARED_KEYS: ReadonlySet<string> = new Set(DECLARED.flatMap(({ key, aliases }) => [key, ...aliases]));

/** The operator's, the autoscaler's and the blue/green options, each once. */
export const OWN: readonly ConfigOption<unknown>[] = [
  operatorOptions,
  resourceOptions,
  blueGreenOptions,
  autoscalerOptions,
].flatMap((group): ConfigOption<unknown>[] => Object.values(group));

/** The operator's and the autoscaler's options by every key they are read from. */
export const OWN_OPTIONS: ReadonlyMap<string, ConfigOption<unknown>> = new Map(
  OWN.flatMap((declared) => [declared.key, ...declared.aliases].map((key) => [key, declared] as const)),
);

/** What is known of a key of Flink's; undefined for one that no version declares. */
export function flinkKey(key: string): KnownKey | undefined {
  const known = FLINK_KEYS.get(key);
  if (known !== undefined) return known;
  return DECLARED_KEYS.has(key) ? { type: 'text', since: undefined, until: undefined } : undefined;
}

/** Whether a version knows a key that some version knows. */
export function isKnownTo({ since, until }: KnownKey, version: FlinkVersion): boolean {
  return (since === undefined || atLeast(version, since)) && (until === undefined || before(version, until));
}

/** Every key of Flink's. */
export function flinkKeys(): Iterable<string> {
  return FLINK_KEYS.keys();
}

/** The longest key of a map option that a key is an entry of: `kubernetes.secrets` for `kubernetes.secrets.mine`. */
export function isMapEntry(key: string): boolean {
  for (let dot = key.lastIndexOf('.'); dot > 0; dot = key.lastIndexOf('.', dot - 1)) {
    if (FLINK_KEYS.get(key.slice(0, dot))?.type === 'map') return true;
  }
  return false;
}
