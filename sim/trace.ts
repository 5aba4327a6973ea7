import type { FlinkDeployment } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject } from '@drey/kube';

/** Tells what happens in a world, line by line: runs of jobs, statuses, and the objects of clusters coming and going. */
export function tell(world: SimulatedWorld, line: (text: string) => void): void {
  world.fabric.storage.onEvent((event) => {
    const { type, clusterId } = event;
    if (type === 'disposed' || type === 'results-deleted') return line(`  ${clusterId} deletes ${event.path}`);
    const { jobId } = event;
    const id = `${clusterId} job ${jobId.slice(0, 6)}`;
    if (type === 'started')
      line(`  ${id} starts from ${event.restoredFrom ?? 'nothing'} in ${event.process} (${event.position})`);
    else if (type === 'ended') line(`  ${id} ends ${event.state} (${event.position})`);
    else line(`  ${id} ${event.what} triggered as ${event.triggerId.slice(0, 6)}`);
  });
  const last = new Map<string, string>();
  world.store.subscribe(undefined, ({ type, record }) => {
    const { kind, metadata } = record.object;
    if (kind === 'FlinkDeployment' || kind === 'FlinkSessionJob' || kind === 'FlinkStateSnapshot') {
      const { object } = record;
      const text = kind === 'FlinkStateSnapshot' ? snapshotBrief(object) : brief(object as unknown as FlinkDeployment);
      if (last.get(record.name) !== text || type === 'DELETED') line(`  ${type} ${record.name}: ${text}`);
      last.set(record.name, text);
    } else if (kind === 'Deployment' || kind === 'Pod') {
      const text = kind === 'Pod' ? podBrief(record.object) : `deleting ${metadata.deletionTimestamp !== undefined}`;
      if (last.get(`${kind}/${record.name}`) !== text || type !== 'MODIFIED')
        line(`  ${type} ${kind} ${record.name} ${text}`);
      last.set(`${kind}/${record.name}`, text);
    }
  });
}

function snapshotBrief({ status }: AnyObject): string {
  const { state, path, triggerId, error } = (status ?? {}) as Record<string, unknown>;
  return `snapshot ${state ?? 'new'} trigger ${triggerId ?? '-'} ${path ?? ''} ${error ?? ''}`;
}

function podBrief(pod: AnyObject): string {
  const status = pod.status as { containerStatuses?: { ready?: boolean; restartCount?: number }[]; phase?: string };
  const [main] = status?.containerStatuses ?? [];
  const going = pod.metadata.deletionTimestamp === undefined ? '' : ' deleting';
  return `${status?.phase} ready ${main?.ready ?? false} restarts ${main?.restartCount ?? 0}${going}`;
}

function brief({ metadata, spec, status }: FlinkDeployment): string {
  const job = status?.jobStatus;
  const operation = status?.operation as { kind?: string; phase?: string; id?: string } | undefined;
  const doing = operation === undefined ? '-' : `${operation.kind}/${operation.phase}/${operation.id?.slice(0, 6)}`;
  return [
    `generation ${metadata.generation}/${status?.observedGeneration ?? 0}`,
    `wanted ${spec.job?.state ?? 'running'}`,
    `${status?.lifecycleState ?? 'new'} jm ${status?.jobManagerDeploymentStatus} job ${job?.state} ${job?.jobId?.slice(0, 6)}`,
    `record ${status?.reconciliationStatus?.state}, operation ${doing}, state ${job?.upgradeSavepointPath ?? '-'}`,
    ...(status?.error ? [`error ${status.error}`] : []),
  ].join(', ');
}
