import { FlinkDeployments, type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { fabricTransport } from '@drey/devcluster/testing';
import type { FlinkTransport } from '@drey/flink';
import type { AnyObject } from '@drey/kube';
import { createOperator, type OperatorEnv } from '@drey/operator';
import { jobAccount, type OperatorWorld, operatorWorld } from './operator-world.ts';
import type { Member } from './spec-values.ts';
import { difference, type Finding, normal, withMember } from './spec-walk.ts';
import { flinkDeployment, flinkSessionJob } from './specs.ts';
import { comesToRest, giveSpec } from './walk-steps.ts';

const WALKED = 'walked-ns';
const FRESH = 'fresh-ns';
const CLUSTER = 'session';
const NAME = 'job';
/** A change has to come to rest within this much virtual time. */
const LIMIT_MS = 240_000;
/** At rest is what has not changed for so long. */
const REST_MS = 6_000;

/**
 * A session job that is walked through the values of its spec, and one on a cluster of its own that is made anew for each of
 * them: Flink has to be asked to run the same, and both have to say the same.
 */
export class SessionJobWalk {
  readonly findings: Finding[] = [];
  /** Values that were given, and those of them that the operator or the API server refused. */
  readonly counts = { values: 0, refused: 0 };
  readonly #sim: OperatorWorld;
  /** What Flink was asked to run last, by namespace. */
  readonly #asked = new Map<string, string>();

  private constructor(sim: OperatorWorld) {
    this.#sim = sim;
  }

  /** Brings the clusters and the job to rest, from which the walk begins. */
  static async begin(): Promise<SessionJobWalk> {
    const places = [WALKED, FRESH].flatMap((name): AnyObject[] => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      jobAccount(name),
    ]);
    const sim = await operatorWorld(places);
    const walk = new SessionJobWalk(sim);
    await sim.drive(createOperator(walk.#env()).start());
    for (const namespace of [WALKED, FRESH]) {
      const cluster = { namespace, name: CLUSTER, mode: 'native', ha: false, adaptive: false } as const;
      await sim.drive(sim.admin.create(FlinkDeployments, flinkDeployment(cluster)));
    }
    await walk.#create(WALKED, baseOf(WALKED).spec);
    await walk.#rest(WALKED);
    return walk;
  }

  /** Gives a member each of its values, compares with fresh session jobs, and takes it back. */
  async member({ path, values }: Member): Promise<void> {
    const member = path.join('.');
    for (const value of values) {
      this.counts.values++;
      const text = JSON.stringify(value);
      const before = this.#stored(WALKED)?.status?.jobStatus?.jobId;
      const accepted = await this.#give(withMember(baseOf(WALKED).spec, path, value));
      if (accepted) await this.#rest(WALKED);
      if (!accepted || errorOf(this.#stored(WALKED)) !== '') {
        this.counts.refused++;
        const same = before === this.#stored(WALKED)?.status?.jobStatus?.jobId;
        if (!same || !this.#runs(WALKED)) this.#found(member, text, 'the job was touched by a spec that is refused');
      } else await this.#compare(member, text);
    }
    await this.#give(baseOf(WALKED).spec);
    await this.#rest(WALKED);
    await this.#compare(member, 'taken back');
  }

  async #compare(member: string, value: string): Promise<void> {
    const spec = this.#stored(WALKED)?.spec;
    if (spec === undefined) throw new Error('the walked session job is gone');
    await this.#create(FRESH, spec);
    await this.#rest(FRESH);
    for (const [what, fresh] of this.#state(FRESH)) {
      const walked = this.#state(WALKED).get(what);
      if (walked !== fresh)
        this.#found(member, value, `${what} is not that of a fresh one:\n${difference(walked, fresh)}`);
    }
    await this.#sim.drive(this.#sim.admin.delete(FlinkSessionJobs, FRESH, NAME));
    const gone = await this.#sim.until(() => this.#stored(FRESH) === undefined && !this.#runs(FRESH), LIMIT_MS);
    if (!gone) throw new Error('a fresh session job is not removed');
  }

  /** An operator's environment whose requests to run a jar are kept. */
  #env(): OperatorEnv {
    const env = this.#sim.env('drey');
    const transport = fabricTransport(this.#sim.world.fabric);
    const flink: FlinkTransport = (request) => {
      const [, namespace] = /^http:\/\/[^.]+\.([^:]+):.*\/jars\/[^/]+\/run$/.exec(request.url) ?? [];
      if (namespace !== undefined && typeof request.body === 'string') {
        const { jobId: _, savepointPath: __, ...asked } = JSON.parse(request.body) as Record<string, unknown>;
        this.#asked.set(namespace, normal(asked));
      }
      return transport(request);
    };
    return { ...env, flink, artifacts: async () => aJar() };
  }

  async #create(namespace: string, spec: FlinkSessionJob['spec']): Promise<void> {
    await this.#sim.drive(this.#sim.admin.create(FlinkSessionJobs, { ...baseOf(namespace), spec }));
  }

  /** False when the API server refuses the spec. */
  #give(spec: FlinkSessionJob['spec']): Promise<boolean> {
    return giveSpec(this.#sim, FlinkSessionJobs, () => this.#stored(WALKED), spec);
  }

  async #rest(namespace: string): Promise<void> {
    const limits = { restMs: REST_MS, limitMs: LIMIT_MS };
    if (
      await comesToRest(
        this.#sim,
        () => this.#stored(namespace),
        (stored) => errorOf(stored) !== '',
        limits,
      )
    )
      return;
    this.#found('rest', namespace, JSON.stringify(this.#stored(namespace)?.status));
  }

  /** What Flink was asked for, what runs there, and what the status says, without what differs between any two. */
  #state(namespace: string): Map<string, string> {
    const { lifecycleState, jobStatus, conditions } = this.#stored(namespace)?.status ?? {};
    const job = this.#jobs(namespace).find(({ spec }) => spec.jobId === jobStatus?.jobId);
    const lasting = conditions?.filter(({ type }) => type !== 'SnapshotFresh');
    const told = lasting?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
    return new Map([
      ['the request to run the jar', this.#asked.get(namespace) ?? ''],
      ['the job', normal({ parallelism: job?.parallelism, state: job?.state, name: job?.spec.name })],
      ['the status', normal({ lifecycleState, state: jobStatus?.state, told })],
    ]);
  }

  #jobs(namespace: string) {
    const jobs = [...(this.#sim.world.fabric.leader(`${namespace}/${CLUSTER}`)?.jobs.values() ?? [])];
    return jobs.filter((job) => !job.isTerminal);
  }

  #runs(namespace: string): boolean {
    return this.#jobs(namespace).some((job) => job.tasksRunningSince !== undefined);
  }

  #stored(namespace: string): FlinkSessionJob | undefined {
    const { reader } = this.#sim.world.server.server;
    return reader.get('flink.apache.org', 'flinksessionjobs', namespace, NAME) as FlinkSessionJob | undefined;
  }

  #found(member: string, value: string, problem: string): void {
    this.findings.push({ member, value, problem });
  }
}

function baseOf(namespace: string): FlinkSessionJob {
  return flinkSessionJob({ namespace, name: NAME, cluster: CLUSTER }, { upgradeMode: 'savepoint', parallelism: 2 });
}

function errorOf(stored: FlinkSessionJob | undefined): string {
  return stored?.status?.error ?? '';
}

async function* aJar(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a jar');
}
