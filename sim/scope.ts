import type { FlinkRequest, FlinkResponse } from '@drey/flink';
import type { Clock, HttpRequest, HttpResponse, Random, Transport } from '@drey/kube';
import { KubeError } from '@drey/kube';

/** What may go wrong on the connections of the process under test. Probabilities are for each call. */
export interface FaultRates {
  /** The process dies before or after this call. */
  readonly crash: number;
  /** The call fails before it reached the server. */
  readonly failBefore: number;
  /** The server did it, but the answer is lost. */
  readonly failAfter: number;
  /** 429, 500 or 503 instead of an answer. */
  readonly refuse: number;
  /** The server did it, and answers 500 or 503 all the same. */
  readonly refuseAfter: number;
  /** A list that may be old (`resourceVersion=0`) is: from before a number of changes. */
  readonly staleList: number;
  /** A watch delivers nothing for some seconds, then everything at once. */
  readonly stallWatch: number;
  /** A watch is cut. */
  readonly cutWatch: number;
  /** Upper bound of added latency in milliseconds. */
  readonly latencyMs: number;
}

export const noFaults: FaultRates = {
  ...{ crash: 0, failBefore: 0, failAfter: 0, refuse: 0, refuseAfter: 0 },
  ...{ staleList: 0, stallWatch: 0, cutWatch: 0, latencyMs: 2 },
};

/** How many changes a stale list is behind at most, and how long a watch stalls at most. */
const STALE_REVISIONS = 40;
const STALL_MS = 12_000;

export interface FaultCounts {
  crashes: number;
  lost: number;
  refused: number;
  cut: number;
  stale: number;
}

/** Changes what a process sends on its way, as a bug in it would. */
export interface Tamper {
  readonly kube?: (request: HttpRequest) => HttpRequest;
  readonly flink?: (request: FlinkRequest) => FlinkRequest;
  /** What a call to Flink that failed is taken for; undefined: for what it is. */
  readonly unanswered?: (request: FlinkRequest) => FlinkResponse | undefined;
}

export interface ScopeOptions {
  readonly world: Clock;
  readonly random: Random;
  readonly rates: FaultRates;
  readonly faults: FaultCounts;
  readonly onCrash: () => void;
  /** The newest revision of the API server. */
  readonly revision: () => number;
  readonly log: (line: string) => void;
  /** A planted bug. */
  readonly tamper?: Tamper | undefined;
}

/**
 * Everything that ties one simulated operator process to its world. `kill` ends the process as a machine would: its timers
 * never fire again and its calls never settle, whatever code was waiting for them. Crash points are the edges of every call,
 * which are all the awaits that have an effect.
 */
export class ProcessScope {
  readonly clock: Clock;
  readonly random: Random;
  rates: FaultRates;
  readonly #world: Clock;
  readonly #faults: FaultCounts;
  readonly #onCrash: () => void;
  readonly #revision: () => number;
  readonly #tamper: Tamper;
  readonly #timers = new Set<() => void>();
  readonly #watches = new Set<() => void>();
  /** Takes the lines of the process's log. */
  readonly log: (line: string) => void;
  alive = true;

