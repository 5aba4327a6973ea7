import type { FlinkDeployment } from '@drey/api';
import type { FlinkConfig } from '@drey/flink';

type ConfigurationOf = (deployment: FlinkDeployment) => FlinkConfig;
type Built = { readonly config: FlinkConfig } | { readonly error: unknown };

/** About as many as objects change at the same time; each holds some kilobytes. */
const MOST = 256;

/**
 * Remembers the configurations of the specs that were asked for last, by their content: one pass asks several times about
 * the same specs, which are different objects each time they were read. What `build` throws is remembered too.
 */
export function rememberedConfiguration(build: ConfigurationOf, most = MOST): ConfigurationOf {
  const byObject = new WeakMap<object, Built>();
  const byText = new Map<string, Built>();
  const ofText = (deployment: FlinkDeployment): Built => {
    const { namespace, name } = deployment.metadata;
    const text = JSON.stringify([namespace, name, deployment.spec]);
    const known = byText.get(text) ?? attempt(() => build(deployment));
    byText.delete(text);
    byText.set(text, known);
    const [oldest] = byText.keys();
    if (byText.size > most && oldest !== undefined) byText.delete(oldest);
    return known;
  };
  return (deployment) => {
    const built = byObject.get(deployment.spec) ?? ofText(deployment);
    byObject.set(deployment.spec, built);
    if ('error' in built) throw built.error;
    return built.config;
  };
}

function attempt(build: () => FlinkConfig): Built {
  try {
    return { config: build() };
  } catch (error) {
    return { error };
  }
}
