import { POD_TEMPLATE_DIR, POD_TEMPLATE_VOLUME, TASK_MANAGER_TEMPLATE_FILE } from '../constants.ts';
import { commonLabels, type Decorator, type Parameters } from '../parameters.ts';
import { extend } from '../pod.ts';

/** The template of the TaskManagers’ pods: the JobManager reads it from a mounted ConfigMap. */
export const podTemplate: Decorator = {
  concern: 'pod-template',
  decorate(pod, p) {
    if (p.files.taskManagerTemplate === undefined) return pod;
    const items = [{ key: TASK_MANAGER_TEMPLATE_FILE, path: TASK_MANAGER_TEMPLATE_FILE }];
    return extend(pod, { volumeMounts: [{ name: POD_TEMPLATE_VOLUME, mountPath: POD_TEMPLATE_DIR }] }, [
      { name: POD_TEMPLATE_VOLUME, configMap: { name: configMapName(p), items } },
    ]);
  },
  resources(p) {
    const template = p.files.taskManagerTemplate;
    if (template === undefined) return [];
    return [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: configMapName(p), labels: commonLabels(p) },
        data: { [TASK_MANAGER_TEMPLATE_FILE]: template.text },
      },
    ];
  },
};

function configMapName(p: Parameters): string {
  return `pod-template-${p.clusterId}`;
}
