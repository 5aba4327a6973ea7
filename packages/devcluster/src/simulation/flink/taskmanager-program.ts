import { isKubeError } from '@drey/kube';
import { expandVariables, podField } from '../../node/container-env.ts';
import type { Program, ProgramContext } from '../program.ts';
import type { TaskManagerRole } from './container-role.ts';
import type { FlinkFabric } from './fabric.ts';
import { mountedConfig, simulatedOptions, versionOf } from './mounted-config.ts';
import { randomHex } from './random-hex.ts';
import { draw, type Timings } from './timings.ts';

/** How long a TaskManager takes to find a new leader. */
const FIND_LEADER_MS = 300;

/** The container's variables that stand for fields of its pod. */
function podFields({ pod, container, address }: ProgramContext): Record<string, string> {
  const sources = { podAddress: address, hostAddress: '' };
  const fields = (container.env ?? []).map(({ name, valueFrom }) => {
    const path = valueFrom?.fieldRef?.fieldPath;
    return [name, path === undefined ? '' : (podField(pod, path, sources) ?? '')];
  });
  return Object.fromEntries(fields);
}

/** A simulated TaskManager process: it offers its slots to whoever leads its cluster. */
export function taskManagerProgram(
  fabric: FlinkFabric,
  timings: Timings,
  context: ProgramContext,
  role: TaskManagerRole,
): Program {
  const { metadata } = context.pod;
  const cluster = `${metadata.namespace}/${metadata.labels?.app}`;
  // A native TaskManager and one of a StatefulSet are told their ids; another one makes one up for each process.
  const told = role.properties['taskmanager.resource-id'];
  const id =
    told === undefined ? `${metadata.name}-${randomHex(context.random, 6)}` : expandVariables(told, podFields(context));
  let slots = Number(role.properties['taskmanager.numberOfTaskSlots'] ?? 0);
  let alive = true;
  let up = false;
  const register = (): void => {
    if (alive && up) fabric.leader(cluster)?.registerTaskManager({ id, host: context.address, slots });
  };
  const leave = fabric.onJoin((joined) => {
    if (joined === cluster) context.clock.after(FIND_LEADER_MS, register);
  });
  const start = async (): Promise<void> => {
    if (slots === 0) {
      const config = await mountedConfig(context, versionOf(context.container.image));
      slots = config.withAll(role.properties).get(simulatedOptions.slots);
    }
    context.clock.after(draw(context.random, timings.taskManagerUpMs), () => {
      up = true;
      register();
    });
  };
  void start().catch((error: unknown) => {
    if (!isKubeError(error)) throw error;
    if (alive) context.exit(1);
  });
  return {
    kill: () => {
      alive = false;
      leave();
      fabric.leader(cluster)?.loseTaskManager(id);
    },
  };
}
