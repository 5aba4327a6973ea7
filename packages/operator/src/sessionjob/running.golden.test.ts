import type { FlinkDeployment, FlinkSessionJob, FlinkSessionJobStatus } from '@drey/api';
import type { CoreEvent } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { known } from '../job/reading.ts';
import { typeOf } from '../job/resource-error.ts';
import { eventName } from '../runtime/event-recorder.ts';
import { operatorPolicy } from '../runtime/policy.ts';
import type { FlinkJob } from '../runtime/ports.ts';
import { objectsIn } from '../testing/golden-objects.ts';
import { aSessionCluster, aSessionWorld } from '../testing/session-worlds.ts';
import { decideSessionJob } from './decide.ts';
import type { SessionJobPlan } from './plan.ts';
import { sessionJobPolicy } from './policy.ts';
import type { SessionJobWorld } from './world.ts';

/**
 * The recorded lives of session jobs: our own decisions are led through the same life, with a Flink that behaves as the
 * recorded one did, and have to write the same status and send the same events; and each recorded status is taken over
 * without a restart.
 */

/** Where we deliberately write something else, with the reason. A difference that is not listed here fails. */
const DIFFERENCES: readonly {
  readonly step: string;
  readonly name: string;
  readonly path: string;
  readonly why: string;
}[] = [
  {
    ...{ step: 'step-12-session-delete-blocked', name: 'job2', path: 'jobStatus.upgradeSavepointPath' },
    why: 'A job that is started without state does not keep the path of an older one, which a later upgrade with state would take for its own.',
  },
];

const POLICY = sessionJobPolicy(
  operatorPolicy({
    ...DEFAULT_OPERATOR_CONFIG,
    'kubernetes.operator.user.artifacts.allowed-schemes': 'https;http;file',
    'kubernetes.operator.user.artifacts.disallow-restricted-hosts': 'false',
    'kubernetes.operator.snapshot.resource.enabled': 'true',
  }),
);

interface Step {
  readonly case: string;
  readonly name: string;
  readonly jobs: readonly FlinkSessionJob[];
  readonly cluster: FlinkDeployment | undefined;
  readonly events: readonly CoreEvent[];
}

const area = goldenArea('apache-operator-running');
const steps: Step[] = area.files
  .filter((file) => file.endsWith('/flinksessionjobs.yaml'))
  .map((file) => {
    const [scenario = '', name = ''] = file.split('/');
    const folder = `${scenario}/${name}`;
    const read = <T>(kind: string): T[] =>
      area.files.includes(`${folder}/${kind}.yaml`)
        ? (objectsIn(area.text(`${folder}/${kind}.yaml`)) as unknown as T[])
        : [];
    return {
      ...{ case: scenario, name, jobs: read<FlinkSessionJob>('flinksessionjobs') },
      cluster: read<FlinkDeployment>('flinkdeployments')[0],
      events: read<CoreEvent>('events'),
    };
  });

const tally = { equal: 0, all: 0 };
afterAll(() => console.log(`session jobs of the running Apache operator: ${tally.equal} of ${tally.all}`));

const isAtRest = ({ status, metadata }: FlinkSessionJob): boolean =>
  metadata.deletionTimestamp === undefined &&
  status?.reconciliationStatus?.state === 'DEPLOYED' &&
  ['RUNNING', 'FINISHED'].includes(status.jobStatus?.state ?? '');

/** What is compared; ids, times and places differ from run to run. */
function comparable(status: FlinkSessionJobStatus): Record<string, unknown> {
  const { jobStatus = {}, lifecycleState, observedGeneration, reconciliationStatus } = status;
  const {
    jobId,
    startTime,
    updateTime,
    upgradeSavepointPath,
    newestCheckpoint: _,
    lastFailure: __,
    ...job
  } = jobStatus ?? {};
  const present = (value: unknown): boolean => value !== undefined && value !== null;
  const { reconciliationTimestamp, ...record } = reconciliationStatus ?? {};
  return {
    jobStatus: {
      ...Object.fromEntries(Object.entries(job).filter(([, value]) => present(value))),
      jobId: present(jobId) ? /^[0-9a-f]{32}$/.test(String(jobId)) : false,
      startTime: typeof startTime,
      updateTime: typeof updateTime,
      upgradeSavepointPath: present(upgradeSavepointPath),
    },
    reconciliationStatus: { ...record, reconciliationTimestamp: typeof reconciliationTimestamp },
    lifecycleState,
    observedGeneration,
  };
}

/** A Flink and a submission desk that behave as those of the record, driven by nothing but plans. */
class Life {
  object: FlinkSessionJob;
  now = 1_795_259_800_000;
  readonly events: string[] = [];
  #submission: SessionJobWorld['submission'];
  #savepoint: string | undefined;
  readonly #jobs = new Map<string, FlinkJob>();
  #ids = 0;
  readonly #failure: string | undefined;
  readonly #ends: boolean;
  readonly #jobName: string;

