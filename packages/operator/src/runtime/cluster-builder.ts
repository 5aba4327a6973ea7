import { type ConfigEntries, operatorOptions } from '@drey/flink';
import type { Deployment, Ingress, KubeObject } from '@drey/kube';
import { buildDeploymentObjects } from '@drey/manifests';
import type { Workload } from '../deployment/task-managers.ts';
import type { ClusterBuilder } from './ports.ts';

/** Builds clusters, native and standalone, with the operator's default configuration and its logging files. */
export function clusterBuilder(
  operatorConfig: ConfigEntries,
  logging?: Readonly<Record<string, string>>,
): ClusterBuilder {
  return ({ deployment, generation, jobId, operationId, savepointPath, formerResultStores }) => {
    const built = buildDeploymentObjects({
      deployment: {
        ...deployment,
        metadata: { ...deployment.metadata, ...(generation === undefined ? {} : { generation }) },
      },
      operatorConfig,
      decision: {
        jobId,
        // One directory for each operation: a result that an earlier deployment left never ends this job.
        resultStoreId: operationId,
        ...(savepointPath === undefined ? {} : { savepointPath }),
        ...(formerResultStores === undefined ? {} : { formerResultStores }),
      },
      ...(logging === undefined ? {} : { logging }),
    });
    const managed = built.config.get(operatorOptions.ingressManage);
    return {
      deployment: built.deployment as unknown as Deployment,
      accompanying: built.accompanying as unknown as readonly KubeObject[],
      taskManagers: built.taskManagers as Workload | undefined,
      ingress: managed ? (built.ingress as Ingress | undefined) : undefined,
    };
  };
}
