import {
  type FlinkDeployment,
  type ValidationProblem,
  validateFlinkSessionJob,
  validateFlinkStateSnapshot,
} from '@drey/api';
import { isKubeError, type KubeError } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG, validationContext } from '@drey/manifests';
import { decide, type Plan } from '@drey/operator';
import {
  aRunning,
  goodResource,
  POLICY,
  runningWorld,
  type WrongResource,
  wrongResources,
} from '@drey/operator/testing';
import { describe, expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld } from './operator-world.ts';

const CORPUS = wrongResources();
const CONTEXT = validationContext(DEFAULT_OPERATOR_CONFIG, () => undefined);

type Problem = Pick<ValidationProblem, 'message' | 'nextStep' | 'path'> & { readonly code: string };

function problemOf({ kind, object }: WrongResource): Problem | undefined {
  if (kind === 'FlinkDeployment') return POLICY.problemOf(object as unknown as FlinkDeployment);
  if (kind === 'FlinkSessionJob') return validateFlinkSessionJob(object, undefined, CONTEXT);
  return validateFlinkStateSnapshot(object, false);
}

const pathOf = (kind: string): string =>
  `/apis/flink.apache.org/v1beta1/namespaces/default/${kind.toLowerCase()}s?dryRun=All`;

/** Why the API server refuses an object; undefined when it takes it. */
async function refusalOf(
  sim: OperatorWorld,
  { object }: Pick<WrongResource, 'object'>,
): Promise<KubeError | undefined> {
  try {
    await sim.drive(sim.admin.raw('POST', pathOf(object.kind), object));
    return undefined;
  } catch (error) {
    if (isKubeError(error)) return error;
    throw error;
  }
}

describe('The corpus of wrong resources', () => {
  test('has at least 500 of them, the same every time, each once', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(500);
    expect(new Set(CORPUS.map(({ id }) => id)).size).toBe(CORPUS.length);
    expect(wrongResources()).toEqual(CORPUS);
  });

  test('is refused with a code and a place, all of it, by the API server or by validation', async () => {
    const sim = await operatorWorld();
    for (const kind of ['FlinkDeployment', 'FlinkSessionJob', 'FlinkStateSnapshot'] as const) {
      expect(await refusalOf(sim, { object: goodResource(kind) })).toBeUndefined();
    }
    const accepted: string[] = [];
    const counts = { schema: 0, validation: 0 };
    for (const one of CORPUS) {
      const refusal = await refusalOf(sim, one);
      const problem = problemOf(one);
      if (refusal !== undefined) {
        counts.schema += 1;
        expect.soft([one.id, refusal.code]).toEqual([one.id, 'E_KUBE_INVALID']);
        const fields = (refusal.body?.details?.causes ?? []).map(({ field }) => field ?? '');
        expect.soft(fields.length, one.id).toBeGreaterThan(0);
        expect
          .soft(
            fields.every((field) => field !== ''),
            one.id,
          )
          .toBe(true);
      } else if (problem !== undefined) {
        counts.validation += 1;
        expect.soft(problem.code, one.id).toMatch(/^E_(?:VALIDATION|SPEC|FLINK)_/);
        expect.soft(problem.path, one.id).toMatch(/^(?:spec|metadata\.name)/);
        expect.soft(problem.nextStep, one.id).not.toBe('');
      } else accepted.push(one.id);
    }
    expect(accepted).toEqual([]);
    console.log(
      `wrong resources: ${CORPUS.length} (by the API server ${counts.schema}, by validation ${counts.validation})`,
    );
    sim.world.stop();
  });
});

describe('A running job', () => {
  const deployments = CORPUS.filter(({ kind, path }) => kind === 'FlinkDeployment' && path !== 'metadata.name');
  const running = aRunning();

  /** The running deployment with another spec, seen once more. */
  const changedTo = (one: WrongResource): { plan: Plan; problem: Problem | undefined } => {
    const { metadata, status } = running.deployment;
    const changed = { ...running.deployment, metadata: { ...metadata, generation: 2 }, spec: one.object.spec, status };
    const deployment = changed as unknown as FlinkDeployment;
    return { plan: decide(runningWorld(deployment), POLICY), problem: POLICY.problemOf(deployment) };
  };

  test('is not touched by any wrong spec, also where nothing but the operator refuses it', () => {
    let refused = 0;
    for (const one of deployments) {
      const { plan, problem } = changedTo(one);
      // Numbers and words that stand where texts belong are read as texts here; the API server refuses them.
      if (problem === undefined) continue;
      refused += 1;
      expect.soft([one.id, plan.steps]).toEqual([one.id, []]);
      const stalled = plan.status.conditions?.find(({ type }) => type === 'Stalled');
      expect.soft(stalled, one.id).toMatchObject({ status: 'True', reason: 'ValidationError' });
      expect.soft(stalled?.message, one.id).toContain(`[${problem.code} at ${problem.path}]`);
      expect.soft(plan.status.jobStatus, one.id).toEqual(running.deployment.status?.jobStatus);
      expect
        .soft(JSON.parse(plan.status.error ?? '{}'), one.id)
        .toMatchObject({ message: problem.message.slice(0, 2048) });
    }
    console.log(`wrong specs of a running job: ${deployments.length} (refused by the operator itself ${refused})`);
    expect(refused).toBeGreaterThan(400);
  });
});
