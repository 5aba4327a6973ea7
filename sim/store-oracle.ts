import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject } from '@drey/kube';
import { PERIOD_MS } from './operator-options.ts';
import type { Violation } from './oracles.ts';
import { SECRET } from './specs.ts';

/** `<cluster>-<job id>-config-map`: Flink's record of a job's checkpoints. */
const HA_RECORD = /^(.+)-([0-9a-f]{32})-config-map$/;

/** `<owner>-<type>-periodic-<when it was decided>`. */
const PERIODIC = /^(.+-periodic)-(\d+)$/;
/** Whatever the schedule says. */
const SHORTEST_PERIOD_MS = 10_000;

/**
 * Rules about what is stored, checked at every change of any object: status claims no generation that was not acted on (6),
 * no record of high availability that something refers to is deleted (4), secrets are in no status and no event (9).
 */
export class StoreOracle {
  readonly violations: Violation[] = [];
  readonly #world: SimulatedWorld;
  readonly #now: () => number;
  /** By uid and generation, what that generation wants. */
  readonly #wanted = new Map<string, string>();
  readonly #observed = new Map<string, number>();
  /** When the last periodic snapshot was decided, by owner and type. */
  readonly #decided = new Map<string, number>();

  constructor(world: SimulatedWorld, now: () => number) {
    this.#world = world;
    this.#now = now;
    world.store.subscribe(undefined, ({ type, record }) => {
      const { object } = record;
      if (JOB_KINDS.includes(object.kind) && type !== 'DELETED') this.#status(object as unknown as FlinkDeployment);
      if (object.kind === 'FlinkStateSnapshot' && type !== 'DELETED') {
        this.text(`the status of ${object.metadata.name}`, JSON.stringify(object.status ?? {}));
        const state = (object.status as { state?: string } | undefined)?.state ?? '';
        if (type === 'ADDED') this.#snapshot(object.metadata);
        else if (state === 'FAILED' || state === 'ABANDONED') this.#failed(object.metadata);
      }
      if (object.kind === 'Event' && type !== 'DELETED') this.text('an event', JSON.stringify(object));
      if (object.kind === 'ConfigMap' && type === 'DELETED') this.#deleted(object);
    });
  }

  /** Something that people or machines can read; the secret must not be in it. */
  text(where: string, text: string): void {
    if (text.includes(SECRET)) this.#violate('no secret is told', `${where}: ${text}`);
  }

  #status({ kind, metadata, spec, status }: FlinkDeployment | FlinkSessionJob): void {
    const { uid, generation = 1 } = metadata;
    const name = `${kind} ${metadata.namespace}/${metadata.name}`;
    this.#wanted.set(`${uid}/${generation}`, spec.job?.state === 'suspended' ? SUSPENDED : wishOf(spec.job));
    if (status === undefined || status === null) return;
    const { reconciliationStatus, ...told } = status;
    this.text(`the status of ${name}`, JSON.stringify(told));
    if (kind === 'FlinkDeployment' && spec.job === undefined) return;
    const observed = status.observedGeneration ?? 0;
    const before = this.#observed.get(uid ?? '') ?? 0;
    if (observed === before) return;
    this.#observed.set(uid ?? '', observed);
    const detail = `${name}: observedGeneration goes from ${before} to ${observed} of ${generation}`;
    if (observed < before || observed > generation) this.#violate('no generation is claimed too early', detail);
    const recorded = JSON.parse(reconciliationStatus?.lastReconciledSpec ?? '{}') as Pick<FlinkDeployment, 'spec'>;
    const wanted = this.#wanted.get(`${uid}/${observed}`);
    // While a job is to be suspended nothing has to be done for another parallelism.
    if (wanted === undefined || wanted === SUSPENDED) return;
    if (wishOf(recorded.spec?.job) !== wanted) {
      this.#violate(
        'no generation is claimed too early',
        `${detail}, recorded ${wishOf(recorded.spec?.job)}, wanted ${wanted}`,
      );
    }
  }

  /** One that failed may be taken again in its period. */
  #failed({ namespace, name = '' }: AnyObject['metadata']): void {
    const [, series = '', text = ''] = PERIODIC.exec(name) ?? [];
    const key = `${namespace}/${series}`;
    if (this.#decided.get(key) === Number(text)) this.#decided.delete(key);
  }

  /** Periodic snapshots of one type are a period apart, by the time in their names, at which they were decided. */
  #snapshot({ namespace, name = '' }: AnyObject['metadata']): void {
    const [, series = '', text = ''] = PERIODIC.exec(name) ?? [];
    if (series === '') return;
    const key = `${namespace}/${series}`;
    const [before, decided] = [this.#decided.get(key), Number(text)];
    this.#decided.set(key, decided);
    // By the clock: one that was late is followed by one in time.
    const apart = before === undefined || decided - before > SHORTEST_PERIOD_MS - 1;
    const samePeriod = before !== undefined && Math.floor(decided / PERIOD_MS) === Math.floor(before / PERIOD_MS);
    if (!apart || samePeriod) this.#violate('one snapshot in a period', `${key} at ${before} and ${decided}`);
  }

  #deleted({ metadata, data }: AnyObject & { data?: Record<string, string> }): void {
    const [, cluster = '', jobId = ''] = HA_RECORD.exec(metadata.name ?? '') ?? [];
    const stored = this.#stored(metadata.namespace ?? '', cluster);
    if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) return;
    if (this.#isEnding(metadata.namespace ?? '')) return;
    if ((stored.spec.job?.upgradeMode ?? 'stateless') === 'stateless') return;
    // Its user asked for a start from another state.
    if (stored.status?.operation?.kind === 'redeploy') return;
    const { storage } = this.#world.fabric;
    // Flink itself deletes the record of a job that ended for good.
    const end = storage.history.findLast((one) => one.type === 'ended' && one.jobId === jobId);
    if (end?.type === 'ended' && ['FINISHED', 'CANCELED', 'FAILED'].includes(end.state)) return;
    const referred = Object.entries(data ?? {})
      .filter(([key]) => key.startsWith('checkpointID-'))
      .map(([, value]) => storage.find(Buffer.from(value, 'base64').toString()))
      .find((one) => one !== undefined);
    const kept = storage.find(stored.status?.jobStatus?.upgradeSavepointPath ?? '');
    if (referred !== undefined && (kept?.position ?? -1) < referred.position) {
      this.#violate('no record in use is deleted', `${metadata.name} with ${referred.path}`);
    }
  }

  #isEnding(namespace: string): boolean {
    const found = this.#world.server.server.reader.get('', 'namespaces', undefined, namespace);
    return found === undefined || found.metadata.deletionTimestamp !== undefined;
  }

  #stored(namespace: string, name: string): FlinkDeployment | undefined {
    const { reader } = this.#world.server.server;
    return reader.get('flink.apache.org', 'flinkdeployments', namespace, name) as FlinkDeployment | undefined;
  }

  #violate(rule: string, detail: string): void {
    this.violations.push({ rule, at: this.#now(), detail });
  }
}

const JOB_KINDS: readonly string[] = ['FlinkDeployment', 'FlinkSessionJob'];
const SUSPENDED = 'suspended';

function wishOf(job: FlinkDeployment['spec']['job']): string {
  return `parallelism ${job?.parallelism}`;
}
