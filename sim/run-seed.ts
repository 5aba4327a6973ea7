import { generateKeyPairSync } from 'node:crypto';
import { allCrds, type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { createSimulatedWorld, type SimulatedWorld, type Timings, usualTimings } from '@drey/devcluster/testing';
import { type AnyObject, isKubeError, type Random } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { checkConverged, unsettled, type ValidWish, type Wish } from './convergence.ts';
import { type FlinkWeather, startOperatorProcess } from './operator-process.ts';
import { type Intent, SafetyOracle, type Violation } from './oracles.ts';
import { type Action, drawScenario, type Incident, namespace, type Scenario } from './scenario.ts';
import { type FaultCounts, type FaultRates, noFaults, ProcessScope, type Tamper } from './scope.ts';
import { StoreOracle } from './store-oracle.ts';
import { tell } from './trace.ts';

export interface SeedResult {
  readonly seed: number;
  /** Actions, incidents and faults that happened. */
  readonly steps: number;
  readonly faults: number;
  readonly violations: readonly Violation[];
  /** Virtual milliseconds from the end of the faults until everything had arrived. */
  readonly settledAfterMs: number;
}

/** After the faults everything has to arrive within this much virtual time. */
const BOUND_MS = 15 * 60_000;
/** More timers than this within one step of the scenario are a loop that re-arms itself. */
const MAX_TIMERS = 100_000;
const tokenKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** Runs one seed from nothing to convergence. The same seed does the same. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const run = new SeedRun(seed, options);
  return run.play();
}

export interface SeedOptions {
  /** Hears what happens. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Sees the world as it is at the end. */
  readonly inspect?: (world: SimulatedWorld) => void;
  /** A bug to plant in the operator: changes what it sends to the API server. */
  readonly tamper?: Tamper;
}

function withSavepoints(savepointMs: () => Timings['savepointMs']): Timings {
  return {
    ...usualTimings,
    get savepointMs() {
      return savepointMs();
    },
  };
}

class SeedRun {
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #rates: FaultRates;
  readonly #faults: FaultCounts = { crashes: 0, lost: 0, refused: 0, cut: 0, stale: 0 };
  readonly #weather: FlinkWeather = { hangsMs: 0 };
  readonly #wishes = new Map<
    string,
    { exists: boolean; suspended: boolean; parallelism: number; valid: ValidWish[] }
  >();
  readonly #surprises: Violation[] = [];
  readonly #trace: (line: string) => void;
  #world: SimulatedWorld | undefined;
  #scope: ProcessScope | undefined;
  #oracle: SafetyOracle | undefined;
  #storeOracle: StoreOracle | undefined;
  /** Wall time since when the operator can see the jobs. */
  #sightSince = 0;
  readonly #tracing: boolean;
  readonly #options: SeedOptions;
  #epoch = 0;
  #savepointMs = usualTimings.savepointMs;
  #steps = 0;
  #quiet = false;

  constructor(seed: number, options: SeedOptions) {
    const { trace } = options;
    this.#options = options;
    this.#seed = seed;
    this.#tracing = trace !== undefined;
    this.#random = new SeededRandom(seed);
    this.#scenario = drawScenario(this.#random);
    this.#rates = drawRates(this.#random);
    this.#trace = (line) => trace?.(`${(this.#clock.monotonic() / 1000).toFixed(3).padStart(9)}  ${line}`);
  }

