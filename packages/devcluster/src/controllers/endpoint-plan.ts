import type { EndpointAddress, EndpointSlice, Endpoints, Pod, Service, ServicePort } from '@drey/kube';
import { hasEnded, isPodReady } from './pod-facts.ts';

/** Which addresses stand behind a Service, as pure functions. */

export interface Backend {
  readonly address: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly pod: Pod;
}

/** The pods that a Service selects and that have an address; oldest first, then by name. */
export function backendsOf(service: Service, pods: readonly Pod[]): Backend[] {
  const selector = Object.entries(service.spec?.selector ?? {});
  if (selector.length === 0) return [];
  return pods
    .filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value))
    .filter((pod) => pod.status?.podIP !== undefined && !hasEnded(pod))
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .map((pod) => {
      const terminating = pod.metadata.deletionTimestamp !== undefined;
      const ready = service.spec?.publishNotReadyAddresses === true || (isPodReady(pod) && !terminating);
      return { address: pod.status?.podIP ?? '', ready, terminating, pod };
    });
}

/** The port of a pod that a Service port leads to; undefined when the pod has no port of that name. */
export function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  if (/^\d+$/.test(target)) return Number(target);
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.flatMap((container) => container.ports ?? []).find((p) => p.name === target)?.containerPort;
}

interface ResolvedPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
}

/** The pod's ports for a Service, in the Service's order. */
function portsFor(service: Service, pod: Pod): ResolvedPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const name = port.name === undefined || port.name === '' ? {} : { name: port.name };
    return [{ ...name, port: number, protocol: port.protocol ?? 'TCP' }];
  });
}

function reference(pod: Pod): NonNullable<EndpointAddress['targetRef']> {
  const { name, namespace, uid } = pod.metadata;
  return {
    kind: 'Pod',
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
  };
}

/** Pods whose named ports have different numbers go to different groups. */
function byPorts(service: Service, backends: readonly Backend[]): { ports: ResolvedPort[]; backends: Backend[] }[] {
  const groups = new Map<string, { ports: ResolvedPort[]; backends: Backend[] }>();
  for (const backend of backends) {
    const ports = portsFor(service, backend.pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, backends: [] };
    groups.set(key, group);
    group.backends.push(backend);
  }
  return [...groups.values()];
}

/** Subsets of the Endpoints object. */
export function endpointSubsets(service: Service, pods: readonly Pod[]): NonNullable<Endpoints['subsets']> {
  const backends = backendsOf(service, pods).filter((backend) => !backend.terminating);
  return byPorts(service, backends).map((group) => {
    const addresses = (ready: boolean): EndpointAddress[] =>
      group.backends
        .filter((backend) => backend.ready === ready)
        .map(({ address, pod }) => ({
          ip: address,
          ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
          targetRef: reference(pod),
          ...(pod.spec?.hostname && pod.spec.subdomain === service.metadata.name
            ? { hostname: pod.spec.hostname }
            : {}),
        }));
    const [ready, notReady] = [addresses(true), addresses(false)];
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ports: group.ports,
    };
  });
}

/** Endpoints and ports of the EndpointSlices, one slice for each set of ports. */
export function endpointSlices(service: Service, pods: readonly Pod[]): Pick<EndpointSlice, 'endpoints' | 'ports'>[] {
  const groups = byPorts(service, backendsOf(service, pods));
  const slices = groups.map((group) => ({
    ports: group.ports.map((port) => ({ name: '', ...port })),
    endpoints: group.backends.map(({ address, ready, terminating, pod }) => ({
      addresses: [address],
      conditions: { ready, serving: isPodReady(pod), terminating },
      ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
      targetRef: reference(pod),
      ...(pod.spec?.hostname && pod.spec.subdomain === service.metadata.name ? { hostname: pod.spec.hostname } : {}),
    })),
  }));
  return slices.length > 0 ? slices : [{ endpoints: [], ports: [] }];
}
