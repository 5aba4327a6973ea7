import type { FlinkDeployment, FlinkDeploymentStatus, FlinkStateSnapshot } from '@drey/api';
import type { FlinkTransport } from '@drey/flink';
import type { ConfigMap, Deployment, KubeObject, Pod } from '@drey/kube';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { exceptionKey } from '../job/exceptions.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { known } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { eventName } from '../runtime/event-recorder.ts';
import { flinkPort } from '../runtime/flink-port.ts';
import { objectsIn } from '../testing/golden-objects.ts';
import { aWorld, POLICY } from '../testing/worlds.ts';
import { decide } from './decide.ts';
import { haMetadata } from './observation/ha-metadata.ts';
import { observedDeployment, observedPod } from './observation/kube-readings.ts';
import { RUNNING_DIFFERENCES } from './running-differences.ts';
import type { FlinkReadings, World } from './world.ts';

/** One FlinkDeployment at one step of the recorded life. */
interface Moment {
  readonly id: string;
  readonly deployment: FlinkDeployment;
  readonly read: (file: string) => KubeObject[];
  readonly rest: Readonly<Record<string, unknown>> | undefined;
}

const area = goldenArea('apache-operator-running');

function moments(): Moment[] {
  const folders = area.files
    .filter((file) => file.endsWith('/flinkdeployments.yaml'))
    .map((file) => file.slice(0, -'/flinkdeployments.yaml'.length));
  return folders.flatMap((folder) => {
    const read = (file: string): KubeObject[] =>
      area.files.includes(`${folder}/${file}`) ? objectsIn(area.text(`${folder}/${file}`)) : [];
    const answers = `${folder}/jm-rest.json`;
    const rest = area.files.includes(answers) ? area.json<Record<string, unknown>>(answers) : undefined;
    return (read('flinkdeployments.yaml') as unknown as FlinkDeployment[])
      .filter((one) => one.spec.job && one.status && lastReconciled(one.status) !== undefined)
      .map((deployment) => ({ id: `${folder}/${deployment.metadata.name}`, deployment, read, rest }));
  });
}

/** Answers what was recorded, and 404 to everything else. */
function recordedFlink(rest: Readonly<Record<string, unknown>>): FlinkTransport {
  return async ({ url }) => {
    const path = new URL(url).pathname;
    const checkpoints = /^\/jobs\/(\w+)\/checkpoints$/.exec(path)?.[1];
    const key =
      path === '/jobs/overview' ? 'jobs' : checkpoints === undefined ? path.slice(1) : `checkpoints-${checkpoints}`;
    const found = rest[key];
    const status = found === undefined ? 404 : 200;
    return { status, headers: {}, body: JSON.stringify(found ?? { errors: ['not recorded'] }) };
  };
}

async function flinkReadings({ deployment, rest }: Moment, none: FlinkReadings): Promise<FlinkReadings> {
  const { jobId = '', jobName = '', state, startTime } = deployment.status?.jobStatus ?? {};
  if (rest === undefined || !JSON.stringify(rest).includes(jobId ?? '')) {
    // What Flink said was not recorded: the same as the status says.
    const job = { jobId: jobId ?? '', name: jobName ?? '', state: state ?? '', startTime: Number(startTime) };
    const isUp = deployment.status?.jobManagerDeploymentStatus === 'READY';
    const checkpoints = { kind: 'not-found', message: 'not recorded' } as const;
    return isUp ? { ...none, jobs: { kind: 'ok', value: [job] }, checkpoints } : none;
  }
  const cluster = flinkPort(recordedFlink(rest))('http://flink', deployment.spec.flinkVersion ?? '');
  const call = { timeoutMs: 1_000, signal: new AbortController().signal };
  const [jobs, checkpoints, taskManagers] = await Promise.all([
    cluster.jobs(call),
    cluster.checkpoints(jobId ?? '', call),
    cluster.taskManagerCount(call),
  ]);
  return { ...none, jobs, checkpoints, taskManagers };
}

