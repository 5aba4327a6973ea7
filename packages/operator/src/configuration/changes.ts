import { type ConfigEntries, type ConfigOption, operatorOptions } from '@drey/flink';

/** Options that only a start reads; a change of one of them waits for the next start. */
const START_ONLY: readonly ConfigOption<unknown>[] = [
  operatorOptions.reconcileParallelism,
  operatorOptions.labelSelector,
  operatorOptions.leaderElectionEnabled,
  operatorOptions.leaderElectionLeaseName,
  operatorOptions.leaderElectionLeaseDuration,
  operatorOptions.leaderElectionRenewDeadline,
  operatorOptions.leaderElectionRetryPeriod,
  operatorOptions.healthProbeEnabled,
  operatorOptions.healthProbePort,
];

/** How a configuration differs from another: keys only, as values may be secret. */
export interface ConfigurationChange {
  readonly keys: readonly string[];
  /** Those of them that take effect at the next start. */
  readonly atNextStart: readonly string[];
}

/** What changed between two configurations. */
export function changeOf(before: ConfigEntries, after: ConfigEntries): ConfigurationChange {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const keys = all.filter((key) => before[key] !== after[key]);
  const startOnly = new Set(START_ONLY.flatMap(({ key, aliases }) => [key, ...aliases]));
  return { keys, atNextStart: keys.filter((key) => startOnly.has(key)) };
}
