import { executionOptions } from '@drey/flink';
import type { Decorator } from '../../native/parameters.ts';
import { extend } from '../../native/pod.ts';

const USER_LIB_VOLUME = 'user-lib-dir';
const USER_LIB_DIR = '/opt/flink/usrlib';

/**
 * An empty directory where Flink looks for the job’s jars, so that an init container can put them there; not where the
 * template mounts something of its own.
 */
export const userLib: Decorator = {
  concern: 'user-lib',
  decorate(pod, p) {
    if (p.target !== 'application' || !p.config.has(executionOptions.pipelineClasspaths)) return pod;
    const mounted = pod.mainContainer.volumeMounts?.some(({ mountPath }) => mountPath.startsWith(USER_LIB_DIR));
    if (mounted) return pod;
    return extend(pod, { volumeMounts: [{ name: USER_LIB_VOLUME, mountPath: USER_LIB_DIR }] }, [
      { name: USER_LIB_VOLUME, emptyDir: {} },
    ]);
  },
};
