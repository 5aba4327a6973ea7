import { generateKeyPairSync } from 'node:crypto';
import { allCrds } from '@drey/api';
import { createSimulatedWorld, type SimulatedWorld, type Timings, usualTimings } from '@drey/devcluster/testing';
import type { AnyObject, Random } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { type Arrival, checkConverged, unsettled } from './convergence.ts';
import { happen, type Scene } from './incidents.ts';
import { NamespaceOracle } from './namespace-oracle.ts';
import { startOperatorProcess } from './operator-process.ts';
import { SafetyOracle, type Violation } from './oracles.ts';
import { ReplacementOracle } from './replacement-oracle.ts';
import { type Action, drawScenario, HOME, type Incident, type Scenario, TEAM } from './scenario.ts';
import { type FaultCounts, type FaultRates, noFaults, ProcessScope, type Tamper } from './scope.ts';
import { IMPORTED, MISSING } from './specs.ts';
import { StoreOracle } from './store-oracle.ts';
import { StoredRecords } from './stored-records.ts';
import { tell } from './trace.ts';
import { keyOfSubject, type Wish, Wishes } from './wishes.ts';

export interface SeedResult {
  readonly seed: number;
  /** Actions, incidents and faults that happened. */
  readonly steps: number;
  readonly faults: number;
  readonly violations: readonly Violation[];
  /** Virtual milliseconds from the end of the faults until everything had arrived. */
  readonly settledAfterMs: number;
}

export interface SeedOptions {
  /** Hears what happens. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Sees the world as it is at the end. */
  readonly inspect?: (world: SimulatedWorld) => void;
  /** A bug to plant in the operator: changes what it sends to the API server. */
  readonly tamper?: Tamper;
}

/** After the faults everything has to arrive within this much virtual time. */
const BOUND_MS = 15 * 60_000;
/** How long the world goes on with its faults after the last thing that happened in it. */
const AFTERMATH_MS = 20_000;
/** Every so many seeds two operators share the work. */
const SHARED_EVERY = 4;
/** More timers than this within one step of the scenario are a loop that re-arms itself. */
const MAX_TIMERS = 100_000;
const tokenKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** Runs one seed from nothing to convergence. The same seed does the same. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const run = new SeedRun(seed, options);
  return run.play();
}

/** What a cluster holds before anybody uses it. */
function initialObjects(): AnyObject[] {
  const account = (namespace: string): AnyObject => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'flink', namespace },
  });
  const team: AnyObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: TEAM } };
  // Without the rules, so that the operator gets to see what they refuse.
  const definitions = (allCrds({ rules: false }) as unknown as AnyObject[]).filter(
    ({ metadata }) => metadata.name !== 'flinkbluegreendeployments.flink.apache.org',
  );
  return [...definitions, team, account(HOME), account(TEAM)];
}

function withSavepoints(savepointMs: () => Timings['savepointMs']): Timings {
  return {
    ...usualTimings,
    get savepointMs() {
      return savepointMs();
    },
  };
}

/** What there is once the world stands. */
interface Stage extends Scene {
  readonly records: StoredRecords;
  readonly storeOracle: StoreOracle;
  readonly namespaceOracle: NamespaceOracle;
  readonly replacementOracle: ReplacementOracle;
}

class SeedRun {
  readonly #seed: number;
  readonly #options: SeedOptions;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #rates: FaultRates;
  readonly #faults: FaultCounts = { crashes: 0, lost: 0, refused: 0, cut: 0, stale: 0 };
  readonly #wishes = new Wishes();
  readonly #surprises: Violation[] = [];
  #made: Stage | undefined;
  /** The process that works on each shard, dead or alive. */
  readonly #scopes: (ProcessScope | undefined)[];
  /** Wall time since when the operator can see the jobs. */
  #sightSince = 0;
  #epoch = 0;
  #steps = 0;
  #quiet = false;

  constructor(seed: number, options: SeedOptions) {
    this.#options = options;
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#scenario = drawScenario(this.#random);
    this.#rates = drawRates(this.#random);
    this.#scopes = Array.from({ length: seed % SHARED_EVERY === 0 ? 2 : 1 });
  }

