import { type Answer, errorAnswer, unknown } from './answer.ts';
import { BadAnswer } from './reader.ts';
import { type FlinkRequest, type FlinkTransport, TransportFailure } from './transport.ts';

/** Where Flink is, and how patiently it is asked. */
export interface FlinkEndpoint {
  /** For example `http://my-job-rest.default:8081`. */
  readonly baseUrl: string;
  readonly transport: FlinkTransport;
  /** For reads and triggers; absent: 10 s. */
  readonly timeoutMs?: number;
  /** For jar uploads and runs, whose `main()` Flink executes before it answers; absent: 10 min. */
  readonly submitTimeoutMs?: number;
  /** Answers longer than this are failures; absent: 16 MiB. */
  readonly maxBytes?: number;
}

/** One request as the client's methods describe it. */
export interface Call<T> {
  readonly method: FlinkRequest['method'];
  /** Path and query, without the base. */
  readonly path: string;
  readonly parse: (json: unknown) => T;
  readonly body?: unknown;
  /** A body that is no JSON. */
  readonly raw?: { readonly contentType: string; readonly content: AsyncIterable<Uint8Array> };
  readonly slow?: boolean;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_SUBMIT_TIMEOUT_MS = 600_000;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;

/** Makes one call; every outcome that can be expected is a value. */
export async function exchange<T>(endpoint: FlinkEndpoint, call: Call<T>): Promise<Answer<T>> {
  const response = await send(endpoint, call);
  if ('kind' in response) return response;
  if (response.status >= 300) return errorAnswer(response.status, response.body);
  try {
    const json: unknown = response.body.trim() === '' ? {} : JSON.parse(response.body);
    return { kind: 'ok', value: call.parse(json) };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof BadAnswer)) throw error;
    return unknown('bad-answer', `${call.method} ${call.path}: ${error.message}`, call.method !== 'GET');
  }
}

async function send(endpoint: FlinkEndpoint, call: Call<unknown>) {
  const timeoutMs = call.slow
    ? (endpoint.submitTimeoutMs ?? DEFAULT_SUBMIT_TIMEOUT_MS)
    : (endpoint.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  try {
    return await endpoint.transport({
      method: call.method,
      url: `${endpoint.baseUrl.replace(/\/+$/, '')}${call.path}`,
      timeoutMs,
      maxBytes: endpoint.maxBytes ?? DEFAULT_MAX_BYTES,
      ...content(call),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
  } catch (error) {
    if (!(error instanceof TransportFailure)) throw error;
    const maybeDone = error.maybeDone && call.method !== 'GET';
    return unknown(error.reason, `${call.method} ${call.path}: ${error.message}`, maybeDone);
  }
}

function content(call: Call<unknown>): Pick<FlinkRequest, 'headers' | 'body'> {
  const accept = { accept: 'application/json' };
  if (call.raw !== undefined) {
    return { headers: { ...accept, 'content-type': call.raw.contentType }, body: call.raw.content };
  }
  if (call.body === undefined) return { headers: accept };
  const body = typeof call.body === 'string' ? call.body : JSON.stringify(call.body);
  return { headers: { ...accept, 'content-type': 'application/json; charset=UTF-8' }, body };
}

/** A multipart body with the one file that Flink's jar upload expects; the file is passed on as it comes. */
export function jarForm(
  name: string,
  jar: Uint8Array | AsyncIterable<Uint8Array>,
): { contentType: string; content: AsyncIterable<Uint8Array> } {
  const boundary = 'drey-jar-9d1f3b7c5a';
  const safeName = name.replace(/["\r\n]/g, '_');
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="jarfile"; filename="${safeName}"\r\n` +
    'Content-Type: application/x-java-archive\r\n\r\n';
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(head);
    if (jar instanceof Uint8Array) yield jar;
    else yield* jar;
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return { contentType: `multipart/form-data; boundary=${boundary}`, content: content() };
}
