import type { FlinkDeployment, FlinkDeploymentStatus, FlinkStateSnapshot } from '@drey/api';
import { buildDeployConfig, buildDeploymentObjects, withoutOperatorKeys } from '@drey/manifests';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { LAST_STATE_MARKER } from '../job/status.ts';
import { eventName } from '../runtime/event-recorder.ts';
import { operatorPolicy } from '../runtime/policy.ts';
import { FlowWorld } from '../testing/flow-world.ts';
import { FLOW_DIFFERENCES, type FlowDifference } from './flow-differences.ts';
import type { ClusterToCreate } from './plan.ts';

interface Step {
  readonly action: 'apply' | 'reconcile' | 'running' | 'jobState' | 'jmStatus' | 'haData';
  readonly object?: FlinkDeployment;
  readonly state?: string;
  readonly available?: boolean;
}

interface RecordedEvent {
  readonly name: string | null;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly count: number;
}

interface Recorded {
  readonly lastReconciledSpec?: string;
  readonly state: string;
  readonly lifecycleState: string;
  readonly jobManagerDeploymentStatus: string;
  readonly jobState: string | null;
  readonly upgradeSavepointPath: string | null;
  readonly taskManager: { readonly labelSelector: string; readonly replicas: number } | null;
  readonly observedGeneration: number | null;
  readonly lastReconciledSpecStable: boolean;
  readonly lastStableSpecSet: boolean;
  readonly submitted: boolean;
  readonly configChangesAtSubmit?: Readonly<Record<string, string | null>>;
  readonly events: readonly RecordedEvent[];
  readonly snapshots: readonly unknown[];
}

interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly operatorConfig?: Readonly<Record<string, string | null>>;
  readonly steps: readonly Step[];
  readonly result: readonly Recorded[];
}

interface Defaults {
  readonly tokens: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
}

const area = goldenArea('operator-classes');
const vectors = area.files.includes('flow.json') ? area.json<Vector[]>('flow.json') : [];
const defaults: Defaults = area.files.includes('operator-defaults.json')
  ? area.json<Defaults>('operator-defaults.json')
  : { tokens: {}, config: {} };
/** A step of the recorded operator is a few passes here: each of them writes one thing. */
const PASSES = 12;
/**
 * Reasons of events about what was observed, as in these vectors nothing observes, and of the warning about options without effect,
 * which the Apache operator does not give.
 */
const OBSERVED = ['JobStatusChanged', 'Error', 'Missing', 'CrashLoopBackOff', 'JobException', 'ConfigurationWarning'];
let matched = 0;
afterAll(() => console.log(`flows of the reconciler: ${matched} of ${vectors.length}`));

function expand(text: string): string {
  return Object.entries(defaults.tokens).reduce((whole, [token, value]) => whole.replaceAll(token, value), text);
}

function operatorConfig(more: Vector['operatorConfig'] = {}): Record<string, string> {
  const entries = Object.entries({ ...defaults.config, ...more }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, expand(value)]));
}

/** A status as recorded, without the members that are listed as different. */
type Compared = (status: object) => object;

const comparing =
  (difference: FlowDifference | undefined): Compared =>
  (status) =>
    Array.isArray(difference?.differs)
      ? Object.fromEntries(Object.entries(status).filter(([member]) => !difference.differs.includes(member)))
      : status;

/** The members of a status that the vectors name, in their form. */
function shown(status: FlinkDeploymentStatus) {
  const record = status.reconciliationStatus;
  return {
    lastReconciledSpec: record?.lastReconciledSpec ?? null,
    state: record?.state,
    lifecycleState: status.lifecycleState,
    jobManagerDeploymentStatus: status.jobManagerDeploymentStatus,
    jobState: status.jobStatus?.state ?? null,
    upgradeSavepointPath: status.jobStatus?.upgradeSavepointPath ?? null,
    taskManager: status.taskManager ?? null,
    observedGeneration: status.observedGeneration ?? null,
    lastReconciledSpecStable: Boolean(record?.lastStableSpec) && record?.lastStableSpec === record?.lastReconciledSpec,
    lastStableSpecSet: Boolean(record?.lastStableSpec),
  };
}

function expected(recorded: Recorded) {
  return {
    lastReconciledSpec: recorded.lastReconciledSpec ?? null,
    state: recorded.state,
    lifecycleState: recorded.lifecycleState,
    jobManagerDeploymentStatus: recorded.jobManagerDeploymentStatus,
    jobState: recorded.jobState,
    upgradeSavepointPath: recorded.upgradeSavepointPath,
    taskManager: recorded.taskManager,
    observedGeneration: recorded.observedGeneration,
    lastReconciledSpecStable: recorded.lastReconciledSpecStable,
    lastStableSpecSet: recorded.lastStableSpecSet,
  };
}

/** What the decision adds to the configuration of a cluster, or takes out of it, as the vectors show it. */
function changesAtSubmit(cluster: ClusterToCreate, config: Record<string, string>) {
  const { generation = 1 } = cluster;
  const deployment = { ...cluster.deployment, metadata: { ...cluster.deployment.metadata, generation } };
  const { jobId, operationId, savepointPath } = cluster;
  const decision = { jobId, resultStoreId: operationId, ...(savepointPath === undefined ? {} : { savepointPath }) };
  const before = withoutOperatorKeys(buildDeployConfig({ deployment, operatorConfig: config }).config).toRecord();
  const after = buildDeploymentObjects({ deployment, operatorConfig: config, decision }).cluster.configuration;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return Object.fromEntries(
    keys.filter((key) => before[key] !== after[key]).map((key) => [key, hidden(key, after[key] ?? null, cluster)]),
  );
}

