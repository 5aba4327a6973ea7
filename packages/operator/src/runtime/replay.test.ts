import type { FlinkDeployment } from '@drey/api';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import type { World } from '../deployment/world.ts';
import { decideSessionJob } from '../sessionjob/decide.ts';
import { decide as decideSnapshot } from '../snapshot/decide.ts';
import { configOf } from '../snapshot/reconcile.ts';
import { changed as changedJob } from '../testing/session-plans.ts';
import { aRunningSessionJob, aSessionJob, aSessionWorld, SESSION_POLICY } from '../testing/session-worlds.ts';
import { afterPlan, aSnapshot, aSnapshotWorld } from '../testing/snapshot-worlds.ts';
import { aDeployment, aJob, aRunning, aWorld, POLICY, runningWorld } from '../testing/worlds.ts';
import { type DecisionFile, exportDecisions } from './decision-export.ts';
import type { Decision } from './decision-ring.ts';
import { replayDecisions } from './replay.ts';

const decidedWith = { config: DEFAULT_OPERATOR_CONFIG };
const SECRET = 'hunt"er2';

function decided(world: World): Decision {
  return {
    kind: 'FlinkDeployment',
    key: 'default/app',
    at: world.now,
    world,
    plan: decide(world, POLICY),
    quiet: false,
  };
}

/** As it comes out of a file. */
function read(file: DecisionFile): DecisionFile {
  return JSON.parse(JSON.stringify(file)) as DecisionFile;
}

function changed(deployment: FlinkDeployment, configuration: Record<string, string>): FlinkDeployment {
  const flinkConfiguration = { ...deployment.spec.flinkConfiguration, ...configuration };
  const metadata = { ...deployment.metadata, generation: 2 };
  return { ...deployment, metadata, spec: { ...deployment.spec, flinkConfiguration } };
}

const HEADER = 'kubernetes.operator.user.artifacts.http.header';
const TOKEN = 'glpat-1234567890';

/** The decisions of a life: submitted, upgraded with a savepoint. */
function lifeOfSessionJob(): Decision[] {
  const flinkConfiguration = { [HEADER]: `PRIVATE:${TOKEN}` };
  const submitted = aSessionJob({ spec: { flinkConfiguration } });
  const running = aRunningSessionJob({ spec: { flinkConfiguration } });
  const worlds = [
    aSessionWorld(submitted),
    aSessionWorld(running, {}, [aJob('RUNNING')]),
    aSessionWorld(changedJob(running, { parallelism: 4 }), {}, [aJob('RUNNING')]),
  ];
  return worlds.map((world) => ({
    ...{ kind: 'FlinkSessionJob', key: 'default/job', at: world.now, world, quiet: false },
    plan: decideSessionJob(world, SESSION_POLICY),
  }));
}

/** Triggered, and completed. */
function lifeOfSnapshot(): Decision[] {
  const config = configOf({ policy: POLICY });
  const first = aSnapshotWorld(aSnapshot());
  const begun = afterPlan(first.snapshot, decideSnapshot(first, config));
  const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp/1' } } as const;
  const seen = aSnapshotWorld(begun);
  const worlds = [first, { ...seen, flink: { ...seen.flink, savepoint } }];
  return worlds.map((world) => ({
    ...{ kind: 'FlinkStateSnapshot', key: 'default/one', at: world.now, world, quiet: false },
    plan: decideSnapshot(world, config),
  }));
}

describe('A recorded decision', () => {
  test.each([
    ['session job', lifeOfSessionJob(), ['upload-jar', 'stop-with-savepoint']],
    ['snapshot', lifeOfSnapshot(), ['trigger-savepoint']],
  ])('about a %s comes out the same, too, and holds no secret', (_, decisions, steps) => {
    const file = exportDecisions(decisions, decidedWith);
    expect(JSON.stringify(file)).not.toContain(TOKEN);
    const replayed = replayDecisions(read(file));
    expect(replayed.map(({ differences }) => differences)).toEqual(decisions.map(() => []));
    const made = replayed.flatMap(({ plan }) => (plan as { steps: { kind: string }[] }).steps.map(({ kind }) => kind));
    expect(made).toEqual(expect.arrayContaining(steps));
  });

  test('comes out the same when it is made again from its file', () => {
    const first = decided(aWorld(aDeployment()));
    const { deployment, world } = aRunning();
    const upgrade = decided({ ...world, deployment: changed(deployment, { 'state.backend.type': 'rocksdb' }) });
    const replayed = replayDecisions(read(exportDecisions([first, decided(world), upgrade], decidedWith)));
    expect(replayed.map(({ differences }) => differences)).toEqual([[], [], []]);
    expect(replayed[2]?.plan).toMatchObject({ steps: [{ kind: 'stop-with-savepoint' }] });
  });

  test('that came out otherwise shows where', () => {
    const one = decided(aWorld(aDeployment()));
    const plan = structuredClone(one.plan) as { steps: unknown[]; status: { lifecycleState: string } };
    plan.steps.pop();
    plan.status.lifecycleState = 'STABLE';
    const [replayed] = replayDecisions(read(exportDecisions([{ ...one, plan }], decidedWith)));
    expect(replayed?.differences.map(({ path, recorded }) => [path, recorded])).toEqual([
      ['status.lifecycleState', 'STABLE'],
      ['steps.1', undefined],
    ]);
  });

  test('holds no secret, and still comes out the same', () => {
    const configuration = { 's3.secret-key': SECRET, 'jdbc.password': 'correct horse', 'a.password': SECRET };
    const { deployment } = aRunning({ configuration });
    const later = changed(deployment, { 's3.secret-key': 'another secret', note: `see ${SECRET}` });
    const file = exportDecisions([decided(runningWorld(later))], decidedWith);
    const text = JSON.stringify(file);
    for (const secret of ['hunt', 'er2', 'correct horse', 'another secret']) expect(text).not.toContain(secret);
    const [replayed] = replayDecisions(read(file));
    expect(replayed?.differences).toEqual([]);
    // The two secrets are still two: the change is seen.
    expect(replayed?.plan).toMatchObject({ steps: [{ kind: 'stop-with-savepoint' }] });
  });

  test('of a kind or a form that is not known is refused', () => {
    const file = exportDecisions([decided(aWorld(aDeployment()))], decidedWith);
    expect(() => replayDecisions({ ...file, kind: 'Pod' })).toThrow('decisions about a "Pod" are not known');
    expect(() => replayDecisions({ ...file, format: 'x' as never })).toThrow('the form "x" is not drey-decisions/1');
  });
});
