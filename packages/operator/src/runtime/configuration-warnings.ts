import { type FlinkDeployment, flattenConfiguration } from '@drey/api';
import { type ConfigurationWarning, configurationWarnings, tryParseFlinkVersion } from '@drey/flink';

/** What warnings are found from. */
type Configured = Pick<FlinkDeployment, 'spec'>;

/** Warnings about the configuration of a spec, remembered for as long as the cache holds the spec. */
export function rememberedWarnings(): (resource: Configured) => readonly ConfigurationWarning[] {
  const known = new WeakMap<object, readonly ConfigurationWarning[]>();
  return ({ spec }) => {
    const found = known.get(spec) ?? warningsOfConfiguration(spec.flinkConfiguration, spec.flinkVersion);
    known.set(spec, found);
    return found;
  };
}

/** Warnings about a `flinkConfiguration`; none while it or the version cannot be read, which validation tells. */
export function warningsOfConfiguration(flinkConfiguration: unknown, flinkVersion: unknown): ConfigurationWarning[] {
  const version = typeof flinkVersion === 'string' ? tryParseFlinkVersion(flinkVersion) : undefined;
  if (version === undefined || typeof flinkConfiguration !== 'object' || flinkConfiguration === null) return [];
  return configurationWarnings(flattenConfiguration(flinkConfiguration as never), version);
}
