import {
  type ConfigEntries,
  compareFlinkVersions,
  type FlinkVersion,
  operatorDefaultPrefixes,
  tryParseFlinkVersion,
} from '@drey/flink';

/**
 * The operator’s default configuration for one namespace and one Flink version: the global entries, overridden by those of
 * the namespace, then by those for `vX_Y+` up to the version in ascending order, then by those of exactly the version.
 * The operator’s own keys stay in.
 */
export function defaultConfiguration(
  operatorConfig: ConfigEntries,
  namespace: string,
  flinkVersion: string | undefined,
): Record<string, string> {
  const out: Record<string, string> = { ...operatorConfig };
  const apply = (prefix: string): void => {
    for (const [key, value] of Object.entries(operatorConfig))
      if (key.startsWith(prefix)) out[key.slice(prefix.length)] = value;
  };
  apply(`${operatorDefaultPrefixes.namespace}${namespace}.`);
  if (flinkVersion !== undefined) for (const prefix of versionPrefixes(operatorConfig, flinkVersion)) apply(prefix);
  return out;
}

/** The beginnings of keys that hold defaults for a Flink version (`v1_20`), weakest first. */
export function versionPrefixes(operatorConfig: ConfigEntries, flinkVersion: string): string[] {
  const exact = `${operatorDefaultPrefixes.flinkVersion}${flinkVersion}.`;
  const wanted = tryParseFlinkVersion(flinkVersion);
  if (wanted === undefined) return [exact];
  const open = new Map<string, FlinkVersion>();
  for (const key of Object.keys(operatorConfig)) {
    if (!key.startsWith(operatorDefaultPrefixes.flinkVersion)) continue;
    const name = /^(v\d+_\d+)\+\./.exec(key.slice(operatorDefaultPrefixes.flinkVersion.length))?.[1];
    const version = name === undefined ? undefined : tryParseFlinkVersion(name);
    if (name !== undefined && version !== undefined && compareFlinkVersions(version, wanted) <= 0)
      open.set(name, version);
  }
  const ascending = [...open].sort(([, a], [, b]) => compareFlinkVersions(a, b));
  return [...ascending.map(([name]) => `${operatorDefaultPrefixes.flinkVersion}${name}+.`), exact];
}
