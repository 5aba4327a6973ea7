import { checkpointingOptions, executionOptions, kubernetesOptions } from '@drey/flink';
import type { Container } from '../../kubernetes/objects.ts';
import { highAvailabilityOn } from '../../native/options.ts';
import type { Decorator, Parameters } from '../../native/parameters.ts';
import { append } from '../../native/pod.ts';

/** With high availability each JobManager is found under its own address; Flink’s scripts take two words for a property. */
const OWN_ADDRESS = ['-D', 'jobmanager.rpc.address=$(_POD_IP_ADDRESS)'];

/** The command of the JobManager: the image’s entry point, told what to be. */
export const standaloneJobManagerCommand: Decorator = {
  concern: 'command',
  decorate({ pod, mainContainer }, p) {
    const args = p.target === 'application' ? applicationArgs(p) : append(mainContainer.args, sessionArgs(p));
    return { pod, mainContainer: started(mainContainer, p, args) };
  },
};

/** The command of the TaskManagers. */
export const standaloneTaskManagerCommand: Decorator = {
  concern: 'command',
  decorate: ({ pod, mainContainer }, p) => ({ pod, mainContainer: started(mainContainer, p, ['taskmanager']) }),
};

function started(container: Container, p: Parameters, args: string[]): Container {
  return { ...container, command: [p.config.get(kubernetesOptions.entryPath)], args };
}

function sessionArgs({ config }: Parameters): string[] {
  return ['jobmanager', ...(highAvailabilityOn(config) ? OWN_ADDRESS : [])];
}

/**
 * Everything about the job that Flink’s entry point does not take from the configuration file: it would set what is not
 * said here to its defaults. The program’s own arguments come last, since Flink stops reading at the first it does not know.
 */
function applicationArgs({ config }: Parameters): string[] {
  const mainClass = config.get(executionOptions.applicationMain);
  const path = config.get(checkpointingOptions.recoveryPath);
  return [
    'standalone-job',
    ...(mainClass === undefined ? [] : ['--job-classname', mainClass]),
    ...(config.get(checkpointingOptions.ignoreUnclaimedState) ? ['--allowNonRestoredState'] : []),
    ...(path === undefined ? [] : ['--fromSavepoint', path]),
    ...(highAvailabilityOn(config) ? OWN_ADDRESS : []),
    ...config.get(executionOptions.applicationProgramArgs),
  ];
}