  async play(): Promise<SeedResult> {
    const world = await this.#drive(
      createSimulatedWorld({
        clock: this.#clock,
        random: this.#random,
        tokenKey,
        timings: withSavepoints(() => this.#savepointMs),
        objects: [
          // Without the rules, so that the operator gets to see what they refuse.
          ...(allCrds({ rules: false }) as unknown as AnyObject[]),
          { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'flink', namespace } } as AnyObject,
        ],
        onFault: (where, error) =>
          this.#surprise('no internal error', `${where}: ${error instanceof Error ? error.stack : String(error)}`),
      }),
    );
    this.#world = world;
    if (this.#tracing) tell(world, this.#trace);
    this.#storeOracle = new StoreOracle(world, () => this.#clock.now());
    this.#oracle = new SafetyOracle(world.fabric.storage, (cluster, process) => this.#intent(cluster, process));
    this.#startOperator();
    const start = this.#clock.monotonic();
    const oracle = this.#mustOracle();
    await this.#playScenario(oracle, start);
    const { settledAfterMs, violations } = await this.#settle();
    this.#options.inspect?.(world);
    world.stop();
    this.#scope?.kill();
    const { crashes, lost, refused, cut, stale } = this.#faults;
    return {
      seed: this.#seed,
      steps: this.#steps,
      faults: crashes + lost + refused + cut + stale,
      violations: [...this.#surprises, ...oracle.violations, ...(this.#storeOracle?.violations ?? []), ...violations],
      settledAfterMs,
    };
  }

  async #playScenario(oracle: SafetyOracle, start: number): Promise<void> {
    const actions = [...this.#scenario.actions];
    const incidents = [...this.#scenario.incidents];
    while (actions.length + incidents.length > 0) {
      const next = Math.min(
        actions[0]?.atMs ?? Number.POSITIVE_INFINITY,
        incidents[0]?.atMs ?? Number.POSITIVE_INFINITY,
      );
      await this.#advance(Math.max(0, start + next - this.#clock.monotonic()));
      if (actions[0]?.atMs === next) await this.#act(actions.shift() as Action, oracle);
      else this.#happen(incidents.shift() as Incident);
      this.#steps++;
    }
    await this.#advance(20_000);
  }

  /** No more faults: everything has to arrive. */
  async #settle(): Promise<{ settledAfterMs: number; violations: Violation[] }> {
    this.#quiet = true;
    this.#trace('faults end');
    this.#weather.hangsMs = 0;
    this.#world?.fabric.storage.unwritable.clear();
    if (this.#scope) this.#scope.rates = noFaults;
    const start = this.#clock.monotonic();
    while (this.#clock.monotonic() - start < BOUND_MS) {
      await this.#advance(5_000);
      if (this.#wishesNow().every((wish) => unsettled(this.#mustWorld(), wish) === undefined)) {
        return { settledAfterMs: this.#clock.monotonic() - start, violations: [] };
      }
    }
    return {
      settledAfterMs: BOUND_MS,
      violations: checkConverged(this.#mustWorld(), this.#wishesNow(), this.#clock.monotonic()),
    };
  }

  #advance(ms: number): Promise<void> {
    return this.#clock.advance(ms, MAX_TIMERS);
  }

  #startOperator(): void {
    const rates = this.#quiet ? noFaults : this.#rates;
    const world = this.#mustWorld();
    const scope: ProcessScope = new ProcessScope({
      ...{ world: this.#clock, random: this.#random, rates, faults: this.#faults, tamper: this.#options.tamper },
      onCrash: () => this.#crashed(scope),
      revision: () => world.store.revision,
      log: (line) => this.#storeOracle?.text('the log', line),
    });
    this.#scope = scope;
    this.#sightSince = this.#clock.now();
    this.#epoch++;
    this.#trace(`operator starts with epoch ${this.#epoch}`);
    startOperatorProcess(scope, world, this.#weather, this.#epoch).catch((error: unknown) => {
      if (!scope.alive) return;
      // As in production: a start that fails ends the process, and it is started again.
      this.#trace(`operator failed to start: ${error instanceof Error ? error.message : String(error)}`);
      scope.kill();
      this.#crashed(scope);
    });
  }

  /** Another process takes the place of one that died, unless that was only an old leader. */
  #crashed(scope: ProcessScope): void {
    this.#trace('operator dies');
    if (scope !== this.#scope) return;
    this.#clock.after(1_000 + this.#random.next() * 8_000, () => this.#startOperator());
  }

  async #act(action: Action, oracle: SafetyOracle): Promise<void> {
    const { admin } = this.#mustWorld();
    const { name } = action;
    try {
      if (action.do === 'create') {
        this.#trace(
          `create ${name} parallelism ${action.object.spec.job?.parallelism} ${action.object.spec.job?.upgradeMode}`,
        );
        const parallelism = action.object.spec.job?.parallelism ?? 1;
        this.#wishes.set(name, {
          exists: true,
          suspended: false,
          parallelism,
          valid: [{ parallelism, suspended: false }],
        });
        await this.#drive(admin.create(FlinkDeployments, action.object));
      } else if (action.do === 'delete') {
        this.#trace(`delete ${name}`);
        const wish = this.#wishes.get(name);
        if (wish) wish.exists = false;
        oracle.forget(`${namespace}/${name}`);
        await this.#drive(admin.delete(FlinkDeployments, namespace, name));
      } else {
        this.#trace(`change ${name}: ${action.what}`);
        this.#wish(name, action.patch as { spec: { job?: { parallelism?: number; state?: string } } });
        await this.#drive(admin.patch(FlinkDeployments, namespace, name, 'merge', action.patch));
      }
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error; // deleted before: nothing to change
    }
  }

  #wish(name: string, patch: { spec: { job?: { parallelism?: number; state?: string } } }): void {
    const wish = this.#wishes.get(name);
    if (wish === undefined) return;
    const { parallelism, state } = patch.spec.job ?? {};
    if (parallelism !== undefined) wish.parallelism = parallelism;
    if (state !== undefined) wish.suspended = state === 'suspended';
    if (wish.parallelism >= 1) wish.valid.push({ parallelism: wish.parallelism, suspended: wish.suspended });
  }

  #happen(incident: Incident): void {
    const world = this.#mustWorld();
    this.#trace(`${incident.do} ${'name' in incident ? incident.name : ''}`);
    if (incident.do === 'kill-jobmanager' || incident.do === 'delete-jobmanager-deployment') {
      this.#mustOracle().loses(`${namespace}/${incident.name}`, this.#clock.now());
    }
    if (incident.do === 'crash-operator') {
      if (!this.#scope?.alive) return;
      this.#faults.crashes++;
      this.#scope.kill();
      this.#crashed(this.#scope);
    } else if (incident.do === 'two-leaders') {
      const old = this.#scope;
      if (!old?.alive) return;
      // The old leader does not know yet that it is none.
      this.#clock.after(3_000 + this.#random.next() * 25_000, () => old.kill());
      this.#startOperator();
    } else if (incident.do === 'slow-savepoints') {
      this.#savepointMs = [8_000, 30_000];
      this.#clock.after(40_000, () => {
        this.#savepointMs = usualTimings.savepointMs;
      });
    } else if (incident.do === 'images-out-of-reach') {
      world.node.imagesInReach = false;
      this.#clock.after(30_000, () => {
        world.node.imagesInReach = true;
      });
    } else if (incident.do === 'slow-flink') {
      this.#weather.hangsMs = 500 + this.#random.next() * 12_000;
      this.#clock.after(20_000, () => {
        this.#weather.hangsMs = 0;
        this.#sightSince = this.#clock.now();
      });
      this.#sightSince = Number.POSITIVE_INFINITY;
    } else if (incident.do === 'savepoint-folder-unwritable') {
      for (const name of this.#wishes.keys()) world.fabric.storage.unwritable.add(`/state/${name}/savepoints`);
      this.#clock.after(40_000, () => world.fabric.storage.unwritable.clear());
    } else if (incident.do === 'fail-task') {
      for (const job of world.fabric.leader(`${namespace}/${incident.name}`)?.jobs.values() ?? [])
        job.failTask('injected failure');
    } else if (incident.do === 'delete-jobmanager-deployment') {
      const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${incident.name}`;
      world.admin.raw('DELETE', path).catch((error: unknown) => {
        if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
      });
    } else if ('name' in incident) {
      const component = incident.do === 'kill-jobmanager' ? 'jobmanager' : 'taskmanager';
      const victim = world.node
        .running()
        .find((pod) => pod.labels.app === incident.name && pod.labels.component === component);
      if (victim) world.node.killContainer(victim.namespace, victim.name);
    }
  }

  #wishesNow(): Wish[] {
    return [...this.#wishes].map(([name, wish]) => ({
      name,
      exists: wish.exists,
      invalid: wish.parallelism < 1,
      valid: wish.valid,
      object: this.#stored(name),
      hasKnownState: this.#mustOracle().isNewestKnown(`${namespace}/${name}`, this.#clock.now(), this.#sightOf(name)),
    }));
  }

  #intent(cluster: string, process: string): Intent {
    const name = cluster.split('/')[1] ?? '';
    const stored = this.#stored(name);
    const starts = this.#mustWorld().fabric.storage.history.filter(
      (one) => one.type === 'started' && one.clusterId === cluster && one.process !== process,
    );
    const stateless = stored?.spec.job?.upgradeMode === 'stateless';
    const restarted = (this.#mustWorld().node.restartsOf(namespace, name, 'jobmanager') ?? 0) > 0;
    return {
      emptyStateAllowed: stateless || starts.length === 0,
      stored,
      startedByOperator: !restarted,
      sightSince: this.#sightOf(name),
    };
  }

  #sightOf(name: string): number | undefined {
    const isHa = this.#stored(name)?.spec.flinkConfiguration?.['high-availability.type'] !== undefined;
    return isHa ? undefined : this.#sightSince;
  }

  /** A deployment as the API server has it now. */
  #stored(name: string): FlinkDeployment | undefined {
    const { reader } = this.#mustWorld().server.server;
    return reader.get('flink.apache.org', 'flinkdeployments', namespace, name) as FlinkDeployment | undefined;
  }

  #surprise(rule: string, detail: string): void {
    this.#surprises.push({ rule, at: this.#clock.monotonic(), detail });
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
      if (i > 100_000) throw new Error('a call on the simulated world does not end');
      await this.#clock.advance(i === 0 ? 0 : 1, MAX_TIMERS);
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #mustOracle(): SafetyOracle {
    if (this.#oracle === undefined) throw new Error('the world is not there yet');
    return this.#oracle;
  }

  #mustWorld(): SimulatedWorld {
    if (this.#world === undefined) throw new Error('the world is not there yet');
    return this.#world;
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
