import { flattenConfiguration, javaHashOrder } from '@drey/api';
import {
  type ConfigEntries,
  executionOptions,
  type FlinkConfig,
  highAvailabilityOptions,
  mapListType,
} from '@drey/flink';
import { stringify } from 'yaml';
import type { ManifestObject } from '../kubernetes/objects.ts';
import type { ClusterInput } from '../native/input.ts';
import { buildNativeCluster, ownedBy } from '../native/jobmanager-factory.ts';
import { buildStandaloneCluster } from '../standalone/cluster.ts';
import { buildDeployConfig, CLIENT_VERSION, type DeployConfig } from './deploy-config.ts';
import { buildIngress } from './ingress.ts';
import { checkLocalState } from './local-state.ts';
import { DEFAULT_LOGGING } from './logging.ts';
import { withResultCleanup } from './result-cleanup.ts';
import { mountedResultStores, resultStores } from './result-stores.ts';
import { type DeploymentInput, type DeploymentView, viewDeployment } from './spec-view.ts';

/** What is decided at the moment of a deployment, and recorded before it. */
export interface DeploymentDecision {
  /** Flink’s id of the job, 32 hexadecimal digits; a user’s own `$internal.pipeline.job-id` goes before it. */
  readonly jobId: string;
  /** Names the directory of this deployment in the job result store, so that an old result never ends a new job. */
  readonly resultStoreId: string;
  /** The state to start from: a path, or a marker where only high availability metadata knows it. Absent: none. */
  readonly savepointPath?: string;
  /** Directories of results of earlier starts, which this one deletes; others than such directories are left alone. */
  readonly formerResultStores?: readonly string[];
}

/** What the objects of a FlinkDeployment are made from. */
export interface DeploymentObjectsInput {
  readonly deployment: DeploymentInput;
  /** The operator’s default configuration, flat. */
  readonly operatorConfig: ConfigEntries;
  readonly decision: DeploymentDecision;
  /** Logging files for deployments that bring none. Absent: Drey’s own. */
  readonly logging?: Readonly<Record<string, string>>;
}

/** The objects of a FlinkDeployment. */
export interface DeploymentObjects {
  /** The JobManager’s Deployment; it is created first, its uid goes into the accompanying objects. */
  readonly deployment: ManifestObject;
  /** Services and ConfigMaps in creation order, without their owner: see {@link withOwner}. */
  readonly accompanying: readonly ManifestObject[];
  /** The TaskManagers’ Deployment or StatefulSet of a standalone cluster; it is created after what its pods mount. */
  readonly taskManagers: ManifestObject | undefined;
  readonly ingress: ManifestObject | undefined;
  /** The effective configuration, the operator’s own keys included. */
  readonly config: FlinkConfig;
  /** What Flink’s client is given, for {@link buildTaskManagerPod}. */
  readonly cluster: ClusterInput;
}

/**
 * Exactly the objects that the Apache operator creates for a FlinkDeployment, or makes Flink’s client create in native
 * mode. Pure. Throws `ManifestError` or `FlinkError` for a spec that cannot be deployed.
 */
export function buildDeploymentObjects(input: DeploymentObjectsInput): DeploymentObjects {
  const { deployment, decision } = input;
  const view = viewDeployment(deployment);
  const deploy = buildDeployConfig(input);
  checkLocalState(view, deploy, flattenConfiguration(view.spec.flinkConfiguration));
  const cluster: ClusterInput = {
    flinkVersion: CLIENT_VERSION,
    target: view.job === undefined ? 'session' : 'application',
    clusterId: view.name,
    configuration: withDecision(withOwnerReference(deploy.flinkConfig, view), view, decision).toRecord(),
    configFile: deploy.configFile,
    files: clientFiles(deploy, input.logging ?? DEFAULT_LOGGING),
  };
  const { taskManagers, ...built } = view.standalone
    ? buildStandaloneCluster(cluster)
    : { ...buildNativeCluster(cluster), taskManagers: undefined };
  const place = (object: ManifestObject): ManifestObject => ({
    ...object,
    metadata: { ...object.metadata, namespace: view.namespace },
  });
  return {
    deployment: place(withResultCleanup(built.deployment, formerResults(deploy.flinkConfig, view, decision))),
    accompanying: built.accompanying.map(place),
    taskManagers: taskManagers && place(taskManagers),
    ingress: buildIngress(deployment, deploy.config),
    config: deploy.config,
    cluster,
  };
}

/** All objects in creation order; `uid` is that of the JobManager’s Deployment, which owns the accompanying ones. */
export function withOwner(objects: DeploymentObjects, uid: string): ManifestObject[] {
  const { deployment, accompanying, taskManagers, ingress } = objects;
  const owner = { name: deployment.metadata.name, uid };
  return [
    deployment,
    ...accompanying.map((object) => ownedBy(object, owner)),
    ...(taskManagers ? [taskManagers] : []),
    ...(ingress ? [ingress] : []),
  ];
}

/** Local paths of what is to be deleted; never those of this start. */
function formerResults(config: FlinkConfig, view: DeploymentView, decision: DeploymentDecision): readonly string[] {
  const { resultStoreId, formerResultStores = [] } = decision;
  if (view.job === undefined) return [];
  return mountedResultStores(config, view.name, formerResultStores).filter(
    (path) => !path.endsWith(`/${resultStoreId}`),
  );
}

function clientFiles(
  { jobManagerTemplate, taskManagerTemplate, logging }: DeployConfig,
  defaults: Readonly<Record<string, string>>,
): NonNullable<ClusterInput['files']> {
  return {
    logging: logging ?? defaults,
    ...(jobManagerTemplate && { jobManagerTemplate }),
    ...(taskManagerTemplate && {
      taskManagerTemplate: { pod: taskManagerTemplate, text: templateText(taskManagerTemplate) },
    }),
  };
}

function templateText(template: unknown): string {
  return stringify(template, {
    directives: true,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    lineWidth: 0,
  });
}

/** The FlinkDeployment owns its JobManager’s Deployment, without being its controller. */
function withOwnerReference(config: FlinkConfig, { uid, name, apiVersion, kind }: DeploymentView): FlinkConfig {
  const owner: Record<string, string> = {
    apiVersion,
    kind,
    name,
    uid: uid ?? '',
    controller: 'false',
    blockOwnerDeletion: 'true',
  };
  const map = new Map(javaHashOrder(Object.keys(owner)).map((key) => [key, owner[key] ?? '']));
  return config.with('kubernetes.jobmanager.owner.reference', mapListType.format([map], config.rules));
}

/** The parts of the configuration that are decided at each deployment of an application. */
function withDecision(config: FlinkConfig, view: DeploymentView, decision: DeploymentDecision): FlinkConfig {
  if (view.job === undefined) return config;
  const { jobId, resultStoreId, savepointPath } = decision;
  const identified = config.has(executionOptions.pipelineJobId)
    ? config
    : config.with(executionOptions.pipelineJobId.key, jobId);
  const stored = withResultStore(identified, view, resultStoreId);
  const bare = stored.without('execution.savepoint.path', 'execution.state-recovery.path');
  return savepointPath === undefined ? bare : bare.with('execution.savepoint.path', savepointPath);
}

function withResultStore(config: FlinkConfig, view: DeploymentView, resultStoreId: string): FlinkConfig {
  const stores = resultStores(config, view, resultStoreId);
  const { jobResultStoreDeleteOnCommit: deletes } = highAvailabilityOptions;
  if (stores === undefined) return config;
  return (config.has(deletes) ? config : config.with(deletes.key, 'false')).withAll(stores);
}
