import type { FlinkDeployment } from './flink-deployment.ts';
import type { FlinkSessionJob } from './flink-session-job.ts';
import type { FlinkStateSnapshot } from './flink-state-snapshot.ts';

/** Where a kind lives in the API, in the shape that Kubernetes clients of Drey take; `_type` exists for the compiler only. */
export interface KindAddress<T> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly _type?: T;
}

function flinkKind<T>(kind: string): KindAddress<T> {
  return {
    group: 'flink.apache.org',
    version: 'v1beta1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced: true,
  };
}

/** FlinkDeployments of flink.apache.org/v1beta1. */
export const FlinkDeployments: KindAddress<FlinkDeployment> = flinkKind('FlinkDeployment');

/** FlinkSessionJobs of flink.apache.org/v1beta1. */
export const FlinkSessionJobs: KindAddress<FlinkSessionJob> = flinkKind('FlinkSessionJob');

/** FlinkStateSnapshots of flink.apache.org/v1beta1. */
export const FlinkStateSnapshots: KindAddress<FlinkStateSnapshot> = flinkKind('FlinkStateSnapshot');