function hidden(key: string, value: string | null, cluster: ClusterToCreate): string | null {
  if (key === '$internal.pipeline.job-id') return '<jobId>';
  if (key === 'kubernetes.jobmanager.owner.reference') return (value ?? '').split(',').sort().join(',');
  return value?.replace(cluster.operationId, '<uuid>') ?? null;
}

/**
 * Runs the passes that make up one recorded step, until the status is as recorded. Here removing the old cluster and recording
 * the new one are one write, with the steps after it, so a recorded step may end in the middle of a pass.
 */
function reconcile(world: FlowWorld, recorded: Recorded, compared: Compared): ReturnType<typeof shown> {
  const want = JSON.stringify(compared(expected(recorded)));
  const before = world.created.length;
  const path = world.deployment.status?.jobStatus?.upgradeSavepointPath ?? null;
  const seen = () => midway(shown(world.deployment.status ?? {}), path);
  const isDone = (): boolean =>
    JSON.stringify(compared(seen())) === want && world.created.length > before === recorded.submitted;
  for (let pass = 0; pass < PASSES; pass += 1) {
    if (world.isMidway) {
      world.complete();
    } else {
      world.begin();
      if (world.deployment.status?.jobManagerDeploymentStatus === 'MISSING' && isDone()) break;
      world.complete();
    }
    if (isDone()) break;
  }
  return seen();
}

/** That the state is taken from HA metadata is recorded with the removal here, and with the start there. */
function midway(status: ReturnType<typeof shown>, before: string | null): ReturnType<typeof shown> {
  const early = status.state === 'UPGRADING' && status.upgradeSavepointPath === LAST_STATE_MARKER;
  return early ? { ...status, upgradeSavepointPath: before } : status;
}

function play(vector: Vector, difference: FlowDifference | undefined): void {
  const compared = comparing(difference);
  const config = operatorConfig(vector.operatorConfig);
  const [first] = vector.steps;
  if (first?.object === undefined) throw new Error('a flow begins with an object');
  const world = new FlowWorld(first.object, operatorPolicy(config));
  for (const [index, step] of vector.steps.entries()) {
    const recorded = vector.result[index];
    if (recorded === undefined) throw new Error('a step without a result');
    if (step.action !== 'reconcile') {
      change(world, step);
      continue;
    }
    const sent = world.events.length;
    const before = world.created.length;
    const status = reconcile(world, recorded, compared);
    const submitted = world.created[before];
    expect(compared(status), `step ${index}`).toEqual(compared(expected(recorded)));
    expect(submitted !== undefined, `step ${index} submits`).toBe(recorded.submitted);
    if (submitted !== undefined) {
      expect(changesAtSubmit(submitted, config), `step ${index}`).toEqual(recorded.configChangesAtSubmit ?? {});
    }
    expect(world.snapshots.map(shownSnapshot), `snapshots of step ${index}`).toEqual(recorded.snapshots);
    const events = world.events.slice(sent).filter((one) => !OBSERVED.includes(one.reason));
    const told = events.map((one) => ({
      name: eventName(world.deployment, one),
      ...{ type: one.type, reason: one.reason, component: one.component, message: one.message },
    }));
    const heard = recorded.events.map(({ count: _, ...event }) => event);
    expect(told.map(textOf(difference)), `events of step ${index}`).toEqual(heard.map(textOf(difference)));
  }
}

/** An event, of a change without its text and the name that is made of it where those are listed as different. */
const textOf =
  (difference: FlowDifference | undefined) =>
  (event: Omit<RecordedEvent, 'count'>): Partial<RecordedEvent> => {
    if (difference?.differs !== 'text of the change' || event.reason !== 'SpecChanged') return event;
    const { name: _, message: __, ...rest } = event;
    return rest;
  };

/** A snapshot as the vectors show it. */
function shownSnapshot({ metadata, spec }: FlinkStateSnapshot) {
  return { name: metadata.name?.replace(/\d{13}$/, '<epochMillis>'), labels: metadata.labels, spec };
}

function change(world: FlowWorld, step: Step): void {
  const { cluster } = world;
  switch (step.action) {
    case 'apply':
      if (step.object !== undefined) world.apply(step.object);
      return;
    case 'running':
      world.run('RUNNING');
      return;
    case 'jobState':
      if (cluster !== undefined) cluster.job = step.state;
      return;
    case 'jmStatus':
      if (step.state === 'MISSING') world.cluster = undefined;
      else if (cluster !== undefined) cluster.jobManager = 'failing';
      return;
    case 'haData':
      world.haData = step.available === true;
      return;
    default:
  }
}

describe('A flow of the reconciler', () => {
  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (id, vector) => {
    const listed = FLOW_DIFFERENCES.find(({ flows }) => flows.test(id));
    if (listed?.differs !== 'whole flow') play(vector, listed);
    // A flow of another folder that goes as recorded is none the worse for being on the list.
    else if (!process.env.DREY_GOLDEN) expect(() => play(vector, undefined), `matches now: ${listed.reason}`).toThrow();
    matched += 1;
  });
});
