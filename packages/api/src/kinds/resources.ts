import type { FlinkDeployment } from './flink-deployment.ts';

/** Where a kind lives in the API, in the shape that Kubernetes clients of Drey take; `_type` exists for the compiler only. */
export interface KindAddress<T> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly _type?: T;
}

/** FlinkDeployments of flink.apache.org/v1beta1. */
export const FlinkDeployments: KindAddress<FlinkDeployment> = {
  group: 'flink.apache.org',
  version: 'v1beta1',
  kind: 'FlinkDeployment',
  plural: 'flinkdeployments',
  namespaced: true,
};
