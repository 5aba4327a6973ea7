import type { AnyObject } from '@drey/kube';
import { ageOf, humanDuration } from '../age.ts';
import { bool, containerCells, formatLabels, formatSelector, int, list, map, read, text } from '../fields.ts';
import type { CellWriter } from '../renderer.ts';

function template(object: AnyObject): [string, string] {
  return containerCells(list(object, 'spec', 'template', 'spec', 'containers'));
}

function hasCondition(object: AnyObject, type: string): boolean {
  const found = list(object, 'status', 'conditions').find((condition) => text(condition, 'type') === type);
  return text(found, 'status') === 'True';
}

function jobStatus(job: AnyObject): string {
  if (hasCondition(job, 'Complete')) return 'Complete';
  if (hasCondition(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet']) if (hasCondition(job, type)) return type;
  return 'Running';
}

function jobCompletions(job: AnyObject): string {
  const succeeded = int(job, 'status', 'succeeded');
  if (read(job, 'spec', 'completions') !== undefined) return `${succeeded}/${int(job, 'spec', 'completions')}`;
  const parallelism = int(job, 'spec', 'parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: AnyObject, now: number): string {
  const start = text(job, 'status', 'startTime');
  if (start === '') return '';
  const end = text(job, 'status', 'completionTime');
  return humanDuration((end === '' ? now : Date.parse(end)) - Date.parse(start));
}

function controllerOf(object: AnyObject): string {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const workloadCells: Readonly<Record<string, CellWriter>> = {
  'apps/Deployment': (object, now) => [
    object.metadata.name ?? '',
    `${int(object, 'status', 'readyReplicas')}/${int(object, 'spec', 'replicas')}`,
    int(object, 'status', 'updatedReplicas'),
    int(object, 'status', 'availableReplicas'),
    ageOf(object.metadata.creationTimestamp, now),
    ...template(object),
    formatSelector(read(object, 'spec', 'selector'), ''),
  ],
  'apps/ReplicaSet': (object, now) => [
    object.metadata.name ?? '',
    int(object, 'spec', 'replicas'),
    int(object, 'status', 'replicas'),
    int(object, 'status', 'readyReplicas'),
    ageOf(object.metadata.creationTimestamp, now),
    ...template(object),
    formatSelector(read(object, 'spec', 'selector')),
  ],
  '/ReplicationController': (object, now) => [
    object.metadata.name ?? '',
    int(object, 'spec', 'replicas'),
    int(object, 'status', 'replicas'),
    int(object, 'status', 'readyReplicas'),
    ageOf(object.metadata.creationTimestamp, now),
    ...template(object),
    formatLabels(map(object, 'spec', 'selector')),
  ],
  'apps/StatefulSet': (object, now) => [
    object.metadata.name ?? '',
    `${int(object, 'status', 'readyReplicas')}/${int(object, 'spec', 'replicas')}`,
    ageOf(object.metadata.creationTimestamp, now),
    ...template(object),
  ],
  'apps/DaemonSet': (object, now) => [
    object.metadata.name ?? '',
    int(object, 'status', 'desiredNumberScheduled'),
    int(object, 'status', 'currentNumberScheduled'),
    int(object, 'status', 'numberReady'),
    int(object, 'status', 'updatedNumberScheduled'),
    int(object, 'status', 'numberAvailable'),
    formatLabels(map(object, 'spec', 'template', 'spec', 'nodeSelector')),
    ageOf(object.metadata.creationTimestamp, now),
    ...template(object),
    formatSelector(read(object, 'spec', 'selector')),
  ],
  'apps/ControllerRevision': (object, now) => [
    object.metadata.name ?? '',
    controllerOf(object),
    int(object, 'revision'),
    ageOf(object.metadata.creationTimestamp, now),
  ],
  'batch/Job': (object, now) => [
    object.metadata.name ?? '',
    jobStatus(object),
    jobCompletions(object),
    jobDuration(object, now),
    ageOf(object.metadata.creationTimestamp, now),
    ...template(object),
    formatSelector(read(object, 'spec', 'selector')),
  ],
  'batch/CronJob': (object, now) => {
    const last = text(object, 'status', 'lastScheduleTime');
    return [
      object.metadata.name ?? '',
      text(object, 'spec', 'schedule'),
      read(object, 'spec', 'timeZone') === undefined ? '<none>' : text(object, 'spec', 'timeZone'),
      read(object, 'spec', 'suspend') === undefined ? '<unset>' : bool(object, 'spec', 'suspend') ? 'True' : 'False',
      list(object, 'status', 'active').length,
      last === '' ? '<none>' : ageOf(last, now),
      ageOf(object.metadata.creationTimestamp, now),
      ...containerCells(list(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec', 'containers')),
      formatSelector(read(object, 'spec', 'jobTemplate', 'spec', 'selector')),
    ];
  },
  '/PodTemplate': (object) => [
    object.metadata.name ?? '',
    ...containerCells(list(object, 'template', 'spec', 'containers')),
    formatLabels(map(object, 'template', 'metadata', 'labels')),
  ],
  'policy/PodDisruptionBudget': (object, now) => [
    object.metadata.name ?? '',
    read(object, 'spec', 'minAvailable') === undefined ? 'N/A' : text(object, 'spec', 'minAvailable'),
    read(object, 'spec', 'maxUnavailable') === undefined ? 'N/A' : text(object, 'spec', 'maxUnavailable'),
    int(object, 'status', 'disruptionsAllowed'),
    ageOf(object.metadata.creationTimestamp, now),
  ],
  'autoscaling/HorizontalPodAutoscaler': (object, now) => [
    object.metadata.name ?? '',
    `${text(object, 'spec', 'scaleTargetRef', 'kind')}/${text(object, 'spec', 'scaleTargetRef', 'name')}`,
    autoscalerTargets(object),
    read(object, 'spec', 'minReplicas') === undefined ? '<unset>' : text(object, 'spec', 'minReplicas'),
    int(object, 'spec', 'maxReplicas'),
    int(object, 'status', 'currentReplicas'),
    ageOf(object.metadata.creationTimestamp, now),
  ],
};

const MAX_METRICS = 2;
const metricFields: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

function autoscalerTargets(object: AnyObject): string {
  const specs = list(object, 'spec', 'metrics');
  if (specs.length === 0) return '<none>';
  const statuses = list(object, 'status', 'currentMetrics');
  const shown = specs.map((spec, index) => {
    const field = metricFields[text(spec, 'type')];
    return field === undefined
      ? '<unknown type>'
      : metricTarget(field, read(spec, field), read(statuses[index], field));
  });
  const head = shown.slice(0, MAX_METRICS).join(', ');
  return shown.length > MAX_METRICS ? `${head} + ${shown.length - MAX_METRICS} more...` : head;
}

function metricTarget(field: string, spec: unknown, status: unknown): string {
  const current = (key: string): string => text(status, 'current', key) || '<unknown>';
  const average = text(spec, 'target', 'averageValue');
  const named = field === 'resource' || field === 'containerResource';
  const prefix = named ? `${text(spec, 'name')}: ` : '';
  if (field === 'pods' || (named && average !== '')) return `${prefix}${current('averageValue')}/${average}`;
  if (named) {
    const percent = (of: unknown, part: string, none: string): string =>
      read(of, part, 'averageUtilization') === undefined ? none : `${int(of, part, 'averageUtilization')}%`;
    return `${prefix}${percent(status, 'current', '<unknown>')}/${percent(spec, 'target', '<auto>')}`;
  }
  return average === ''
    ? `${current('value')}/${text(spec, 'target', 'value')}`
    : `${current('averageValue')}/${average} (avg)`;
}
