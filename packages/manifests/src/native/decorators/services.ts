import { atLeast, clusterOptions, kubernetesOptions } from '@drey/flink';
import type { ManifestObject, Metadata } from '../../kubernetes/objects.ts';
import { NATIVE_TYPE, PORT_NAME_BLOB_SERVER, PORT_NAME_JOB_MANAGER_RPC, PORT_NAME_REST } from '../constants.ts';
import { fixedPort, highAvailabilityOn, restExposedType } from '../options.ts';
import { commonLabels, type Decorator, type Parameters, selectorLabels, setMap } from '../parameters.ts';

/** Name of the Service that clients use. */
export function restServiceName(clusterId: string): string {
  return `${clusterId}-rest`;
}

/**
 * The Service through which TaskManagers find their JobManager. With high availability they ask the leader election
 * instead, and a native cluster has no such Service; a standalone one always has.
 */
export const internalService: Decorator = {
  concern: 'internal-service',
  resources(p) {
    if (highAvailabilityOn(p.config) && p.clusterType === NATIVE_TYPE) return [];
    const annotations = atLeast(p.flinkVersion, '1.20')
      ? Object.fromEntries(p.config.get(kubernetesOptions.internalServiceAnnotations))
      : undefined;
    return [
      service(p, p.clusterId, kubernetesOptions.internalServiceLabels, annotations, {
        clusterIP: 'None',
        selector: selectorLabels(p, 'jobmanager'),
        ports: [
          { name: PORT_NAME_JOB_MANAGER_RPC, port: p.config.get(clusterOptions.jobManagerRpcPort) },
          { name: PORT_NAME_BLOB_SERVER, port: fixedPort(p.config, clusterOptions.blobServerPort) },
        ],
      }),
    ];
  },
};

/** The Service of the REST endpoint. */
export const externalService: Decorator = {
  concern: 'external-service',
  resources(p) {
    const exposed = restExposedType(p.config, p.flinkVersion);
    const headless = exposed === 'Headless_ClusterIP';
    return [
      service(
        p,
        restServiceName(p.clusterId),
        kubernetesOptions.restServiceLabels,
        Object.fromEntries(p.config.get(kubernetesOptions.restServiceAnnotations)),
        {
          type: headless ? 'ClusterIP' : exposed,
          ...(headless ? { clusterIP: 'None' } : {}),
          selector: selectorLabels(p, 'jobmanager'),
          ports: [
            {
              name: PORT_NAME_REST,
              port: p.config.get(clusterOptions.restPort),
              targetPort: fixedPort(p.config, clusterOptions.restBindPort),
            },
          ],
        },
      ),
    ];
  },
};

function service(
  p: Parameters,
  name: string,
  userLabels: typeof kubernetesOptions.restServiceLabels,
  annotations: Record<string, string> | undefined,
  spec: Record<string, unknown>,
): ManifestObject {
  const extra = atLeast(p.flinkVersion, '2.2') ? Object.fromEntries(p.config.get(userLabels)) : {};
  const metadata: Metadata & { name: string } = {
    name,
    labels: { ...commonLabels(p), ...extra },
    ...setMap(p.flinkVersion, 'annotations', annotations),
  };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec };
}
