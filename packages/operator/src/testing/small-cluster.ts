import { type FlinkDeployment, FlinkStateSnapshots } from '@drey/api';
import type { Answer, JarRun } from '@drey/flink';
import {
  type AnyObject,
  ConfigMap,
  Deployment,
  type KubeClient,
  KubeError,
  type KubeObject,
  Pod,
  type Resource,
  Service,
  StatefulSet,
} from '@drey/kube';
import type { FlinkCluster, FlinkJob, SavepointProgress, StopRequest, VertexRequirements } from '../runtime/ports.ts';
import { SmallSnapshots } from './small-snapshots.ts';

const FAILED: SavepointProgress = {
  kind: 'failed',
  failure: { type: 'java.io.IOException', message: 'the directory cannot be written' },
  savepoint: undefined,
};

/** A Flink cluster of the small world: one job that runs until it is stopped. */
interface SmallJob {
  readonly jobId: string;
  readonly from: string | undefined;
  state: 'RUNNING' | 'FINISHED' | 'CANCELED';
  readonly savepoints: Map<string, string>;
}

/**
 * Just enough of a cluster to run passes of the operator against, without time and without faults of its own: objects with
 * versions, pods that are ready at once, owners that take what they own with them, and Flink jobs that stop with a savepoint.
 * Every call goes through `gate`, where a test may end the process before the call or after it.
 */
export class SmallCluster {
  readonly objects = new Map<string, AnyObject>();
  readonly jobs = new Map<string, SmallJob>();
  /** Jars that were uploaded and not deleted, by id. */
  readonly jars = new Set<string>();
  /** What jobs are asked to run with, by job id. */
  readonly requirements = new Map<string, VertexRequirements>();
  /** What happened, in order; tests make their claims about it. */
  readonly log: string[] = [];
  readonly snapshots = new SmallSnapshots(this.jobs, this.log);
  gate: (name: string, when: 'before' | 'after') => void = () => undefined;
  /** Counts writes. */
  version = 0;

  get<T extends KubeObject>(r: Resource<T>, name: string): T | undefined {
    return this.objects.get(`${r.plural}/${name}`) as T | undefined;
  }

  put(r: Resource<KubeObject>, object: KubeObject): void {
    this.#store(r, object as AnyObject);
  }

  readonly kube: KubeClient = this.#client();

