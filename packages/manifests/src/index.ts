export * from './kubernetes/objects.ts';
export type { ClientFiles, ClusterTarget, ConfigFileFormat, NativeClusterInput } from './native/input.ts';
export { buildNativeCluster, type NativeCluster, ownedBy } from './native/jobmanager-factory.ts';
export {
  buildTaskManagerPod,
  type RunningJobManager,
  UNKNOWN_JOB_MANAGER,
} from './native/taskmanager-factory.ts';
