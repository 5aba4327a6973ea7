import { kubernetesOptions } from '@drey/flink';
import { HADOOP_CONF_DIR, HADOOP_VOLUME } from '../constants.ts';
import { commonLabels, type Decorator, type Parameters } from '../parameters.ts';
import { extend } from '../pod.ts';

/** Hadoop’s configuration: an existing ConfigMap, or one made from the client’s files. */
export const hadoopConf: Decorator = {
  concern: 'hadoop-conf',
  decorate(pod, p) {
    const existing = p.config.get(kubernetesOptions.hadoopConfigMapName);
    const files = localFiles(p);
    if (existing === undefined && files.length === 0) return pod;
    const items = existing === undefined ? { items: files.map(([name]) => ({ key: name, path: name })) } : {};
    return extend(
      pod,
      {
        volumeMounts: [{ name: HADOOP_VOLUME, mountPath: HADOOP_CONF_DIR }],
        env: [{ name: 'HADOOP_CONF_DIR', value: HADOOP_CONF_DIR }],
      },
      [{ name: HADOOP_VOLUME, configMap: { name: existing ?? configMapName(p), ...items } }],
    );
  },
  resources(p) {
    const files = localFiles(p);
    if (p.config.has(kubernetesOptions.hadoopConfigMapName) || files.length === 0) return [];
    return [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: configMapName(p), labels: commonLabels(p) },
        data: Object.fromEntries(files),
      },
    ];
  },
};

function localFiles(p: Parameters): [string, string][] {
  return Object.entries(p.files.hadoopConf ?? {});
}

function configMapName(p: Parameters): string {
  return `hadoop-config-${p.clusterId}`;
}