  async play(): Promise<SeedResult> {
    this.#made = await this.#build();
    if (this.#options.trace) tell(this.#stage.world, (line) => this.#trace(line));
    for (const shard of this.#scopes.keys()) this.#startOperator(shard);
    await this.#playScenario();
    const { settledAfterMs, violations } = await this.#settle();
    const { world } = this.#stage;
    this.#options.inspect?.(world);
    world.stop();
    for (const scope of this.#scopes) scope?.kill();
    const { crashes, lost, refused, cut, stale } = this.#faults;
    return {
      seed: this.#seed,
      steps: this.#steps,
      faults: crashes + lost + refused + cut + stale,
      violations: [...this.#surprises, ...this.#seen(), ...violations],
      settledAfterMs,
    };
  }

  #seen(): readonly Violation[] {
    const { oracle, storeOracle, namespaceOracle, replacementOracle } = this.#stage;
    return [oracle, storeOracle, namespaceOracle, replacementOracle].flatMap(({ violations }) => violations);
  }

  async #build(): Promise<Stage> {
    const world = await this.#drive(
      createSimulatedWorld({
        ...{ clock: this.#clock, random: this.#random, tokenKey, objects: initialObjects() },
        timings: withSavepoints(() => this.#made?.savepointMs ?? usualTimings.savepointMs),
        onFault: (where, error) =>
          this.#surprise('no internal error', `${where}: ${error instanceof Error ? error.stack : String(error)}`),
      }),
    );
    world.node.missingImages.add(MISSING.image);
    world.fabric.storage.put({
      ...{ path: IMPORTED.path, position: IMPORTED.position, kind: 'savepoint' },
      ...{ jobId: 'elsewhere', lineage: 'elsewhere', checkpointId: 7, completedAt: this.#clock.now() },
    });
    world.store.subscribe(undefined, ({ record: { object } }) => {
      const { deletionTimestamp, namespace, name, labels } = object.metadata;
      if (object.kind !== 'Deployment' || deletionTimestamp === undefined || labels?.app !== name) return;
      this.#made?.oracle.goes(`${namespace}/${name}`, this.#clock.now());
    });
    const records = new StoredRecords(world, () => this.#sightSince);
    return {
      ...{ world, records, clock: this.#clock, random: this.#random },
      storeOracle: new StoreOracle(world, () => this.#clock.now()),
      namespaceOracle: new NamespaceOracle(world, () => this.#clock.now()),
      replacementOracle: new ReplacementOracle(world, () => this.#clock.now()),
      oracle: new SafetyOracle(world.fabric.storage, records),
      weather: { hangsMs: 0 },
      savepointMs: usualTimings.savepointMs,
      operator: {
        crash: () => this.#crash(),
        rival: () => this.#rival(),
        blind: () => {
          this.#sightSince = Number.POSITIVE_INFINITY;
        },
        sees: () => {
          this.#sightSince = this.#clock.now();
        },
      },
    };
  }

  async #playScenario(): Promise<void> {
    const start = this.#clock.monotonic();
    const actions = [...this.#scenario.actions];
    const incidents = [...this.#scenario.incidents];
    for (;;) {
      const [action, incident] = [actions[0], incidents[0]];
      const next = Math.min(action?.atMs ?? Number.POSITIVE_INFINITY, incident?.atMs ?? Number.POSITIVE_INFINITY);
      if (next === Number.POSITIVE_INFINITY) break;
      await this.#advance(Math.max(0, start + next - this.#clock.monotonic()));
      if (action?.atMs === next) await this.#act(actions.shift() as Action);
      else this.#happen(incidents.shift() as Incident);
      this.#steps++;
    }
    await this.#advance(AFTERMATH_MS);
  }

  /** No more faults: everything has to arrive. */
  async #settle(): Promise<{ settledAfterMs: number; violations: Violation[] }> {
    const { world, weather } = this.#stage;
    this.#quiet = true;
    this.#trace('faults end');
    weather.hangsMs = 0;
    world.fabric.storage.unwritable.clear();
    for (const scope of this.#scopes) if (scope !== undefined) scope.rates = noFaults;
    const start = this.#clock.monotonic();
    const arrival = this.#arrival(this.#clock.now());
    while (this.#clock.monotonic() - start < BOUND_MS) {
      await this.#advance(5_000);
      if (this.#wishes.all().every((wish) => unsettled(arrival, wish) === undefined)) {
        return { settledAfterMs: this.#clock.monotonic() - start, violations: [] };
      }
    }
    return {
      settledAfterMs: BOUND_MS,
      violations: checkConverged(arrival, this.#wishes.all(), this.#clock.monotonic()),
    };
  }

  #arrival(quietSince: number): Arrival {
    const { world, records, oracle } = this.#stage;
    return {
      ...{ world, quietSince },
      snapshotsOf: (subject) => records.snapshotsOf(subject),
      object: (subject) => records.object(subject),
      stateOf: (wish) => {
        const owner = keyOfSubject(wish.subject);
        const sight = records.sightOf(this.#clusterOf(wish));
        return {
          isKnown: oracle.isNewestKnown(owner, this.#clock.now(), sight),
          isLost: oracle.hasLost(owner),
          hasFailed: oracle.hasFailed(owner),
        };
      },
    };
  }

  #clusterOf({ subject }: Wish): string {
    const stored = this.#stage.records.object(subject) as { spec?: { deploymentName?: string } } | undefined;
    return `${subject.namespace}/${stored?.spec?.deploymentName ?? subject.name}`;
  }

  #advance(ms: number): Promise<void> {
    return this.#clock.advance(ms, MAX_TIMERS);
  }

  /** Starts the process that works on a shard, under a term that is later than all before it. */
  #startOperator(shard: number): void {
    const rates = this.#quiet ? noFaults : this.#rates;
    const { world, weather, storeOracle } = this.#stage;
    const scope: ProcessScope = new ProcessScope({
      ...{ world: this.#clock, random: this.#random, rates, faults: this.#faults, tamper: this.#options.tamper },
      onCrash: () => this.#crashed(shard, scope),
      revision: () => world.store.revision,
      log: (line) => storeOracle.text('the log', line),
    });
    this.#scopes[shard] = scope;
    this.#sightSince = this.#clock.now();
    this.#epoch++;
    this.#trace(`operator ${shard} starts with epoch ${this.#epoch}`);
    const share = { shard, shards: this.#scopes.length, epoch: this.#epoch };
    startOperatorProcess(scope, world, weather, share).catch((error: unknown) => {
      if (!scope.alive) return;
      // As in production: a start that fails ends the process, and it is started again.
      this.#trace(`operator ${shard} failed to start: ${error instanceof Error ? error.message : String(error)}`);
      scope.kill();
      this.#crashed(shard, scope);
    });
  }

  /** Another process takes the place of one that died, unless that was only an old leader. */
  #crashed(shard: number, scope: ProcessScope): void {
    this.#trace(`operator ${shard} dies`);
    if (scope !== this.#scopes[shard]) return;
    this.#clock.after(1_000 + this.#random.next() * 8_000, () => this.#startOperator(shard));
  }

  #crash(): void {
    const shard = this.#anyShard();
    const scope = this.#scopes[shard];
    if (!scope?.alive) return;
    this.#faults.crashes++;
    scope.kill();
    this.#crashed(shard, scope);
  }

  #rival(): (() => void) | undefined {
    const shard = this.#anyShard();
    const old = this.#scopes[shard];
    if (!old?.alive) return undefined;
    this.#startOperator(shard);
    return () => old.kill();
  }

  #anyShard(): number {
    return this.#scopes.length === 1 ? 0 : Math.floor(this.#random.next() * this.#scopes.length);
  }

  async #act(action: Action): Promise<void> {
    const { subject } = action;
    const what =
      action.do === 'change' ? `change ${subject.name}: ${action.change.what}` : `${action.do} ${subject.name}`;
    this.#trace(action.do === 'create' ? `${what} ${JSON.stringify(action.object.spec)}` : what);
    if (action.do === 'delete') this.#stage.oracle.forget(keyOfSubject(subject));
    await this.#drive(this.#wishes.perform(this.#stage.world.admin, action));
  }

  #happen(incident: Incident): void {
    this.#trace(`${incident.do} ${'name' in incident ? incident.name : ''}`);
    if ('name' in incident) this.#stage.replacementOracle.happensTo(`${incident.namespace}/${incident.name}`);
    happen(this.#stage, incident);
  }

  #surprise(rule: string, detail: string): void {
    this.#surprises.push({ rule, at: this.#clock.monotonic(), detail });
  }

  #trace(line: string): void {
    this.#options.trace?.(`${(this.#clock.monotonic() / 1000).toFixed(3).padStart(9)}  ${line}`);
  }

  /** Awaits something that needs time to move. */
  async #drive<T>(promise: Promise<T>): Promise<T> {
    let outcome: { value: T } | { error: unknown } | undefined;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    for (let i = 0; outcome === undefined; i++) {
      if (i > MAX_TIMERS) throw new Error('a call on the simulated world does not end');
      await this.#clock.advance(i === 0 ? 0 : 1, MAX_TIMERS);
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  get #stage(): Stage {
    if (this.#made === undefined) throw new Error('the world is not there yet');
    return this.#made;
  }
}

function drawRates(random: Random): FaultRates {
  const scale = [0, 0.3, 1, 3][Math.floor(random.next() * 4)] ?? 1;
  return {
    crash: 0.002 * scale,
    failBefore: 0.01 * scale,
    failAfter: 0.01 * scale,
    refuse: 0.01 * scale,
    refuseAfter: 0.005 * scale,
    staleList: 0.2 * scale,
    stallWatch: 0.005 * scale,
    cutWatch: 0.01 * scale,
    latencyMs: 2 + random.next() * 60,
  };
}
