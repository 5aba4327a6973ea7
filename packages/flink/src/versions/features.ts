import { atLeast, before, type FlinkVersion } from './version.ts';

/** What differs between versions for whoever deploys Flink and talks to it. */
export interface FlinkFeatures {
  /** Savepoint requests may name a format (`formatType`). */
  readonly savepointFormat: boolean;
  /** Requests for asynchronous operations may bring their own id (`triggerId`), which makes them repeatable. */
  readonly triggerId: boolean;
  /** The field of a jar run that says who owns the restored snapshot; absent before 1.15. */
  readonly claimField: 'restoreMode' | 'claimMode' | undefined;
  /** Checkpoints can be triggered. */
  readonly checkpointTrigger: boolean;
  /** `/jobs/:id/resource-requirements` exists. */
  readonly resourceRequirements: boolean;
  /** `/jobs/:id/status` exists. */
  readonly jobStatus: boolean;
  /** A jar run may bring job-level options (`flinkConfiguration`). */
  readonly runConfiguration: boolean;
  /** Unknown fields in requests are ignored rather than refused. */
  readonly lenientRequests: boolean;
  /** Applications are listed (`/applications`). */
  readonly applications: boolean;
  /** The job result store exists, and with it `execution.shutdown-on-application-finish`. */
  readonly jobResultStore: boolean;
  /** The short name `kubernetes` is a value of `high-availability.type`. */
  readonly kubernetesHaName: boolean;
  /** Application jars may have any scheme, since the JobManager fetches them; before, only `local`. */
  readonly remoteApplicationJars: boolean;
  /** HA ConfigMaps carry the label `configmap-type: high-availability`. */
  readonly haConfigMapLabel: boolean;
  /** The beginning of the HA keys that hold a submitted job. */
  readonly jobGraphKeyPrefix: 'jobGraph-' | 'executionPlan-';
  /** The beginning of RPC addresses. */
  readonly rpcScheme: 'akka' | 'pekko';
}

/** The features of a version (reference: Flink's release notes and REST documentation per version). */
export function featuresOf(version: FlinkVersion): FlinkFeatures {
  return {
    savepointFormat: atLeast(version, '1.15'),
    triggerId: atLeast(version, '1.15'),
    claimField: atLeast(version, '1.20') ? 'claimMode' : atLeast(version, '1.15') ? 'restoreMode' : undefined,
    checkpointTrigger: atLeast(version, '1.17'),
    resourceRequirements: atLeast(version, '1.18'),
    jobStatus: atLeast(version, '1.16'),
    runConfiguration: atLeast(version, '1.17'),
    lenientRequests: atLeast(version, '1.20'),
    applications: atLeast(version, '2.3'),
    jobResultStore: atLeast(version, '1.15'),
    kubernetesHaName: atLeast(version, '1.16'),
    remoteApplicationJars: atLeast(version, '1.19'),
    haConfigMapLabel: before(version, '2.0'),
    jobGraphKeyPrefix: atLeast(version, '2.0') ? 'executionPlan-' : 'jobGraph-',
    rpcScheme: atLeast(version, '1.18') ? 'pekko' : 'akka',
  };
}
