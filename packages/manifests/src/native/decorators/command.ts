import { atLeast, kubernetesOptions } from '@drey/flink';
import { SESSION_ENTRYPOINT } from '../constants.ts';
import { byRole } from '../options.ts';
import type { Decorator, Parameters, TaskManagerParameters } from '../parameters.ts';
import { extend, type FlinkPod } from '../pod.ts';

/** The command of the JobManager. */
export const jobManagerCommand: Decorator = {
  concern: 'command',
  decorate(pod, p) {
    const session = p.config.get(kubernetesOptions.entrypointClass) === SESSION_ENTRYPOINT;
    const start = `kubernetes-jobmanager.sh ${session ? 'kubernetes-session' : 'kubernetes-application'}`;
    const args = p.config.get(byRole.jobmanager.entrypointArgs);
    return run(pod, p, atLeast(p.flinkVersion, '1.16') ? `${start} ${args}` : start);
  },
};

/** The command of a TaskManager; the JVM’s memory settings go through the environment. */
export const taskManagerCommand: Decorator<TaskManagerParameters> = {
  concern: 'command',
  decorate(pod, p) {
    const args = atLeast(p.flinkVersion, '1.16') ? p.config.get(byRole.taskmanager.entrypointArgs) : undefined;
    const words = [p.dynamicProperties, p.memoryArguments, ...(args === undefined ? [] : [args])];
    const started = run(pod, p, `kubernetes-taskmanager.sh ${words.join(' ')}`);
    return extend(started, { env: [{ name: 'FLINK_TM_JVM_MEM_OPTS', value: p.jvmMemoryOptions }] });
  },
};

function run({ pod, mainContainer }: FlinkPod, p: Parameters, line: string): FlinkPod {
  const command = [p.config.get(kubernetesOptions.entryPath)];
  return { pod, mainContainer: { ...mainContainer, command, args: ['bash', '-c', line] } };
}
