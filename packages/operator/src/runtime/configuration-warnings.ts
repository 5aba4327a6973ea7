import { type FlinkDeployment, flattenConfiguration } from '@drey/api';
import { type ConfigurationWarning, configurationWarnings, tryParseFlinkVersion } from '@drey/flink';

/** What warnings are found from. */
type Configured = Pick<FlinkDeployment, 'spec'>;

/** Warnings about the configuration of a spec, remembered for as long as the cache holds the spec. */
export function rememberedWarnings(): (resource: Configured) => readonly ConfigurationWarning[] {
  const known = new WeakMap<object, readonly ConfigurationWarning[]>();
  return ({ spec }) => {
    const found = known.get(spec) ?? warningsOfSpec(spec);
    known.set(spec, found);
    return found;
  };
}

/** Warnings about `spec.flinkConfiguration`; none while the spec cannot be read, which validation tells. */
function warningsOfSpec({ flinkConfiguration, flinkVersion }: FlinkDeployment['spec']): ConfigurationWarning[] {
  const version = typeof flinkVersion === 'string' ? tryParseFlinkVersion(flinkVersion) : undefined;
  if (version === undefined || typeof flinkConfiguration !== 'object' || flinkConfiguration === null) return [];
  return configurationWarnings(flattenConfiguration(flinkConfiguration as never), version);
}
