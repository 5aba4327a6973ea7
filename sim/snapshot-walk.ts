import { FlinkDeployments, type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { isKubeError } from '@drey/kube';
import { createOperator } from '@drey/operator';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';
import type { Member } from './spec-values.ts';
import { type Finding, withMember } from './spec-walk.ts';
import { flinkStateSnapshot } from './specs.ts';

const NAMESPACE = 'default';
const JOB = 'app';
/** A snapshot has to come to its end within this much virtual time. */
const LIMIT_MS = 240_000;
/** What has not changed for so long does not change by itself. */
const REST_MS = 6_000;

const ENDS: readonly unknown[] = ['COMPLETED', 'FAILED', 'ABANDONED'];

/**
 * FlinkStateSnapshots with every value that a member of their spec may have: a fresh one comes to an end, taken at most once
 * and, when it is complete, with its state where it says. One that is there already takes no notice of the change.
 */
export class SnapshotWalk {
  readonly findings: Finding[] = [];
  /** Values that were given, those of them that the API server refused, and the snapshots that were complete at the end. */
  readonly counts = { values: 0, refused: 0, completed: 0 };
  readonly #sim: OperatorWorld;
  #number = 0;

  private constructor(sim: OperatorWorld) {
    this.#sim = sim;
  }

  /** Brings the job to rest whose snapshots are taken. */
  static async begin(): Promise<SnapshotWalk> {
    const sim = await operatorWorld();
    await sim.drive(createOperator(sim.env('drey')).start());
    await sim.drive(sim.admin.create(FlinkDeployments, statefulDeployment(NAMESPACE, JOB)));
    const { reader } = sim.world.server.server;
    const runs = (): boolean => {
      const stored = reader.get('flink.apache.org', 'flinkdeployments', NAMESPACE, JOB);
      return (stored?.status as { lifecycleState?: string } | undefined)?.lifecycleState === 'STABLE';
    };
    if (!(await sim.until(runs, LIMIT_MS))) throw new Error('the job of the walk does not run');
    return new SnapshotWalk(sim);
  }

  /** Takes snapshots with each value of a member, and gives each value to one that was taken without. */
  async member({ path, values }: Member): Promise<void> {
    const member = path.join('.');
    // A snapshot is a savepoint or a checkpoint.
    const base = flinkStateSnapshot(
      { namespace: NAMESPACE, name: 'taken' },
      { kind: 'FlinkDeployment', name: JOB },
      path[0] === 'checkpoint' ? 'checkpoint' : 'savepoint',
    );
    for (const value of values) {
      this.counts.values++;
      const text = JSON.stringify(value);
      await this.#fresh(base, member, text, withMember(base.spec, path, value));
      await this.#changed(base, member, text, withMember(base.spec, path, value));
    }
  }

  async #fresh(
    base: FlinkStateSnapshot,
    member: string,
    value: string,
    spec: FlinkStateSnapshot['spec'],
  ): Promise<void> {
    const name = await this.#take({ ...base, spec });
    if (name === undefined) {
      this.counts.refused++;
      return;
    }
    const { state, path, triggerId } = this.#stored(name)?.status ?? {};
    // One of a job that is not there waits for it.
    const isOfJob = spec.jobReference?.kind === 'FlinkDeployment' && spec.jobReference.name === JOB;
    if (!isOfJob && state === 'TRIGGER_PENDING' && (triggerId ?? '') === '') return;
    if (!ENDS.includes(state)) return this.#found(member, value, `it is ${state} and comes to no end`);
    if (state !== 'COMPLETED') return;
    this.counts.completed++;
    const { storage } = this.#sim.world.fabric;
    if (storage.find(path ?? '') === undefined && spec.savepoint?.alreadyExists !== true)
      this.#found(member, value, `its state is not at ${path}`);
    const pulled = storage.history.filter((one) => one.type === 'triggered' && one.triggerId === triggerId).length;
    const isTaken = spec.savepoint?.alreadyExists !== true;
    if (isTaken && pulled !== 1) this.#found(member, value, `it was triggered ${pulled} times`);
    const wanted = spec.savepoint?.path;
    if (isTaken && typeof wanted === 'string' && path?.includes(wanted.replace(/^file:\/+/, '')) !== true)
      this.#found(member, value, `its state is at ${path}, not in ${wanted}`);
  }

  /** Whatever is changed of one that was taken: nothing is taken again, and its status stands. */
  async #changed(
    base: FlinkStateSnapshot,
    member: string,
    value: string,
    spec: FlinkStateSnapshot['spec'],
  ): Promise<void> {
    const name = await this.#take(base);
    const taken = name === undefined ? undefined : this.#stored(name);
    if (taken?.status?.state !== 'COMPLETED')
      return this.#found(member, value, 'the one to be changed is not complete');
    const before = this.#triggers();
    try {
      await this.#sim.drive(this.#sim.admin.replace(FlinkStateSnapshots, { ...taken, spec }));
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_INVALID')) return;
      throw error;
    }
    await this.#sim.until(() => false, REST_MS);
    const after = this.#stored(name ?? '')?.status;
    if (after?.state !== 'COMPLETED' || after.path !== taken.status.path)
      this.#found(member, value, `after the change it is ${after?.state} at ${after?.path}`);
    if (this.#triggers() !== before) this.#found(member, value, 'another snapshot was taken after the change');
  }

  /** Takes a snapshot to its end; its name, or undefined when the API server refuses it. */
  async #take(snapshot: FlinkStateSnapshot): Promise<string | undefined> {
    const name = `snapshot-${++this.#number}`;
    const metadata = { ...snapshot.metadata, name };
    try {
      await this.#sim.drive(this.#sim.admin.create(FlinkStateSnapshots, { ...snapshot, metadata }));
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_INVALID')) return undefined;
      throw error;
    }
    await this.#sim.until(() => ENDS.includes(this.#stored(name)?.status?.state), LIMIT_MS);
    return name;
  }

  #triggers(): number {
    return this.#sim.world.fabric.storage.history.filter(({ type }) => type === 'triggered').length;
  }

  #stored(name: string): FlinkStateSnapshot | undefined {
    const { reader } = this.#sim.world.server.server;
    return reader.get('flink.apache.org', 'flinkstatesnapshots', NAMESPACE, name) as FlinkStateSnapshot | undefined;
  }

  #found(member: string, value: string, problem: string): void {
    this.findings.push({ member, value, problem });
  }
}
