import type { HttpRequest, HttpResponse, Transport } from '../client/transport.ts';

/** What a scripted request is answered with. */
export interface Answer {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
  /** A string or bytes are sent as they are, any other value as JSON, a stream chunk by chunk. */
  readonly body?: unknown;
}

/** Answers a request; throwing stands for a connection that failed. */
export type Script = (request: HttpRequest, index: number) => Answer | Promise<Answer>;

/**
 * A {@link Transport} that answers from a script and remembers what was asked.
 *
 * Guarantees: requests are recorded in order before the script runs; an aborted signal rejects the request, ends the body,
 * and a closed transport rejects, as the real one does.
 */
export class FakeTransport implements Transport {
  readonly requests: HttpRequest[] = [];
  readonly #script: Script;
  #closed = false;

  constructor(script: Script) {
    this.#script = script;
  }

  /** Answers given one after the other; more requests than answers fail the connection. */
  static sequence(...answers: (Answer | Error)[]): FakeTransport {
    return new FakeTransport((request, index) => {
      const answer = answers[index];
      if (answer === undefined) throw new Error(`no answer left for ${request.method} ${request.path}`);
      if (answer instanceof Error) throw answer;
      return answer;
    });
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#closed) throw new Error('transport is closed');
    request.signal?.throwIfAborted();
    const index = this.requests.length;
    this.requests.push(request);
    const answer = await orAborted(
      Promise.resolve().then(() => this.#script(request, index)),
      request.signal,
    );
    const json = !(typeof answer.body === 'string' || answer.body instanceof Uint8Array || isStream(answer.body));
    return {
      status: answer.status ?? 200,
      headers: json ? { 'content-type': 'application/json', ...answer.headers } : (answer.headers ?? {}),
      warnings: answer.warnings ?? [],
      body: bytesOf(answer.body, request.signal),
    };
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

/**
 * The body of a watch under a test's control: push lines, cut the connection, or end it.
 */
export class ScriptedStream implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #state: 'open' | 'ended' | Error = 'open';
  #wake: (() => void) | undefined;

  /** Sends one JSON value as a line. */
  event(value: unknown): void {
    this.text(`${JSON.stringify(value)}\n`);
  }

  text(text: string): void {
    this.bytes(new TextEncoder().encode(text));
  }

  bytes(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  end(): void {
    this.#state = 'ended';
    this.#wake?.();
  }

  cut(error: Error = new Error('connection reset')): void {
    this.#state = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        continue;
      }
      if (this.#state === 'ended') return;
      if (this.#state !== 'open') throw this.#state;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

async function* bytesOf(body: unknown, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) {
    yield body;
    return;
  }
  if (!isStream(body)) {
    yield new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
    return;
  }
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await orAborted(chunks.next(), signal);
    if (next.done) return;
    yield next.value;
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