/** Shortly after the last time that the status names. */
function timeOf({ status, metadata }: FlinkDeployment): number {
  const times = [
    Number(status?.jobStatus?.updateTime ?? 0),
    status?.reconciliationStatus?.reconciliationTimestamp ?? 0,
    Date.parse(metadata.creationTimestamp ?? ''),
    ...(status?.conditions ?? []).map((one) => Date.parse(one.lastTransitionTime ?? '')),
  ];
  return Math.max(...times.filter((one) => !Number.isNaN(one))) + 5_000;
}

function snapshotsOf({ deployment, read }: Moment): FlinkStateSnapshot[] {
  const all = read('flinkstatesnapshots.yaml') as unknown as FlinkStateSnapshot[];
  return all.filter((one) => one.spec.jobReference?.name === deployment.metadata.name);
}

async function worldOf(moment: Moment): Promise<World> {
  const { deployment, read } = moment;
  const { name = '' } = deployment.metadata;
  const at = timeOf(deployment);
  const none = aWorld(deployment).flink;
  const all = read('deployments.yaml') as unknown as Deployment[];
  const jobManager = all.find((one) => one.metadata.name === name);
  const taskManagers = all.find((one) => one.metadata.name === `${name}-taskmanager`);
  const pods = (read('pods.yaml') as unknown as Pod[]).filter(
    ({ metadata }) => metadata.labels?.app === name && metadata.labels.component === 'jobmanager',
  );
  const maps = (read('configmaps.yaml') as unknown as ConfigMap[]).filter(
    (map) => map.metadata.labels?.app === name && map.metadata.labels.type === 'flink-native-kubernetes',
  );
  const observed = taskManagers && {
    kind: 'Deployment' as const,
    uid: taskManagers.metadata.uid ?? '',
    deleting: taskManagers.metadata.deletionTimestamp !== undefined,
    ownerUid: taskManagers.metadata.ownerReferences?.[0]?.uid,
    operationId: undefined,
    replicas: taskManagers.spec?.replicas ?? 1,
  };
  return aWorld(deployment, {
    now: at,
    jobManager: known(jobManager && observedDeployment(jobManager), at),
    jobManagerPods: known(pods.map(observedPod), at),
    taskManagers: known(observed, at),
    ...(jobManager === undefined && { remains: known({ deployment: false, pods: [], services: [] }, at) }),
    ha: known(haMetadata(maps, deployment), at),
    snapshots: { ...aWorld(deployment).snapshots, objects: snapshotsOf(moment) },
    flink: await flinkReadings(moment, none),
  });
}

/** Steps that touch the job or what it runs on. */
const TOUCHING: readonly string[] = [
  ...['stop-with-savepoint', 'cancel-job', 'rescale-job', 'trigger-savepoint', 'delete-job-manager'],
  ...['delete-ha-metadata', 'remove-job-graphs', 'create-cluster', 'change-objects', 'scale-task-managers'],
  ...['delete-task-managers', 'create-task-managers', 'remove-finalizer'],
];

/** Something is under way, so the next step of it may be made: an upgrade, a deletion, the recovery of a lost Deployment. */
function isUnderWay({ deployment, jobManager }: World): boolean {
  const { metadata, status } = deployment;
  const settled =
    status?.reconciliationStatus?.state === 'DEPLOYED' && metadata.generation === status.observedGeneration;
  const lost = jobManager.known && jobManager.value === undefined && status?.lifecycleState !== 'SUSPENDED';
  return !settled || lost || metadata.deletionTimestamp !== undefined;
}