  constructor(object: FlinkSessionJob, record: { failure: string | undefined; ends: boolean; jobName: string }) {
    const { status: _, ...bare } = object;
    this.object = bare;
    this.#failure = record.failure;
    this.#ends = record.ends;
    this.#jobName = record.jobName;
  }

  /** Passes until nothing changes any more. */
  live(cluster: FlinkDeployment | undefined): void {
    for (let quiet = 0, passes = 0; quiet < 3 && passes < 100; passes += 1) {
      const plan = this.#pass(cluster);
      const before = JSON.stringify(this.object.status);
      this.object = { ...this.object, status: plan.settled ?? plan.status };
      for (const event of plan.events)
        this.events.push(`${event.type} ${event.reason} ${event.component} ${event.message}`);
      for (const step of plan.steps) this.#do(step);
      quiet = before === JSON.stringify(this.object.status) && plan.steps.length === 0 ? quiet + 1 : 0;
      this.now += 1_000;
    }
  }

  /** Somebody cancels the job, which leaves a checkpoint. */
  cancel(): void {
    for (const [id, job] of this.#jobs) if (job.state === 'RUNNING') this.#jobs.set(id, { ...job, state: 'CANCELED' });
  }

  #pass(deployment: FlinkDeployment | undefined): SessionJobPlan {
    const id = (): string => {
      this.#ids += 1;
      return this.#ids.toString(16).padStart(32, '0');
    };
    const world = aSessionWorld(this.object, {
      now: this.now,
      fresh: { operationId: id(), jobId: id() },
      cluster: known(deployment && aSessionCluster({ deployment }), this.now),
      submission: this.#submission,
      snapshots: { objects: [], savepoint: undefined, checkpoint: undefined, references: [] },
    });
    const savepoint =
      this.#savepoint === undefined
        ? undefined
        : ({ kind: 'ok', value: { kind: 'completed', location: this.#savepoint } } as const);
    const ready = deployment?.status?.jobManagerDeploymentStatus === 'READY';
    const completed = { id: 1, path: 'file:/checkpoints/chk-1', stateSizeBytes: 1, triggeredAt: this.now };
    const checkpoints = {
      kind: 'ok',
      value: { completed, savepoint: undefined, restored: undefined, pendingSince: undefined },
    } as const;
    const jobs = ready ? ({ kind: 'ok', value: [...this.#jobs.values()] } as const) : undefined;
    return decideSessionJob({ ...world, flink: { ...world.flink, jobs, savepoint, checkpoints } }, POLICY);
  }

  #do(step: SessionJobPlan['steps'][number]): void {
    const failed = { kind: 'failed', stage: 'upload', certain: true, at: this.now, attempts: 1 } as const;
    switch (step.kind) {
      case 'upload-jar': {
        const { operationId } = step.upload;
        this.#submission =
          this.#failure === undefined
            ? { kind: 'uploaded', operationId, jarId: 'jar' }
            : { ...failed, operationId, message: this.#failure };
        return;
      }
      case 'run-jar': {
        const jobId = step.run.request.jobId ?? '';
        const state = this.#ends ? 'FINISHED' : 'RUNNING';
        this.#savepoint = undefined;
        this.#jobs.set(jobId, {
          jobId,
          name: this.#jobName,
          state,
          startTime: this.now,
          tasks: { total: 1, running: 1 },
        });
        return;
      }
      case 'stop-with-savepoint': {
        const { jobId } = step.request;
        const job = this.#jobs.get(jobId);
        if (job !== undefined) this.#jobs.set(jobId, { ...job, state: 'FINISHED' });
        this.#savepoint = 'file:/savepoints/savepoint-1';
        return;
      }
      case 'cancel-job':
        this.cancel();
        return;
      default:
    }
  }
}

const cases = [...new Set(steps.map((step) => step.case))];

describe.each(cases)('%s', (scenario) => {
  const own = steps.filter((step) => step.case === scenario);
  const names = [...new Set(own.flatMap((step) => step.jobs.map((job) => job.metadata.name ?? '')))];

  test.each(names)('the life of %s is written as it was recorded', (name) => {
    const record = own.flatMap((step) =>
      step.jobs.filter((job) => job.metadata.name === name).map((job) => ({ step, job })),
    );
    const [first] = record;
    if (first === undefined) throw new Error(`${name} is in no step`);
    const errors = record.map(({ job }) => job.status?.error).filter((error) => typeof error === 'string');
    const states = record.map(({ job }) => job.status?.jobStatus?.state);
    const life = new Life(first.job, {
      failure: errors.length > 0 ? 'There is no such jar.' : undefined,
      ends: !states.includes('RUNNING') && states.includes('FINISHED'),
      jobName: record.map(({ job }) => job.status?.jobStatus?.jobName).find((one) => typeof one === 'string') ?? '',
    });
    let cancelled = false;
    for (const { step, job } of record.filter((one) => one.job.metadata.deletionTimestamp === undefined)) {
      const { status: _, ...wanted } = job;
      life.object = life.object.status === undefined ? wanted : { ...wanted, status: life.object.status };
      if (job.status?.jobStatus?.state === 'CANCELED' && !cancelled) {
        cancelled = true;
        life.cancel();
      }
      life.live(step.cluster);
      if (errors.length > 0 && typeof job.status?.error === 'string') {
        tally.all += 1;
        expect(typeOf(life.object.status?.error)).toBe(typeOf(job.status.error));
        expect(life.object.status).toMatchObject({ lifecycleState: 'UPGRADING', jobStatus: { state: 'RECONCILING' } });
        expect(life.object.status?.reconciliationStatus?.lastReconciledSpec).toBe(
          job.status.reconciliationStatus?.lastReconciledSpec,
        );
        tally.equal += 1;
      }
      if (!isAtRest(job)) continue;
      tally.all += 1;
      const [ours, theirs] = [comparable(life.object.status ?? {}), comparable(job.status ?? {})];
      const listed = DIFFERENCES.filter((one) => one.step === step.name && one.name === name);
      for (const { path } of listed) {
        const [parent = '', member = ''] = path.split('.');
        const [a, b] = [ours, theirs].map((one) => one[parent] as Record<string, unknown>);
        expect(a?.[member], `${path} is listed as different`).not.toEqual(b?.[member]);
        delete a?.[member];
        delete b?.[member];
      }
      expect(ours, step.name).toEqual(theirs);
      tally.equal += 1;
    }
    const sent = new Set(life.events);
    const told = own.at(-1)?.events ?? [];
    const recorded = [...own.flatMap((step) => step.events), ...told]
      .filter(({ involvedObject }) => involvedObject?.kind === 'FlinkSessionJob' && involvedObject.name === name)
      .map(({ type, reason, message, source }) => `${type} ${reason} ${source?.component} ${message}`)
      // Which states a poll happens to see between two others, why a jar is not there, and the end of a life are not compared.
      .filter((line) => !/to CREATED|from CREATED|Warning Error|Cleanup|CANCELLING/.test(line));
    for (const line of new Set(recorded)) {
      tally.all += 1;
      expect([...sent]).toContain(line);
      tally.equal += 1;
    }
  });

  test('each recorded job at rest is taken over without a step', () => {
    for (const { jobs, cluster, name } of own) {
      for (const object of jobs.filter(isAtRest)) {
        const { jobId, state = '', jobName } = object.status?.jobStatus ?? {};
        const listed: FlinkJob[] =
          typeof jobId === 'string'
            ? [
                {
                  jobId,
                  name: jobName ?? '',
                  state: state ?? '',
                  startTime: Number(object.status?.jobStatus?.startTime),
                },
              ]
            : [];
        const world = aSessionWorld(
          object,
          { cluster: known(cluster && aSessionCluster({ deployment: cluster }), 0) },
          listed,
        );
        const checkpoints = { kind: 'not-found', message: 'off' } as const;
        const snapshots = { objects: [], savepoint: undefined, checkpoint: undefined, references: [] };
        const plan = decideSessionJob({ ...world, snapshots, flink: { ...world.flink, checkpoints } }, POLICY);
        tally.all += 1;
        expect(plan.steps, `${name} ${object.metadata.name}`).toEqual([]);
        expect(comparable(plan.status)).toEqual(comparable(object.status ?? {}));
        tally.equal += 1;
      }
    }
  });

  test('each recorded event of a session job has the name that ours would have', () => {
    // The message of an Error event is its innermost cause, while its name is made of a chain that was not recorded.
    const events = own
      .flatMap((step) => step.events)
      .filter(({ involvedObject, reason }) => involvedObject?.kind === 'FlinkSessionJob' && reason !== 'Error');
    for (const { metadata, involvedObject, type, reason, message, source } of events) {
      if (involvedObject === undefined) continue;
      const { name, namespace, uid } = involvedObject;
      const regarding = {
        apiVersion: 'flink.apache.org/v1beta1',
        kind: 'FlinkSessionJob',
        metadata: { name, namespace, uid },
      } as const;
      const generations = Array.from({ length: 9 }, (_, index) => `SpecChange: ${index + 1}`);
      const keys = reason === 'SpecChanged' ? generations : [undefined];
      const made = keys.map((key) =>
        eventName(regarding as never, {
          ...{
            type: type as 'Normal',
            reason: reason ?? '',
            message: message ?? '',
            component: source?.component as 'Job',
          },
          ...(key === undefined ? {} : { key }),
        }),
      );
      tally.all += 1;
      expect(made).toContain(metadata.name);
      tally.equal += 1;
    }
  });
});
