import { clusterOptions, kubernetesOptions } from '@drey/flink';
import { MAIN_CONTAINER_NAME, PORT_NAME_TASK_MANAGER_RPC } from '../../native/constants.ts';
import { logDirEnv, placed, resources, roleEnv } from '../../native/decorators/init.ts';
import { byRole, fixedPort } from '../../native/options.ts';
import { type Decorator, defaultImage } from '../../native/parameters.ts';
import { extend } from '../../native/pod.ts';

const NO_EXTRA_RESOURCES: ReadonlyMap<string, string> = new Map();

/**
 * Image, resources, port, labels, account and scheduling of the TaskManagers’ pods. Unlike in a native cluster the
 * configuration alone names image and account, and the template alone says how the pod is on the network.
 */
export const initStandaloneTaskManager: Decorator = {
  concern: 'init',
  decorate({ pod, mainContainer }, p) {
    const { config, flinkVersion } = p;
    const account = config.get(byRole.taskmanager.serviceAccount);
    const started = {
      pod: placed(pod, p, 'taskmanager', { serviceAccountName: account, serviceAccount: account }),
      mainContainer: {
        ...mainContainer,
        name: MAIN_CONTAINER_NAME,
        image: config.get(kubernetesOptions.containerImage) ?? defaultImage(flinkVersion),
        imagePullPolicy: config.get(kubernetesOptions.imagePullPolicy),
        resources: resources(mainContainer.resources, p, 'taskmanager', NO_EXTRA_RESOURCES),
      },
    };
    const port = {
      name: PORT_NAME_TASK_MANAGER_RPC,
      containerPort: fixedPort(config, clusterOptions.taskManagerRpcPort),
    };
    return extend(started, { ports: [port], env: [...roleEnv(p, 'taskmanager'), ...logDirEnv(p)] });
  },
};
