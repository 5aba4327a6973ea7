import { EndpointSlice, Endpoints, isKubeError, type Outcome, Pod, Service } from '@drey/kube';
import { type ControllerContext, controllerReference, objectKey, startController } from './context.ts';
import { endpointSlices, endpointSubsets } from './endpoint-plan.ts';
import { sameJson } from './same.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';

/** Keeps Endpoints and EndpointSlices of every Service with a selector. */
export function startEndpointsController(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, informers } = context;
  const services = informers.of(Service);
  const pods = informers.of(Pod);
  const endpoints = informers.of(Endpoints);
  const slices = informers.of(EndpointSlice);

  const writeEndpoints = async (service: Service): Promise<void> => {
    const { namespace, name = '', labels } = service.metadata;
    const subsets = endpointSubsets(service, pods.list(namespace));
    const existing = endpoints.get(namespace, name);
    if (existing === undefined) {
      const headless = service.spec?.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {};
      await client.create(Endpoints, {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { name, namespace: namespace ?? '', labels: { ...labels, ...headless } },
        ...(subsets.length === 0 ? {} : { subsets }),
      });
      return;
    }
    if (sameJson(existing.subsets ?? [], subsets)) return;
    await client.replace(Endpoints, { ...existing, subsets });
  };

  const writeSlices = async (service: Service): Promise<void> => {
    const { namespace, name = '' } = service.metadata;
    const wanted = endpointSlices(service, pods.list(namespace));
    const existing = slices
      .list(namespace)
      .filter(
        (slice) => slice.metadata.labels?.[SERVICE_NAME] === name && slice.metadata.labels[MANAGED_BY] === MANAGER,
      );
    const free = [...existing];
    const missing = wanted.filter((slice) => {
      const at = free.findIndex((have) => sameJson(pick(have), slice));
      if (at >= 0) free.splice(at, 1);
      return at < 0;
    });
    for (const slice of missing) {
      const reused = free.shift();
      if (reused !== undefined) {
        await client.replace(EndpointSlice, { ...reused, ...slice });
        continue;
      }
      await client.create(EndpointSlice, {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          generateName: `${name}-`,
          namespace: namespace ?? '',
          labels: { ...service.metadata.labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
          ownerReferences: [controllerReference(service)],
        },
        addressType: 'IPv4',
        ...slice,
      });
    }
    for (const slice of free) await remove(slice);
  };

  const remove = async (slice: EndpointSlice): Promise<void> => {
    try {
      await client.delete(EndpointSlice, slice.metadata.namespace, slice.metadata.name ?? '');
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
    }
  };

  const reconcile = async (namespace: string, name: string): Promise<Outcome> => {
    const service = services.get(namespace, name);
    if (service === undefined) {
      // Slices have an owner and go with it; Endpoints only share the name.
      if (endpoints.get(namespace, name) !== undefined) {
        await client.delete(Endpoints, namespace, name).catch((error: unknown) => {
          if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
        });
      }
      return { type: 'gone' };
    }
    if (service.metadata.deletionTimestamp !== undefined || Object.keys(service.spec?.selector ?? {}).length === 0) {
      return { type: 'done' };
    }
    await writeEndpoints(service);
    await writeSlices(service);
    return { type: 'done' };
  };

  /** The Services that a pod belongs to by its labels. */
  const servicesOf = (pod: Pod): readonly string[] =>
    services
      .list(pod.metadata.namespace)
      .filter((service) => {
        const selector = Object.entries(service.spec?.selector ?? {});
        return selector.length > 0 && selector.every(([key, value]) => pod.metadata.labels?.[key] === value);
      })
      .map(objectKey);
  return startController(
    context,
    {
      name: 'endpoints',
      sources: [services.source((service) => [objectKey(service)]), pods.source(servicesOf)],
      reconcile,
    },
    signal,
  );
}

function pick(slice: EndpointSlice): Pick<EndpointSlice, 'endpoints' | 'ports'> {
  return { endpoints: slice.endpoints ?? [], ports: slice.ports ?? [] };
}
