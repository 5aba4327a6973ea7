import type { FlinkDeployment, FlinkStateSnapshot } from '@drey/api';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { goldenArea } from '../../../../golden/golden.ts';
import { messageOf } from '../job/resource-error.ts';
import { newSnapshot, parseSnapshotName, snapshotName } from '../job/snapshots/snapshot-object.ts';
import { eventName } from '../runtime/event-recorder.ts';
import { aSnapshotWorld, SNAPSHOT_CONFIG } from '../testing/snapshot-worlds.ts';
import { decide } from './decide.ts';
import { failedAttempt } from './outcome.ts';
import type { SnapshotTarget, SnapshotWorld } from './world.ts';

/**
 * FlinkStateSnapshots as the Apache operator left them at each step of recorded lives: taken over, nothing happens to those
 * that ended, those under way are followed and not taken again, and what is written is written in the same words.
 */
interface RecordedEvent {
  readonly metadata: { readonly name: string };
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component: string };
}

interface Recorded {
  readonly id: string;
  readonly snapshot: FlinkStateSnapshot;
  readonly deployments: readonly FlinkDeployment[];
  readonly events: readonly RecordedEvent[];
}

const recorded = ['apache-operator', 'apache-operator-running'].flatMap(readArea);
let matched = 0;
afterAll(() => console.log(`recorded snapshots taken over: ${matched} of ${recorded.length}`));

function readArea(name: string): Recorded[] {
  const area = goldenArea(name);
  const read = <T>(path: string): T[] =>
    area.files.includes(path)
      ? parseAllDocuments(area.text(path)).flatMap((one) => {
          const value = one.toJS() as (T & { readonly items?: readonly T[] }) | null;
          return value === null ? [] : (value.items ?? [value]);
        })
      : [];
  return area.files
    .filter((path) => path.endsWith('/flinkstatesnapshots.yaml'))
    .flatMap((path) => {
      const folder = path.slice(0, path.lastIndexOf('/'));
      const deployments = read<FlinkDeployment>(`${folder}/flinkdeployments.yaml`);
      const events = read<RecordedEvent>(`${folder}/events.yaml`);
      return read<FlinkStateSnapshot>(path).map((snapshot) => ({
        ...{ id: `${folder} ${snapshot.metadata.name}`, snapshot, deployments, events },
      }));
    });
}

function targetOf({ snapshot, deployments }: Recorded): SnapshotTarget {
  const { name } = snapshot.spec.jobReference ?? {};
  if (typeof name !== 'string') return { kind: 'none' };
  const found = deployments.find((one) => one.metadata.name === name);
  if (found === undefined) return { kind: 'missing' };
  const { jobStatus, lifecycleState } = found.status ?? {};
  const state = jobStatus?.state ?? undefined;
  const job = {
    kind: 'FlinkDeployment',
    ...{ name, state, jobId: jobStatus?.jobId ?? undefined, starting: lifecycleState !== 'DELETING' },
    ...{ savepointDirectory: 'file:///sp', flinkVersion: 'v1_20', readinessTimeoutMs: 300_000 },
    ...{ clusterGone: false, jobManager: undefined },
  } as const;
  return { kind: 'found', job };
}

function worldOf(one: Recorded): SnapshotWorld {
  const { status, metadata } = one.snapshot;
  const now = Date.parse(status?.resultTimestamp ?? status?.triggerTimestamp ?? metadata.creationTimestamp ?? '') + 100;
  const underWay = { kind: 'ok', value: { kind: 'in-progress' } } as const;
  return aSnapshotWorld(one.snapshot, {
    ...{ now, target: targetOf(one) },
    flink: { savepoint: underWay, checkpoint: underWay },
  });
}

const plainState = ({ status }: Pick<FlinkStateSnapshot, 'status'>) => {
  const { state, triggerId, path, failures, error } = status ?? {};
  return { state, triggerId, path, failures, error };
};

function takenOver(one: Recorded): void {
  const { snapshot } = one;
  const world = worldOf(one);
  const plan = decide(world, SNAPSHOT_CONFIG);
  const leaving = snapshot.metadata.deletionTimestamp !== undefined;
  if (leaving) return;
  switch (snapshot.status?.state) {
    case undefined:
    case null:
      expect(plan.steps.filter((step) => step.kind !== 'add-finalizer').length).toBeLessThan(2);
      return;
    case 'IN_PROGRESS': {
      const over = world.target.kind !== 'found' || world.target.job.state !== 'RUNNING';
      if (!over) expect(plainState(plan)).toEqual(plainState(snapshot));
      expect(plan.steps).toEqual([]);
      return;
    }
    default:
      // Ended, or waiting for its next attempt.
      expect(plan.steps).toEqual([]);
      expect(plainState(plan)).toEqual(plainState(snapshot));
      // The Apache operator writes the label one reconciliation late, and not at all after a failure.
      for (const [key, value] of Object.entries(plan.labels)) {
        if (key !== 'snapshot.state' && snapshot.metadata.labels !== undefined) {
          expect(snapshot.metadata.labels[key], key).toBe(value);
        }
      }
  }
}

/** An object that the operator made for itself is the one that would be made here. */
function sameObject({ snapshot }: Recorded): void {
  const { name = '', namespace = '' } = snapshot.metadata;
  const identity = parseSnapshotName(name);
  const { kind, name: job } = snapshot.spec.jobReference ?? {};
  if (identity === undefined || typeof job !== 'string' || kind === undefined || kind === null) return;
  expect(snapshotName(job, identity)).toBe(name);
  const made = newSnapshot(
    { kind, namespace, name: job },
    name,
    identity.trigger,
    snapshot.spec.savepoint ?? undefined,
  );
  expect(made.spec).toEqual(snapshot.spec);
  expect(made.metadata.labels?.['snapshot.trigger-type']).toBe(snapshot.metadata.labels?.['snapshot.trigger-type']);
}

/** A failure is told in the same words, by an event of the same name. */
function sameFailure({ snapshot, events }: Recorded): void {
  const { error, failures = 0 } = snapshot.status ?? {};
  if (!error?.startsWith('{') || (failures ?? 0) === 0) return;
  const before = { ...snapshot.status, failures: (failures ?? 1) - 1 };
  const outcome = failedAttempt(snapshot, before, messageOf(error) ?? '', { ...SNAPSHOT_CONFIG, now: 0 });
  expect(outcome.status.error).toBe(error);
  const state = snapshot.status?.state;
  if (state !== 'IN_PROGRESS') expect(outcome.status).toMatchObject({ state, failures });
  const told = outcome.events?.[0];
  const event = events.find((one) => one.involvedObject.uid === snapshot.metadata.uid && one.reason === told?.reason);
  if (event === undefined || told === undefined) return;
  expect(eventName(snapshot, told)).toBe(event.metadata.name);
  expect(told).toMatchObject({ type: event.type, message: event.message, component: event.source.component });
}

describe('A snapshot of the Apache operator', () => {
  test.each(recorded.map((one) => [one.id, one] as const))('%s', (_id, one) => {
    takenOver(one);
    sameObject(one);
    sameFailure(one);
    matched += 1;
  });
});
