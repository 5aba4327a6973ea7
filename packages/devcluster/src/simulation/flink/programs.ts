import type { ProgramFactory } from '../program.ts';
import { containerRole } from './container-role.ts';
import type { FlinkFabric } from './fabric.ts';
import { jobManagerProgram } from './jobmanager-program.ts';
import { taskManagerProgram } from './taskmanager-program.ts';
import type { Timings } from './timings.ts';

/** Programs for the containers of simulated Flink pods, native and standalone; other containers just run. */
export function flinkPrograms(fabric: FlinkFabric, timings: Timings): ProgramFactory {
  return (context) => {
    const role = containerRole(context.container);
    if (role === undefined) return undefined;
    return role.process === 'jobmanager'
      ? jobManagerProgram(fabric, timings, context, role)
      : taskManagerProgram(fabric, timings, context, role);
  };
}
