import { allCrds, type Condition } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { aRunningSessionJob } from '../testing/session-worlds.ts';
import { aDeployment, aJob, aRunning, aWorld, POLICY, runningWorld, upgraded } from '../testing/worlds.ts';

/** What `kubectl wait --for=condition=TYPE` sees. */
const is = (object: { status?: { conditions?: readonly Condition[] | null } }, type: string): string | undefined =>
  object.status?.conditions?.find((one) => one.type === type)?.status;

const STANDARD = ['Ready', 'Reconciling', 'Stalled'];

describe('12.1 item 13: conditions that tools know', () => {
  test('are on a FlinkDeployment, next to the one that the Apache operator has', () => {
    const { deployment } = aRunning();
    expect(deployment.status?.conditions?.map((one) => one.type)).toEqual(
      expect.arrayContaining(['Running', 'JobRunning', ...STANDARD]),
    );
    expect(STANDARD.map((type) => is(deployment, type))).toEqual(['True', 'False', 'False']);
  });

  test('are on a FlinkSessionJob as well', () => {
    const job = aRunningSessionJob();
    expect(job.status?.jobStatus?.state).toBe('RUNNING');
    expect(STANDARD.map((type) => is(job, type))).toEqual(['True', 'False', 'False']);
    expect(is(job, 'JobRunning')).toBe('True');
    expect(job.status?.summary).toBe('The job is RUNNING.');
  });

  test('have room in the definition of every kind', () => {
    for (const crd of allCrds().filter((one) => !one.spec.names.kind.includes('BlueGreen'))) {
      const [version] = crd.spec.versions;
      const status = (version.schema.openAPIV3Schema.properties as Record<string, { properties?: object }>).status;
      expect(Object.keys(status?.properties ?? {}), crd.spec.names.kind).toEqual(
        expect.arrayContaining(['conditions', 'summary']),
      );
      expect(version.additionalPrinterColumns.at(-1)?.name).toBe('Summary');
    }
  });

  test('each name the generation they speak of, and keep the time of their last transition while nothing changes', () => {
    const { deployment, world } = aRunning();
    const later = upgraded(deployment, decide({ ...world, deployment, now: world.now + 3_600_000 }, POLICY));
    expect(later.status?.conditions).toEqual(deployment.status?.conditions);
    const changed = { ...deployment, metadata: { ...deployment.metadata, generation: 7 } };
    const seen = upgraded(changed, decide({ ...world, deployment: changed }, POLICY));
    for (const one of seen.status?.conditions ?? []) expect(one.observedGeneration).toBe(7);
    for (const one of seen.status?.conditions ?? []) {
      const before = deployment.status?.conditions?.find(({ type }) => type === one.type);
      if (before?.status === one.status) expect(one.lastTransitionTime).toBe(before.lastTransitionTime);
    }
  });

  test('are never Ready while something is under way, and never Reconciling when only a person can help', () => {
    const created = aDeployment();
    const starting = upgraded(created, decide(aWorld(created), POLICY));
    expect(STANDARD.map((type) => is(starting, type))).toEqual(['False', 'True', 'False']);
    const { deployment, world } = aRunning();
    const job = { ...deployment.spec.job, parallelism: -1 };
    const wrong = {
      ...deployment,
      metadata: { ...deployment.metadata, generation: 2 },
      spec: { ...deployment.spec, job },
    };
    const refused = upgraded(wrong, decide({ ...world, deployment: wrong }, POLICY));
    expect(STANDARD.map((type) => is(refused, type))).toEqual(['False', 'False', 'True']);
    expect(is(refused, 'JobRunning')).toBe('True');
  });

  test('say Unknown, not False, about a job that cannot be asked', () => {
    const { deployment } = aRunning();
    const world = runningWorld(deployment);
    const silent = { ...world, flink: { ...world.flink, jobs: undefined }, jobManagerPods: world.jobManagerPods };
    const seen = upgraded(deployment, decide(silent, POLICY));
    if (seen.status?.jobStatus?.state === 'RECONCILING') expect(is(seen, 'JobRunning')).toBe('Unknown');
    else expect(is(seen, 'JobRunning')).toBe('True');
  });

  test('tell whether checkpoints are as young as the configuration promises', () => {
    const { deployment } = aRunning({ configuration: { 'execution.checkpointing.interval': '10 s' } });
    const at = (ageMs: number): string | undefined => {
      const world = runningWorld(deployment, aJob('RUNNING'));
      const triggeredAt = world.now - ageMs;
      const completed = { id: 1, path: 'file:///c', stateSizeBytes: 1, triggeredAt };
      const value = { completed, savepoint: undefined, restored: undefined, pendingSince: undefined };
      const flink = { ...world.flink, checkpoints: { kind: 'ok', value } as const };
      return is(upgraded(deployment, decide({ ...world, flink }, POLICY)), 'SnapshotFresh');
    };
    expect([at(1_000), at(19 * 60_000), at(21 * 60_000)]).toEqual(['True', 'True', 'False']);
  });
});
