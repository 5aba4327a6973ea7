/** Name of a standalone cluster’s TaskManagers: of their Deployment or StatefulSet, and of the Service of the latter. */
export function taskManagersName(clusterId: string): string {
  return `${clusterId}-taskmanager`;
}
