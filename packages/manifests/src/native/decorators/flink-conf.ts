import { atLeast, kubernetesOptions } from '@drey/flink';
import { CONFIG_VOLUME, LOG_FILES, LOG_FILES_BEFORE_2_1 } from '../constants.ts';
import { commonLabels, type Decorator, type Parameters } from '../parameters.ts';
import { extend } from '../pod.ts';
import { configFile } from '../shipped-config.ts';

/** Flink’s configuration file and its logging files. */
export const flinkConf: Decorator = {
  concern: 'flink-conf',
  decorate(pod, p) {
    const names = [...loggingFiles(p).map(([name]) => name), configFile(p).name];
    const items = names.map((name) => ({ key: name, path: name }));
    return extend(
      pod,
      { volumeMounts: [{ name: CONFIG_VOLUME, mountPath: p.config.get(kubernetesOptions.flinkConfDir) }] },
      [{ name: CONFIG_VOLUME, configMap: { name: configMapName(p), items } }],
    );
  },
  resources(p) {
    const file = configFile(p);
    const data = { ...Object.fromEntries(loggingFiles(p)), [file.name]: file.text };
    return [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: configMapName(p), labels: commonLabels(p) },
        data,
      },
    ];
  },
};

function loggingFiles(p: Parameters): [string, string][] {
  const known: readonly string[] = atLeast(p.flinkVersion, '2.1') ? LOG_FILES : LOG_FILES_BEFORE_2_1;
  const given = p.files.logging ?? {};
  return known.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]] as [string, string]]));
}

function configMapName(p: Parameters): string {
  return configurationMapName(p.clusterId);
}

/** Name of the ConfigMap with the configuration that a cluster was started with. */
export function configurationMapName(clusterId: string): string {
  return `flink-config-${clusterId}`;
}
