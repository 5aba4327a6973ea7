import type { FlinkDeployment } from '@drey/api';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import type { World } from '../deployment/world.ts';
import { aDeployment, aRunning, aWorld, POLICY, runningWorld } from '../testing/worlds.ts';
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

describe('A recorded decision', () => {
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
