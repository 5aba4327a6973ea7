import type { ConfigEntries } from '@drey/flink';
import type { Deployment, KubeObject } from '@drey/kube';
import { buildDeploymentObjects } from '@drey/manifests';
import type { ClusterBuilder } from './ports.ts';

/** Builds native clusters with the operator's default configuration and its logging files. */
export function nativeClusterBuilder(
  operatorConfig: ConfigEntries,
  logging?: Readonly<Record<string, string>>,
): ClusterBuilder {
  return ({ deployment, generation, jobId, operationId, savepointPath }) => {
    const native = buildDeploymentObjects({
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
      },
      ...(logging === undefined ? {} : { logging }),
    });
    return {
      deployment: native.deployment as unknown as Deployment,
      accompanying: native.accompanying as unknown as readonly KubeObject[],
    };
  };
}