/** Every member of what was recorded that is missing in, or differs from, what would be written. */
function differences(recorded: unknown, ours: unknown, path: string, exact: boolean): string[] {
  if (typeof recorded !== 'object' || recorded === null) {
    const same = exact ? recorded === ours : typeof recorded === typeof ours;
    return same ? [] : [`${path}: ${JSON.stringify(recorded)} → ${JSON.stringify(ours)}`];
  }
  if (typeof ours !== 'object' || ours === null) return [`${path}: missing`];
  return Object.entries(recorded).flatMap(([key, value]) =>
    differences(value, (ours as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`, exact),
  );
}

/**
 * Conditions are compared as far as both operators write them, and the size of the state as a number. The Apache operator's
 * condition can lag behind the state it tells of: one that speaks of another state than the status is not compared.
 */
function comparable({ conditions, clusterInfo, operation: _, ...rest }: FlinkDeploymentStatus): object {
  const running = conditions?.find((one) => one.type === 'Running');
  const isStale = running?.message !== `Job status ${rest.jobStatus?.state}`;
  const { 'state-size': size, ...info } = clusterInfo ?? {};
  return {
    ...rest,
    clusterInfo: { ...info, ...(size === undefined ? {} : { 'state-size': /^\d+$/.test(size) }) },
    ...(!isStale && { running: { status: running.status, reason: running.reason, message: running.message } }),
  };
}

interface RecordedEvent {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly source?: { readonly component?: string };
}

/** Events about deployments that are named by their message. */
function eventsNamedByMessage(): RecordedEvent[] {
  const files = area.files.filter((file) => file.endsWith('/events.yaml'));
  const all = files.flatMap((file) => objectsIn(area.text(file)) as unknown as RecordedEvent[]);
  const ours = all.filter(
    ({ involvedObject, reason }) => involvedObject.kind === 'FlinkDeployment' && reason !== 'SpecChanged',
  );
  // A repeated event takes the newest message and keeps its name.
  return ours.filter(({ reason }) => reason !== 'CrashLoopBackOff' && reason !== 'ImagePullBackOff');
}

const all = moments();
let matched = 0;
afterAll(() => console.log(`running life of the Apache operator, step by step: ${matched} of ${all.length}`));

describe('A recorded step of a running deployment', () => {
  test.each(all.map((moment) => [moment.id, moment] as const))('%s', async (id, moment) => {
    const world = await worldOf(moment);
    const plan = decide(world, POLICY);
    const underWay = isUnderWay(world);
    const ours = comparable(plan.settled ?? plan.status);
    const found = differences(comparable(moment.deployment.status ?? {}), ours, '', !underWay);
    const steps = plan.steps.map((step) => step.kind).filter((kind) => TOUCHING.includes(kind));
    const all = [...found, ...(underWay || steps.length === 0 ? [] : [`steps: ${steps.join(', ')}`])];
    const listed = RUNNING_DIFFERENCES.filter(({ step }) => id.endsWith(step));
    const unlisted = all.filter((text) => !listed.some(({ member }) => text.startsWith(member)));
    expect(unlisted).toEqual([]);
    const outdated = listed.filter(({ member }) => !all.some((text) => text.startsWith(member)));
    expect(outdated, 'listed, but it is equal now').toEqual([]);
    matched += 1;
  });
});

test('Events of the recorded life have the names that Drey gives them', () => {
  const events = eventsNamedByMessage();
  const wrong = events.filter(({ metadata, involvedObject, type, reason, message, source }) => {
    const component = (source?.component ?? '') as PlannedEvent['component'];
    const regarding = { apiVersion: 'flink.apache.org/v1beta1', kind: involvedObject.kind, metadata: involvedObject };
    const key = reason === 'JobException' ? { key: exceptionKey(message) } : {};
    return eventName(regarding as never, { type, reason, message, component, ...key }) !== metadata.name;
  });
  expect(wrong.map(({ reason, message }) => `${reason}: ${message.slice(0, 80)}`)).toEqual([]);
  const failures = events.filter(({ reason }) => reason === 'JobException');
  for (const { metadata } of failures) expect(Object.keys(metadata.annotations ?? {})).toContain('exception-timestamp');
});
