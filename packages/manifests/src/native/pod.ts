import type { Container, ContainerPort, EnvVar, Pod, PodSpec, Volume, VolumeMount } from '../kubernetes/objects.ts';
import { MAIN_CONTAINER_NAME } from './constants.ts';

/** A pod in the making: the container that Flink runs in is kept apart until every step has worked on it. */
export interface FlinkPod {
  /** The pod without the main container. */
  readonly pod: Pod;
  readonly mainContainer: Container;
}

/** What a pod starts from: the template with its main container taken out, or nothing. */
export function fromTemplate(template: Pod | undefined): FlinkPod {
  const pod: Pod = template === undefined ? {} : structuredClone(template);
  const containers = pod.spec?.containers ?? [];
  const mainContainer = containers.find((container) => container.name === MAIN_CONTAINER_NAME) ?? {};
  const others = containers.filter((container) => container !== mainContainer);
  return { pod: { ...pod, spec: { ...pod.spec, containers: others } }, mainContainer };
}

/** The finished pod: the main container comes after the others. */
export function assemble({ pod, mainContainer }: FlinkPod): { metadata: NonNullable<Pod['metadata']>; spec: PodSpec } {
  return {
    metadata: pod.metadata ?? {},
    spec: { ...pod.spec, containers: [...(pod.spec?.containers ?? []), mainContainer] },
  };
}

/** What a step adds to the main container; lists grow at their end. */
export interface ContainerAdditions {
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly ContainerPort[];
  readonly volumeMounts?: readonly VolumeMount[];
}

/** Adds to the main container and volumes to the pod. */
export function extend(base: FlinkPod, additions: ContainerAdditions, volumes: readonly Volume[] = []): FlinkPod {
  const { pod, mainContainer } = base;
  return {
    pod: volumes.length === 0 ? pod : { ...pod, spec: { ...pod.spec, volumes: append(pod.spec?.volumes, volumes) } },
    mainContainer: {
      ...mainContainer,
      ...(additions.env?.length ? { env: append(mainContainer.env, additions.env) } : {}),
      ...(additions.ports?.length ? { ports: append(mainContainer.ports, additions.ports) } : {}),
      ...(additions.volumeMounts?.length
        ? { volumeMounts: append(mainContainer.volumeMounts, additions.volumeMounts) }
        : {}),
    },
  };
}

/** One list after the other; neither is changed. */
export function append<T>(first: readonly T[] | undefined, second: readonly T[]): T[] {
  return [...(first ?? []), ...second];
}
