export { type ClusterUsage, clusterUsage } from './effective/cluster-usage.ts';
export { defaultConfiguration, versionPrefixes } from './effective/defaults.ts';
export {
  buildDeployConfig,
  CLIENT_VERSION,
  type DeployConfig,
  type DeployConfigInput,
  GENERATION_ANNOTATION,
  withoutOperatorKeys,
} from './effective/deploy-config.ts';
export {
  buildDeploymentObjects,
  type DeploymentDecision,
  type DeploymentObjects,
  type DeploymentObjectsInput,
  withOwner,
} from './effective/deployment-objects.ts';
export { ManifestError, type ManifestErrorCode } from './effective/errors.ts';
export { buildIngress } from './effective/ingress.ts';
export { taskManagers } from './effective/job-config.ts';
export { DEFAULT_LOG4J_CONSOLE, DEFAULT_LOGGING } from './effective/logging.ts';
export { DEFAULT_OPERATOR_CONFIG } from './effective/operator-defaults.ts';
export { mergePodTemplates } from './effective/pod-templates.ts';
export { hasPostStart } from './effective/result-cleanup.ts';
export {
  hasMountedResults,
  mountedResultStores,
  type ResultStoreOwner,
  resultStores,
} from './effective/result-stores.ts';
export {
  buildObserveConfig,
  buildSessionJobConfig,
  type ObserveConfigInput,
} from './effective/session-job-config.ts';
export type { DeploymentInput } from './effective/spec-view.ts';
export * from './kubernetes/objects.ts';
export { podTemplateFrom } from './kubernetes/pod-template.ts';
export { configurationMapName } from './native/decorators/flink-conf.ts';
export { restServiceName } from './native/decorators/services.ts';
export type { ClientFiles, ClusterInput, ClusterTarget, ConfigFileFormat } from './native/input.ts';
export { buildNativeCluster, type NativeCluster, ownedBy } from './native/jobmanager-factory.ts';
export {
  buildTaskManagerPod,
  type RunningJobManager,
  UNKNOWN_JOB_MANAGER,
} from './native/taskmanager-factory.ts';
export {
  buildStandaloneCluster,
  type StandaloneCluster,
  TASK_MANAGER_REPLICAS,
} from './standalone/cluster.ts';
export { LOCAL_STATE_VOLUME } from './standalone/local-state.ts';
export { taskManagersName } from './standalone/names.ts';
export { validationContext } from './validation/context.ts';
