import type { FlinkConfig } from '../configuration.ts';
import { listType, longType, option, optionalOption, stringType } from '../option.ts';

/** Names of the external resources (GPUs and the like) of every TaskManager; `none` stands for none. */
export const externalResourcesOption = option('external-resources', listType, []);

/**
 * The external resources of a configuration with their amounts. A resource without a valid amount is left out, as Flink
 * leaves it out with a warning.
 */
export function externalResources(config: FlinkConfig): Map<string, bigint> {
  const out = new Map<string, bigint>();
  for (const name of config.get(externalResourcesOption)) {
    if (name === 'none' || name.trim() === '') continue;
    const amount = config.get(optionalOption(`external-resource.${name}.amount`, longType));
    if (amount !== undefined && amount > 0n) out.set(name, amount);
  }
  return out;
}

/** The names under which Kubernetes knows the external resources, with their amounts. */
export function kubernetesExternalResources(config: FlinkConfig): Map<string, bigint> {
  const out = new Map<string, bigint>();
  for (const [name, amount] of externalResources(config)) {
    const key = config.get(optionalOption(`external-resource.${name}.kubernetes.config-key`, stringType));
    if (key !== undefined) out.set(key, amount);
  }
  return out;
}
