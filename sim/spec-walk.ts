import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import type { AnyObject } from '@drey/kube';
import { createOperator } from '@drey/operator';
import { jobAccount, type OperatorWorld, operatorWorld } from './operator-world.ts';
import type { Member } from './spec-values.ts';
import { type ClusterTraits, flinkDeployment } from './specs.ts';
import { comesToRest, giveSpec } from './walk-steps.ts';

/** What was found wrong after a step of a walk. */
export interface Finding {
  readonly member: string;
  readonly value: string;
  readonly problem: string;
}

const WALKED = 'walked-ns';
const FRESH = 'fresh-ns';
const NAME = 'app';
/** A change has to come to rest within this much virtual time. */
const LIMIT_MS = 240_000;
/** At rest is what has not changed for so long. */
const REST_MS = 6_000;

/** A deployment that is walked through the values of its spec, and one that is made anew for each of them. */
export class SpecWalk {
  readonly findings: Finding[] = [];
  /** Values that were given, and those of them that the operator or the API server refused. */
  readonly counts = { values: 0, refused: 0 };
  readonly #sim: OperatorWorld;
  readonly #base: FlinkDeployment;

  private constructor(sim: OperatorWorld, base: FlinkDeployment) {
    this.#sim = sim;
    this.#base = base;
  }

  /** Brings a deployment to rest, from which the walk begins. */
  static async begin(traits: Pick<ClusterTraits, 'mode' | 'ha'>): Promise<SpecWalk> {
    const places = [WALKED, FRESH].flatMap((name): AnyObject[] => [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      jobAccount(name),
    ]);
    const sim = await operatorWorld(places);
    const operator = createOperator(sim.env('drey'));
    await sim.drive(operator.start());
    const cluster = { ...traits, namespace: WALKED, name: NAME, adaptive: false };
    const base = flinkDeployment(cluster, { upgradeMode: 'savepoint', parallelism: 2 });
    const walk = new SpecWalk(sim, base);
    await walk.#create(WALKED, base.spec);
    await walk.#rest(WALKED);
    return walk;
  }

  /** Gives a member each of its values, compares with fresh deployments, and takes it back. */
  async member({ path, values }: Member): Promise<void> {
    const member = path.join('.');
    for (const value of values) {
      this.counts.values++;
      const text = JSON.stringify(value);
      const before = this.#stored(WALKED)?.status?.jobStatus?.jobId;
      const accepted = await this.#give(withMember(this.#base.spec, path, value));
      if (!accepted) {
        this.counts.refused++;
        continue;
      }
      await this.#rest(WALKED);
      if (hasError(this.#stored(WALKED))) {
        this.counts.refused++;
        if (before !== this.#stored(WALKED)?.status?.jobStatus?.jobId || !this.#runs()) {
          this.#found(member, text, `the job was touched by a spec that is refused: ${errorOf(this.#stored(WALKED))}`);
        }
      } else await this.#compare(member, text);
    }
    await this.#give(this.#base.spec);
    await this.#rest(WALKED);
    await this.#compare(member, 'taken back');
  }

  /** What is there must be what a deployment of the same spec has from the beginning. */
  async #compare(member: string, value: string): Promise<void> {
    const spec = this.#stored(WALKED)?.spec;
    if (spec === undefined) return this.#found(member, value, 'the deployment is gone');
    await this.#create(FRESH, spec);
    await this.#rest(FRESH);
    for (const [what, one] of this.#state(FRESH)) {
      const walked = this.#state(WALKED).get(what);
      if (walked !== one) this.#found(member, value, `${what} is not what a fresh one is:\n${difference(walked, one)}`);
    }
    await this.#removeFresh();
  }

  async #create(namespace: string, spec: FlinkDeployment['spec']): Promise<void> {
    const object = { ...this.#base, metadata: { name: NAME, namespace }, spec };
    await this.#sim.drive(this.#sim.admin.create(FlinkDeployments, object));
  }

