import {
  type FlinkDeployment,
  FlinkDeployments,
  type ValidationProblem,
  validateFlinkSessionJob,
  validateFlinkStateSnapshot,
} from '@drey/api';
import { isKubeError, type KubeError } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG, validationContext } from '@drey/manifests';
import { createOperator, decide, type Plan } from '@drey/operator';
import {
  aRunning,
  goodResource,
  POLICY,
  runningWorld,
  type WrongResource,
  wrongResources,
} from '@drey/operator/testing';
import { describe, expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

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

describe('An operator', () => {
  test('goes on, and leaves a running job alone, whatever is stored that the API server lets through', async () => {
    // Definitions without rules, as an older installation has them.
    const sim = await operatorWorld([], { rules: false });
    const operator = createOperator(sim.env('operator'));
    await sim.drive(operator.start());
    const good = statefulDeployment('default', 'app');
    await sim.drive(sim.admin.create(FlinkDeployments, good));
    const stored = () =>
      sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', 'app') as unknown as
        | FlinkDeployment
        | undefined;
    expect(await sim.until(() => stored()?.status?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
    const jobId = stored()?.status?.jobStatus?.jobId;
    const starts = () => sim.world.fabric.storage.history.filter(({ type }) => type === 'started').length;

    let tried = 0;
    // Every third is enough here: decisions about all of them are looked at above.
    for (const [index, one] of CORPUS.entries()) {
      if (index % 3 > 0) continue;
      if (one.kind !== 'FlinkDeployment' || one.path === 'metadata.name' || problemOf(one) === undefined) continue;
      const current = stored();
      if (current === undefined) throw new Error('the deployment is gone');
      // High availability stays: without it the corpus would also change how the job is kept.
      const { flinkConfiguration } = one.object.spec;
      const merged =
        typeof flinkConfiguration === 'object' && !Array.isArray(flinkConfiguration)
          ? { ...HA, ...flinkConfiguration }
          : flinkConfiguration;
      const spec = { ...one.object.spec, flinkConfiguration: merged };
      if (POLICY.problemOf({ ...current, spec } as unknown as FlinkDeployment) === undefined) continue;
      const changed = { ...current, spec } as unknown as FlinkDeployment;
      const taken = await sim.drive(
        sim.admin.replace(FlinkDeployments, changed).then(
          () => true,
          (error: unknown) => !isKubeError(error, 'E_KUBE_INVALID'),
        ),
      );
      if (!taken) continue;
      tried += 1;
      await sim.clock.advance(1_500, 200_000);
      expect.soft([one.id, operator.ready, starts()]).toEqual([one.id, true, 1]);
      const stalled = stored()?.status?.conditions?.find(({ type }) => type === 'Stalled');
      expect.soft(stalled, one.id).toMatchObject({ status: 'True', reason: 'ValidationError' });
    }
    console.log(`wrong specs stored under a running operator: ${tried}`);
    expect(tried).toBeGreaterThan(60);
    expect(stored()?.status?.jobStatus).toMatchObject({ jobId, state: 'RUNNING' });

    // Corrected, it is taken up without having to be deleted.
    const current = stored() as FlinkDeployment;
    const better = { ...current, spec: { ...good.spec, job: { ...good.spec.job, parallelism: 1 } } };
    await sim.drive(sim.admin.replace(FlinkDeployments, better));
    expect(await sim.until(() => starts() === 2 && stored()?.status?.jobStatus?.state === 'RUNNING', 120_000)).toBe(
      true,
    );
    await sim.drive(operator.stop());
    sim.world.stop();
  }, 120_000);

  test('reports wrong resources that are new, and starts nothing for them', async () => {
    const sim = await operatorWorld([], { rules: false });
    const operator = createOperator(sim.env('operator'));
    await sim.drive(operator.start());
    const wrong = CORPUS.filter((one) => one.kind !== 'FlinkStateSnapshot' && problemOf(one) !== undefined);
    const kept: { readonly one: WrongResource; readonly name: string }[] = [];
    for (const [index, one] of wrong.entries()) {
      const name = `wrong-${index}`;
      const named =
        one.path === 'metadata.name' ? one.object : { ...one.object, metadata: { name, namespace: 'default' } };
      const path = pathOf(one.kind).replace('?dryRun=All', '');
      try {
        await sim.drive(sim.admin.raw('POST', path, named));
        kept.push({ one, name: named.metadata.name });
      } catch (error) {
        if (!isKubeError(error, 'E_KUBE_INVALID')) throw error;
      }
    }
    await sim.clock.advance(30_000, 500_000);
    expect(operator.ready).toBe(true);
    expect(sim.world.fabric.storage.history).toEqual([]);
    const { reader } = sim.world.server.server;
    expect(reader.list('apps', 'deployments', 'default')).toEqual([]);
    for (const { one, name } of kept) {
      // Found out when the jar is fetched, not before.
      if (one.id.includes('no.such.host')) continue;
      const found = reader.get('flink.apache.org', `${one.kind.toLowerCase()}s`, 'default', name);
      const { status } = found as unknown as FlinkDeployment;
      expect.soft(status?.error ?? '', one.id).toContain('ValidationException');
    }
    console.log(`wrong resources stored new: ${kept.length}`);
    await sim.drive(operator.stop());
    sim.world.stop();
  }, 120_000);
});

const HA = {
  'high-availability.type': 'kubernetes',
  'high-availability.storageDir': 'file:///state/default-app/ha',
};