  constructor(options: ScopeOptions) {
    const { world, random, rates, faults, onCrash } = options;
    this.#revision = options.revision;
    this.log = options.log;
    this.#tamper = options.tamper ?? {};
    this.#world = world;
    this.random = random;
    this.rates = rates;
    this.#faults = faults;
    this.#onCrash = onCrash;
    this.clock = { now: () => world.now(), monotonic: () => world.monotonic(), after: (ms, fn) => this.#after(ms, fn) };
  }

  kill(): void {
    this.alive = false;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    for (const cut of this.#watches) cut();
    this.#watches.clear();
  }

  /** The process's connection to the API server. */
  transport(server: Transport): Transport {
    return {
      request: (request) => this.#call(request, server),
      close: () => Promise.resolve(),
    };
  }

  /** The request as a planted bug sends it. */
  tampered(request: FlinkRequest): FlinkRequest {
    return this.#tamper.flink?.(request) ?? request;
  }

  /** What a planted bug takes a call for that failed. */
  mistaken(request: FlinkRequest): FlinkResponse | undefined {
    return this.alive ? this.#tamper.unanswered?.(request) : undefined;
  }

  /** A call beyond the API server: `send` runs when the request arrives. */
  async flink<T>(send: () => Promise<T>, hangsMs: number, signal: AbortSignal | undefined): Promise<T> {
    await this.#edge();
    if (this.#chance(this.rates.failBefore)) return this.#failed('connect ECONNREFUSED');
    const answer = await send();
    if (hangsMs > 0) await this.#wait(hangsMs, signal);
    await this.#edge();
    if (this.#chance(this.rates.failAfter)) return this.#failed('read ECONNRESET');
    return answer;
  }

  async #call(request: HttpRequest, server: Transport): Promise<HttpResponse> {
    await this.#edge();
    const write = request.method !== 'GET';
    if (this.#chance(this.rates.failBefore)) return this.#failed('connect ECONNREFUSED');
    if (this.#chance(this.rates.refuse)) return this.#refusal();
    const response = await this.#send(this.#tamper.kube?.(request) ?? request, server);
    await this.#edge();
    if (write && this.#chance(this.rates.failAfter)) return this.#failed('read ECONNRESET');
    if (write && this.#chance(this.rates.refuseAfter)) return this.#refusal([500, 503]);
    return request.mode === 'stream' ? { ...response, body: this.#cuttable(response.body) } : response;
  }

  /** A list that may be old is sometimes one from the server's past, as from a server that lags behind the others. */
  async #send(request: HttpRequest, server: Transport): Promise<HttpResponse> {
    const isLenient = request.method === 'GET' && /[?&]resourceVersion=0(&|$)/.test(request.path);
    if (!isLenient || !this.#chance(this.rates.staleList)) return server.request(request);
    const revision = Math.max(1, this.#revision() - Math.ceil(this.random.next() * STALE_REVISIONS));
    const exact = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
    const response = await server.request({ ...request, path: request.path.replace('resourceVersion=0', exact) });
    if (response.status >= 300) return server.request(request);
    this.#faults.stale++;
    return response;
  }

  /** Latency, and a place to die. */
  async #edge(): Promise<void> {
    await this.#wait(this.random.next() * this.rates.latencyMs, undefined);
    if (!this.#chance(this.rates.crash)) return;
    this.#faults.crashes++;
    this.kill();
    this.#onCrash();
    await never();
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        if (this.alive) reject(signal.reason);
      });
    });
  }

  #failed(message: string): Promise<never> {
    this.#faults.lost++;
    return Promise.reject(new KubeError('E_KUBE_UNREACHABLE', message));
  }

  #refusal(codes: readonly number[] = [429, 500, 503]): HttpResponse {
    this.#faults.refused++;
    const code = codes[Math.floor(this.random.next() * codes.length)] ?? 500;
    const body = JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code,
      reason: code === 429 ? 'TooManyRequests' : 'InternalError',
      message: 'injected',
    });
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(body);
    }
    return {
      status: code,
      headers: { 'content-type': 'application/json', 'retry-after': '1' },
      warnings: [],
      body: bytes(),
    };
  }

  /** A stream that a fault, or the death of the process, may end at any chunk. */
  async *#cuttable(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let cut = (): void => undefined;
    const ended = new Promise<'cut'>((resolve) => {
      cut = () => resolve('cut');
    });
    this.#watches.add(cut);
    const iterator = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await Promise.race([iterator.next(), ended]);
        if (next === 'cut') {
          if (!this.alive) await never();
          return;
        }
        if (next.done) return;
        const stalled = this.#chance(this.rates.stallWatch);
        if (stalled) this.#faults.stale++;
        await this.#wait(this.random.next() * (stalled ? STALL_MS : this.rates.latencyMs), undefined);
        if (this.#chance(this.rates.cutWatch)) {
          this.#faults.cut++;
          return;
        }
        yield next.value;
      }
    } finally {
      this.#watches.delete(cut);
      void iterator.return?.();
    }
  }

  #after(ms: number, fn: () => void): () => void {
    if (!this.alive) return () => undefined;
    const cancel = this.#world.after(ms, () => {
      this.#timers.delete(cancel);
      fn();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  #chance(probability: number): boolean {
    return probability > 0 && this.random.next() < probability;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