  async #removeFresh(): Promise<void> {
    await this.#sim.drive(this.#sim.admin.delete(FlinkDeployments, FRESH, NAME));
    const gone = await this.#sim.until(() => this.#objects(FRESH).length === 0 && !this.#stored(FRESH), LIMIT_MS);
    if (!gone) throw new Error('a fresh deployment is not removed');
  }

  /** False when the API server refuses the spec. */
  #give(spec: FlinkDeployment['spec']): Promise<boolean> {
    return giveSpec(this.#sim, FlinkDeployments, () => this.#stored(WALKED), spec);
  }

  /** Waits until nothing has changed for a while and the operator has nothing more to do. */
  async #rest(namespace: string): Promise<void> {
    const limits = { restMs: REST_MS, limitMs: LIMIT_MS };
    if (await comesToRest(this.#sim, () => this.#stored(namespace), hasError, limits)) return;
    this.#found('rest', namespace, JSON.stringify(this.#stored(namespace)?.status));
  }

  #runs(): boolean {
    const jobs = [...(this.#sim.world.fabric.leader(`${WALKED}/${NAME}`)?.jobs.values() ?? [])];
    return jobs.some((job) => job.tasksRunningSince !== undefined);
  }

  #stored(namespace: string): FlinkDeployment | undefined {
    const { reader } = this.#sim.world.server.server;
    return reader.get('flink.apache.org', 'flinkdeployments', namespace, NAME) as FlinkDeployment | undefined;
  }

  #objects(namespace: string): AnyObject[] {
    const { reader } = this.#sim.world.server.server;
    const kinds = [
      ['apps', 'deployments'],
      ['apps', 'statefulsets'],
      ['', 'configmaps'],
      ['', 'services'],
      ['networking.k8s.io', 'ingresses'],
    ] as const;
    return kinds
      .flatMap(([group, plural]) => reader.list(group, plural, namespace))
      .filter(({ metadata }) => metadata.labels?.app === NAME || metadata.name === NAME)
      .filter(({ metadata }) => !/-config-map$/.test(metadata.name ?? ''));
  }

  /** Objects and status by name, without what differs between any two deployments. */
  #state(namespace: string): Map<string, string> {
    const out = new Map<string, string>();
    for (const { kind, metadata, status: _, ...rest } of this.#objects(namespace)) {
      const { name, labels, annotations } = metadata;
      out.set(`${kind} ${name}`, normal({ labels, annotations, ...rest }));
    }
    const { lifecycleState, jobManagerDeploymentStatus, jobStatus, conditions, taskManager } =
      this.#stored(namespace)?.status ?? {};
    // How fresh the newest snapshot is depends on how long the job runs.
    const lasting = conditions?.filter(({ type }) => type !== 'SnapshotFresh');
    const told = lasting?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
    const status = { lifecycleState, jobManagerDeploymentStatus, state: jobStatus?.state, told, taskManager };
    return out.set('the status', normal(status));
  }

  #found(member: string, value: string, problem: string): void {
    this.findings.push({ member, value, problem });
  }
}

function hasError(stored: FlinkDeployment | undefined): boolean {
  return errorOf(stored) !== '';
}

function errorOf(stored: FlinkDeployment | undefined): string {
  return stored?.status?.error ?? '';
}

/** A spec with another value of one member; keys of a configuration are added to those that are there. */
export function withMember<S>(spec: S, path: readonly string[], value: unknown): S {
  const set = (at: unknown, [name, ...rest]: readonly string[]): unknown => {
    const members = (at ?? {}) as Record<string, unknown>;
    if (name === undefined) return value;
    if (name === 'flinkConfiguration')
      return { ...members, [name]: { ...(members[name] as object), ...(value as object) } };
    return { ...members, [name]: set(members[name], rest) };
  };
  return set(spec, path) as S;
}

/** What differs between any two deployments. */
const UNLIKE: readonly (readonly [RegExp, string])[] = [
  [/walked-ns|fresh-ns/g, '<ns>'],
  [/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, '<uid>'],
  [/[0-9a-f]{32}/g, '<id>'],
  [/(generation"?:\s*"?)\d+/g, '$1<n>'],
  [/"10\.0\.\d+\.\d+"/g, '<address>'],
];
/** Lines of configurations and commands that tell where a job began its life, which is its history and not its spec. */
const HISTORY =
  /execution\.(?:savepoint|state-recovery)\.path|^"?path: .*savepoint-|--fromSavepoint|\/savepoint-|deployment\.kubernetes\.io\/revision/;

/** A value as text, line by line, without what differs between any two objects. */
export function normal(value: unknown): string {
  let text = JSON.stringify(sorted(value), null, 1);
  for (const [pattern, instead] of UNLIKE) text = text.replaceAll(pattern, instead);
  return text
    .split('\n')
    .filter((line) => !HISTORY.test(line))
    .join('\n');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  // Files are compared line by line.
  if (typeof value === 'string' && value.includes('\n')) return value.split('\n');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

/** The lines in which two texts differ. */
export function difference(walked: string | undefined, fresh: string): string {
  if (walked === undefined) return '  it is not there';
  const [ours, theirs] = [new Set(walked.split('\n')), new Set(fresh.split('\n'))];
  const only = (a: Set<string>, b: Set<string>, sign: string): string[] =>
    [...a].filter((line) => !b.has(line)).map((line) => `  ${sign}${line}`);
  return [...only(ours, theirs, '+'), ...only(theirs, ours, '-')].join('\n').slice(0, 2_000);
}
