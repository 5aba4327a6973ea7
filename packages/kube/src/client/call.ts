import type { Clock, Random } from '../runtime/clock.ts';
import { sleep } from '../runtime/clock.ts';
import { KubeError } from './errors.ts';
import { connectionFailure, failureOf, isPassing, parseStatus, retryAfterHeader } from './failure.ts';
import { type ExactInteger, parseJson } from './json.ts';
import type { HttpRequest, HttpResponse, Transport } from './transport.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
const READ_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** A page of 500 large objects is tens of megabytes; beyond this an answer is a mistake. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_FAILURE_BYTES = 256 * 1024;

export interface CallDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Headers of every request, for example `user-agent`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly onWarning: ((warning: string, path: string) => void) | undefined;
  readonly exactInteger: ExactInteger | undefined;
}

export interface Call {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * One call that answers JSON.
 *
 * Guarantees: ends within `timeoutMs` by the injected clock, repetitions included; only GET is repeated, at most three
 * times, after the time the server asks for or a jittered pause that doubles from 0.2 s.
 * Failure: a {@link KubeError}; `maybeCommitted` for a write whose outcome is not known. The caller's abort rejects with
 * the signal's reason.
 */
export async function callJson(deps: CallDeps, call: Call): Promise<unknown> {
  const deadline = new Deadline(deps.clock, call);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(deps, call, deadline);
      } catch (error) {
        if (!(error instanceof KubeError) || call.method !== 'GET' || attempt >= READ_ATTEMPTS || !isPassing(error)) {
          throw error;
        }
        await pause(deps, deadline, error, attempt);
      }
    }
  } finally {
    deadline.clear();
  }
}

/**
 * One call that answers with a stream of bytes. The deadline covers the time up to the headers only; the body goes on until
 * the server ends it or `call.signal` aborts.
 */
export async function callStream(deps: CallDeps, call: Call): Promise<HttpResponse> {
  const deadline = new Deadline(deps.clock, call);
  try {
    const response = await send(deps, call, deadline, 'stream');
    if (response.status >= 300) await fail(call, response, deadline);
    return response;
  } finally {
    deadline.clear();
  }
}

/** `GET /api/v1/pods` without the query, which may be long and may carry selectors. */
export function nameOf(call: Pick<Call, 'method' | 'path'>): string {
  return `${call.method} ${call.path.split('?', 1)[0]}`;
}

/** Aborts after the call's time, or when the caller does; knows which of the two it was. */
class Deadline {
  readonly signal: AbortSignal;
  expired = false;
  readonly #caller: AbortSignal | undefined;
  readonly #endsAt: number;
  readonly #clock: Clock;
  readonly #cancel: () => void;

  constructor(clock: Clock, call: Call) {
    const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    call.signal?.throwIfAborted();
    const own = new AbortController();
    const error = new KubeError('E_KUBE_TIMEOUT', `${nameOf(call)}: no answer within ${timeoutMs} ms`, {
      maybeCommitted: call.method !== 'GET',
    });
    this.#clock = clock;
    this.#endsAt = clock.monotonic() + timeoutMs;
    this.#cancel = clock.after(timeoutMs, () => {
      this.expired = true;
      own.abort(error);
    });
    this.#caller = call.signal;
    this.signal = call.signal === undefined ? own.signal : AbortSignal.any([own.signal, call.signal]);
  }

  /** Replaces whatever an aborted operation threw by the reason of the abort. */
  explain(error: unknown): unknown {
    if (this.#caller?.aborted) return this.#caller.reason;
    return this.expired ? this.signal.reason : error;
  }

  get remainingMs(): number {
    return this.#endsAt - this.#clock.monotonic();
  }

  get aborted(): boolean {
    return this.signal.aborted;
  }

  clear(): void {
    this.#cancel();
  }
}

async function once(deps: CallDeps, call: Call, deadline: Deadline): Promise<unknown> {
  const response = await send(deps, call, deadline, 'call');
  if (response.status >= 300) return fail(call, response, deadline);
  const text = await readText(call, response, deadline, MAX_ANSWER_BYTES);
  if (text === '') return undefined;
  try {
    return parseJson(text, deps.exactInteger);
  } catch (cause) {
    throw new KubeError('E_KUBE_BAD_ANSWER', `${nameOf(call)}: the answer is not JSON`, {
      status: response.status,
      maybeCommitted: call.method !== 'GET',
      cause,
    });
  }
}

async function send(deps: CallDeps, call: Call, deadline: Deadline, mode: HttpRequest['mode']): Promise<HttpResponse> {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body);
  try {
    const response = await deps.transport.request({
      method: call.method,
      path: call.path,
      headers: {
        ...deps.headers,
        ...(mode === 'call' && { accept: 'application/json' }),
        ...(body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
      },
      ...(body !== undefined && { body }),
      // A stream keeps this signal after its deadline is cleared: from then on it carries the caller's abort only.
      signal: deadline.signal,
      mode,
    });
    for (const warning of response.warnings) deps.onWarning?.(warning, call.path);
    return response;
  } catch (error) {
    if (deadline.aborted) throw deadline.explain(error);
    throw connectionFailure(error, nameOf(call), call.method !== 'GET', false);
  }
}

async function readText(call: Call, response: HttpResponse, deadline: Deadline, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        throw new KubeError('E_KUBE_BAD_ANSWER', `${nameOf(call)}: the answer is larger than ${maxBytes} bytes`, {
          status: response.status,
          maybeCommitted: call.method !== 'GET',
        });
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (deadline.aborted) throw deadline.explain(error);
    throw connectionFailure(error, nameOf(call), call.method !== 'GET', true);
  }
  const [only] = chunks;
  if (only === undefined || chunks.length > 1) return Buffer.concat(chunks, bytes).toString('utf8');
  return Buffer.from(only.buffer, only.byteOffset, only.byteLength).toString('utf8');
}

async function fail(call: Call, response: HttpResponse, deadline: Deadline): Promise<never> {
  const text = await readText(call, response, deadline, MAX_FAILURE_BYTES);
  throw failureOf(response.status, parseStatus(text), nameOf(call), {
    text,
    ...retryAfterHeader(response),
    write: call.method !== 'GET',
  });
}

async function pause(deps: CallDeps, deadline: Deadline, error: KubeError, attempt: number): Promise<void> {
  const base = FIRST_PAUSE_MS * 2 ** (attempt - 1);
  const ms = Math.min(LONGEST_PAUSE_MS, (error.retryAfterMs ?? base) + base * deps.random.next());
  if (ms >= deadline.remainingMs) throw error;
  try {
    await sleep(deps.clock, ms, deadline.signal);
  } catch (reason) {
    throw deadline.explain(reason);
  }
}
