import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { LuaFactory } from 'wasmoon';
import { goldenArea } from '../../../../golden/golden.ts';
import { decide } from '../deployment/decide.ts';
import { objectsIn } from '../testing/golden-objects.ts';
import { aDeployment, aJob, aRunning, aWorld, POLICY, runningWorld, upgraded } from '../testing/worlds.ts';

const root = join(import.meta.dirname, '../../../../deploy/argocd');
const lua = await new LuaFactory().createEngine({ injectObjects: false });

/** As Argo CD gives an object to a script: a plain table, in which null is nothing. */
function table(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `{${value.map(table).join(',')}}`;
  const members = Object.entries(value as object).map(([key, member]) => `[${quoted(key)}]=${table(member)}`);
  return `{${members.join(',')}}`;
}

function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => `\\${String(byte).padStart(3, '0')}`);
  return `"${bytes.join('')}"`;
}

type Health = readonly [status: string, message: string];

/** Runs the script of a kind. Nothing of the interpreter is at hand but what Argo CD offers. */
function healthOf(object: { readonly kind: string }): Health {
  const script = readFileSync(join(root, object.kind, 'health.lua'), 'utf8');
  const text = `local obj = ${table(object)}
    local function check() ${script} end
    local hs = check()
    return hs.status .. "\\1" .. hs.message`;
  const [status = '', message = ''] = String(lua.doStringSync(text)).split('\u0001');
  return [status, message];
}

function deployment(status: unknown, more: object = {}): FlinkDeployment {
  const made = aDeployment();
  return { ...made, ...more, status } as FlinkDeployment;
}

describe('12.1 item 14: the health that Argo CD shows of a FlinkDeployment', () => {
  test('is Progressing before the operator has seen it, and while it starts', () => {
    expect(healthOf(aDeployment())[0]).toBe('Progressing');
    const created = aDeployment();
    const started = upgraded(created, decide(aWorld(created), POLICY));
    expect(healthOf(started)).toEqual(['Progressing', 'Waiting for the JobManager to start.']);
  });

  test('is Healthy while the job runs, and says so', () => {
    expect(healthOf(aRunning().deployment)).toEqual(['Healthy', 'The job is RUNNING.']);
  });

  test('is Progressing again as soon as the spec changes, before anybody acted', () => {
    const { deployment: running } = aRunning();
    const changed = { ...running, metadata: { ...running.metadata, generation: 2 } };
    expect(healthOf(changed)[0]).toBe('Progressing');
  });

  test('is Degraded for a spec that is refused, with the reason, and not Progressing for ever', () => {
    const { deployment: running, world } = aRunning();
    const wrong = {
      ...running,
      metadata: { ...running.metadata, generation: 2 },
      spec: { ...running.spec, job: { ...running.spec.job, parallelism: -1 } },
    };
    const told = upgraded(wrong, decide({ ...world, deployment: wrong }, POLICY));
    const [status, message] = healthOf(told);
    expect(status).toBe('Degraded');
    expect(message).toMatch(/The running job is not touched/);
  });

  test('is Degraded for a job that failed', () => {
    const { deployment: running } = aRunning();
    const world = runningWorld(running, aJob('FAILED'));
    const none = { completed: undefined, savepoint: undefined, restored: undefined, pendingSince: undefined };
    const checkpoints = { kind: 'ok', value: none } as const;
    const failed = upgraded(running, decide({ ...world, flink: { ...world.flink, checkpoints } }, POLICY));
    expect(healthOf(failed)[0]).toBe('Degraded');
  });

  test.each([
    ['SUSPENDED', {}, 'Suspended'],
    ['ROLLED_BACK', { jobStatus: { state: 'RUNNING' } }, 'Degraded'],
    ['FAILED', { error: 'why' }, 'Degraded'],
    ['STABLE', { jobStatus: { state: 'RECONCILING' } }, 'Progressing'],
    ['STABLE', { jobStatus: { state: 'FINISHED' } }, 'Healthy'],
    ['DEPLOYED', { jobManagerDeploymentStatus: 'ERROR', error: 'no image' }, 'Degraded'],
    ['UPGRADING', {}, 'Progressing'],
  ])('of the Apache operator: %s %j is %s', (lifecycleState, status, expected) => {
    expect(healthOf(deployment({ lifecycleState, ...status }))[0]).toBe(expected);
  });

  test('is known for every status that was recorded of the Apache operator', () => {
    const seen = new Map<string, number>();
    for (const name of ['apache-operator', 'apache-operator-running']) {
      const area = goldenArea(name);
      for (const file of area.files.filter((one) => /flink(deployments|sessionjobs|statesnapshots)\.yaml$/.test(one))) {
        for (const object of objectsIn(area.text(file)) as unknown as FlinkDeployment[]) {
          const [status] = healthOf(object);
          expect(['Healthy', 'Progressing', 'Degraded', 'Suspended'], file).toContain(status);
          if (object.status?.lifecycleState === 'STABLE' && object.status.jobStatus?.state === 'RUNNING') {
            const settled = object.metadata.generation === object.status.observedGeneration;
            if (settled && object.metadata.deletionTimestamp === undefined)
              expect([file, status]).toEqual([file, 'Healthy']);
          }
          seen.set(status, (seen.get(status) ?? 0) + 1);
        }
      }
    }
    expect([...seen.keys()].sort()).toEqual(['Degraded', 'Healthy', 'Progressing', 'Suspended']);
  });
});

describe('12.1 item 14: the health that Argo CD shows of a FlinkStateSnapshot', () => {
  test.each([
    [undefined, 'Progressing'],
    [{ state: 'TRIGGER_PENDING' }, 'Progressing'],
    [{ state: 'IN_PROGRESS' }, 'Progressing'],
    [{ state: 'COMPLETED', path: 's3://x' }, 'Healthy'],
    [{ state: 'FAILED', error: 'disk full' }, 'Degraded'],
    [{ state: 'ABANDONED' }, 'Degraded'],
  ])('%j is %s', (status, expected) => {
    expect(healthOf({ kind: 'FlinkStateSnapshot', metadata: { name: 's' }, status } as never)[0]).toBe(expected);
  });
});