  #client(): KubeClient {
    const call = async <R>(name: string, run: () => R): Promise<R> => {
      this.gate(name, 'before');
      const answer = run();
      this.gate(name, 'after');
      return structuredClone(answer);
    };
    const refuse = (): never => {
      throw new Error('the small cluster does not offer this call');
    };
    return {
      get: (r, _ns, name) => call(`get ${r.plural}`, () => this.get(r, name) ?? missing(r, name)),
      list: (r) =>
        call(`list ${r.plural}`, () => ({
          ...{ apiVersion: 'v1', kind: 'List', metadata: {} },
          items: [...this.objects].filter(([key]) => key.startsWith(`${r.plural}/`)).map(([, object]) => object),
        })) as never,
      create: (r, object) => call(`create ${r.plural}`, () => this.#create(r, object as never)) as never,
      replace: (r, object) => call(`replace ${r.plural}`, () => this.#replace(r, object as never)) as never,
      patch: (r, _ns, name, type, patch) =>
        call(`patch ${r.plural}`, () =>
          type === 'merge' ? this.#merge(r, name, patch) : this.#finalizers(r, name, patch),
        ) as never,
      delete: (r, _ns, name, o) => call(`delete ${r.plural}`, () => this.#delete(r, name, o?.uid)),
      watch: refuse,
      apply: (r, intent) => call(`apply ${r.plural}`, () => this.#apply(r, intent as never)) as never,
      logs: refuse,
      raw: refuse,
    };
  }

  /** What the intent says is there afterwards; what it leaves open stays. */
  #apply(r: Resource<KubeObject>, intent: AnyObject): AnyObject {
    const name = intent.metadata.name ?? '';
    this.log.push(`apply ${r.plural}/${name}`);
    const live = this.get(r, name) as AnyObject | undefined;
    return this.#store(r, (live === undefined ? intent : merged(live, intent)) as AnyObject);
  }

  #store(r: Resource<KubeObject>, object: AnyObject): AnyObject {
    const name = object.metadata.name ?? '';
    this.version += 1;
    const uid = object.metadata.uid ?? `uid-${this.version}`;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.version) } };
    this.objects.set(`${r.plural}/${name}`, stored);
    return stored;
  }

  #create(r: Resource<KubeObject>, object: AnyObject): AnyObject {
    const name = object.metadata.name ?? '';
    if (this.get(r, name) !== undefined) {
      throw new KubeError('E_KUBE_ALREADY_EXISTS', `${r.plural} "${name}" already exists`, { status: 409 });
    }
    const created = this.#store(r, object);
    if (isWorkload(r)) {
      const labels = { app: name, type: 'flink-native-kubernetes', component: 'jobmanager', ...object.metadata.labels };
      const ready = { conditions: [{ type: 'Ready', status: 'True' }], podIP: '10.0.0.1' };
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `${name}-0`, namespace: 'default', labels },
        status: ready,
      };
      this.#store(Pod, pod as AnyObject);
    }
    if (r.plural === ConfigMap.plural) this.#startJob(object);
    return created;
  }

  /** The configuration is the last thing the JobManager needs. */
  #startJob(configMap: AnyObject): void {
    const text = Object.values((configMap.data as Record<string, string> | undefined) ?? {}).join('\n');
    const value = (key: string): string | undefined =>
      new RegExp(`^${key.replaceAll('.', '\\.').replaceAll('$', '\\$')}: (.*)$`, 'm').exec(text)?.[1];
    const jobId = value('$internal.pipeline.job-id');
    if (jobId === undefined) return;
    const from = value('execution.savepoint.path');
    this.jobs.set(jobId, { jobId, from, state: 'RUNNING', savepoints: new Map() });
    this.log.push(`start ${jobId} from ${from ?? 'nothing'}`);
  }

  #replace(r: Resource<KubeObject>, object: AnyObject): AnyObject {
    const current = this.get(r, object.metadata.name ?? '') ?? missing(r, object.metadata.name ?? '');
    if (current.metadata.resourceVersion !== object.metadata.resourceVersion) {
      throw new KubeError('E_KUBE_CONFLICT', 'the object has been modified', { status: 409 });
    }
    const status = (object as unknown as FlinkDeployment).status;
    if (
      JSON.stringify(status?.operation) !== JSON.stringify((current as unknown as FlinkDeployment).status?.operation)
    ) {
      this.log.push(`record ${status?.operation?.kind ?? 'none'} ${status?.operation?.phase ?? ''}`.trim());
    }
    return this.#store(r, { ...(current as AnyObject), status });
  }

  #finalizers(r: Resource<KubeObject>, name: string, patch: unknown): AnyObject | undefined {
    const current = (this.get(r, name) ?? missing(r, name)) as AnyObject;
    const steps = patch as readonly { op: string; path: string; value?: unknown }[];
    const version = steps.find((step) => step.op === 'test' && step.path === '/metadata/resourceVersion');
    if (version?.value !== current.metadata.resourceVersion) {
      throw new KubeError('E_KUBE_INVALID', 'the test failed', { status: 422 });
    }
    if (steps.some((step) => step.op === 'remove')) {
      this.objects.delete(`${r.plural}/${name}`);
      this.log.push('let the object go');
      return current;
    }
    return this.#store(r, {
      ...current,
      metadata: { ...current.metadata, finalizers: (steps.at(-1)?.value as string[]) ?? [] },
    });
  }

  /** Without removals, which no test needs. */
  #merge(r: Resource<KubeObject>, name: string, patch: unknown): AnyObject {
    const current = this.get(r, name) ?? missing(r, name);
    if (r.plural !== FlinkStateSnapshots.plural) this.log.push(`patch ${r.plural}/${name}`);
    return this.#store(r, merged(current, patch) as AnyObject);
  }

  /** What a Deployment or StatefulSet owns goes with it, and so does the job of a JobManager. */
  #delete(r: Resource<KubeObject>, name: string, uid: string | undefined): void {
    const current = this.get(r, name) ?? missing(r, name);
    if (uid !== undefined && uid !== current.metadata.uid)
      throw new KubeError('E_KUBE_CONFLICT', 'another uid', { status: 409 });
    this.version += 1;
    this.objects.delete(`${r.plural}/${name}`);
    if (!isWorkload(r)) return;
    const isTaskManagers = current.metadata.labels?.component === 'taskmanager';
    this.log.push(isTaskManagers ? 'remove the TaskManagers' : 'remove the cluster');
    this.objects.delete(`${Pod.plural}/${name}-0`);
    if (isTaskManagers) return;
    for (const plural of [Service.plural, ConfigMap.plural])
      for (const key of [...this.objects.keys()]) if (key.startsWith(`${plural}/`)) this.objects.delete(key);
    this.jobs.clear();
  }

  /** Flink's side. */
  flink(): FlinkCluster {
    const call = async <R>(name: string, run: () => R): Promise<R> => {
      this.gate(`flink ${name}`, 'before');
      const answer = run();
      this.gate(`flink ${name}`, 'after');
      return answer;
    };
    const none = { kind: 'not-found', message: 'unknown job' } as const;
    const list = (): FlinkJob[] =>
      [...this.jobs.values()].map(({ jobId, state }) => ({ jobId, name: 'job', state, startTime: 1 }));
    return {
      ...this.snapshots.calls(call),
      jobs: () => call('jobs', () => ({ kind: 'ok', value: list() })),
      facts: () => call('facts', () => ({ kind: 'ok', value: { version: '1.20.5', revision: 'x' } })),
      taskManagerCount: () => call('overview', () => ({ kind: 'ok', value: 1 })),
      checkpoints: () => call('checkpoints', () => none),
      failure: () => call('result', () => ({ kind: 'ok', value: undefined })),
      exceptions: () => call('exceptions', () => ({ kind: 'ok', value: [] })),
      health: () =>
        call('health', () => ({ kind: 'ok', value: { restarts: undefined, completedCheckpoints: undefined } })),
      stopWithSavepoint: (request) => call('stop', () => this.#stop(request)),
      savepoint: (jobId, triggerId) =>
        call('savepoint', () => {
          const location = this.jobs.get(jobId)?.savepoints.get(triggerId);
          if (this.snapshots.hasFailed(triggerId)) return { kind: 'ok', value: FAILED };
          return location === undefined ? none : { kind: 'ok', value: { kind: 'completed', location } };
        }),
      cancel: (jobId) => call('cancel', () => this.#cancel(jobId)),
      requirements: (jobId) =>
        call('requirements', () => {
          const bounds = this.requirements.get(jobId) ?? { vertex: { lowerBound: 1, upperBound: 2 } };
          return this.jobs.has(jobId) ? { kind: 'ok', value: bounds } : none;
        }),
      updateRequirements: (jobId, bounds) =>
        call('rescale', () => {
          this.requirements.set(jobId, bounds);
          this.log.push(`rescale to ${bounds.vertex?.upperBound}`);
          return { kind: 'ok', value: undefined };
        }),
      uploadJar: async ({ name, bytes }) => {
        for await (const _ of bytes);
        return call('upload', () => this.#upload(name));
      },
      runJar: (jarId, run) => call('run', () => this.#run(jarId, run)),
      deleteJar: (jarId) =>
        call('delete jar', () => (this.jars.delete(jarId) ? { kind: 'ok', value: undefined } : none)),
      pulse: () => call('pulse', () => ({ kind: 'ok', value: 'RUNNING' })),
    };
  }

  #cancel(jobId: string): Answer<undefined> {
    const job = this.jobs.get(jobId);
    if (job === undefined) return { kind: 'not-found', message: 'unknown job' };
    if (job.state === 'FINISHED') return { kind: 'rejected', status: 409, message: 'the job has ended' };
    job.state = 'CANCELED';
    return { kind: 'ok', value: undefined };
  }

  #upload(name: string): { kind: 'ok'; value: string } {
    const id = `${this.jars.size}_${name}`;
    this.jars.add(id);
    return { kind: 'ok', value: id };
  }

  #run(jarId: string, { jobId = '', savepointPath }: JarRun): Answer<string> {
    if (!this.jars.has(jarId)) return { kind: 'not-found', message: `Jar file ${jarId} does not exist` };
    if (this.jobs.has(jobId)) {
      return {
        kind: 'rejected',
        status: 400,
        message: 'DuplicateJobSubmissionException: Job has already been submitted.',
      };
    }
    this.jobs.set(jobId, { jobId, from: savepointPath, state: 'RUNNING', savepoints: new Map() });
    this.log.push(`start ${jobId} from ${savepointPath ?? 'nothing'}`);
    return { kind: 'ok', value: jobId };
  }

  #stop({ jobId, triggerId }: StopRequest): { kind: 'ok'; value: undefined } | { kind: 'not-found'; message: string } {
    const job = this.jobs.get(jobId);
    if (job === undefined) return { kind: 'not-found', message: 'unknown job' };
    if (!job.savepoints.has(triggerId)) {
      this.log.push(`savepoint ${triggerId}`);
      job.savepoints.set(triggerId, `file:///sp/${triggerId}`);
      job.state = 'FINISHED';
    }
    return { kind: 'ok', value: undefined };
  }
}

/** What makes pods: here one. */
function isWorkload({ plural }: Resource<KubeObject>): boolean {
  return plural === Deployment.plural || plural === StatefulSet.plural;
}

function merged(live: unknown, intent: unknown): unknown {
  if (typeof intent !== 'object' || intent === null || Array.isArray(intent)) return intent;
  if (typeof live !== 'object' || live === null || Array.isArray(live)) return intent;
  const changes = Object.entries(intent).map(([key, value]) => [key, merged((live as AnyObject)[key], value)]);
  return { ...live, ...Object.fromEntries(changes) };
}

function missing(r: Resource<KubeObject>, name: string): never {
  throw new KubeError('E_KUBE_NOT_FOUND', `${r.plural} "${name}" not found`, { status: 404 });
}
