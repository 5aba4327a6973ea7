import type { HttpRequest, HttpResponse, Transport } from '@drey/kube';
import type { ApiHandler, ApiResponse, User } from '../contract.ts';
import { isStream, parseTarget, statusResponse, warningHeader } from './wire.ts';

/**
 * A transport for `@drey/kube` that calls the API server in this process, without sockets, as `user`. The server's own
 * authorization and admission apply. Requests reject after `close`, and when their signal is aborted before an answer.
 */
export function inProcessTransport(handle: ApiHandler, user: User): Transport {
  const open = new Set<AbortController>();
  let closed = false;
  return {
    async request(request) {
      if (closed) throw new Error('the in-process transport is closed');
      request.signal?.throwIfAborted();
      const controller = new AbortController();
      open.add(controller);
      const forget = linkAbort(request.signal, controller);
      const done = (): void => {
        forget();
        open.delete(controller);
      };
      try {
        const response = await Promise.race([
          call(handle, user, request, controller.signal),
          aborted(controller.signal),
        ]);
        if (!isStream(response.body)) done();
        return toHttpResponse(response, controller, done);
      } catch (error) {
        done();
        throw error;
      }
    },
    async close() {
      closed = true;
      for (const controller of open) controller.abort(new Error('the in-process transport was closed'));
    },
  };
}

function linkAbort(signal: AbortSignal | undefined, controller: AbortController): () => void {
  if (signal === undefined) return () => undefined;
  const onAbort = (): void => controller.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function call(handle: ApiHandler, user: User, request: HttpRequest, signal: AbortSignal): Promise<ApiResponse> {
  const target = parseTarget(request.path);
  if (target === undefined) return Promise.resolve(statusResponse(400, 'BadRequest', 'malformed request path'));
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
  return handle({ method: request.method, ...target, headers: request.headers, body, user, signal });
}

function toHttpResponse(response: ApiResponse, controller: AbortController, done: () => void): HttpResponse {
  return {
    status: response.status,
    headers: response.headers,
    warnings: (response.warnings ?? []).map(warningHeader),
    body: readBody(response.body, controller, done),
  };
}

/** The stream ends with the signal's reason when it is aborted, as a connection that is cut does. */
async function* readBody(
  body: ApiResponse['body'],
  controller: AbortController,
  done: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    if (!isStream(body)) {
      if (body !== undefined) yield body;
      return;
    }
    const source = body[Symbol.asyncIterator]();
    for (let next = await nextOrAbort(source, controller.signal); !next.done; ) {
      yield next.value;
      next = await nextOrAbort(source, controller.signal);
    }
    controller.signal.throwIfAborted();
  } finally {
    // The reader may stop before the end: the source must hear about it.
    controller.abort(new Error('the reader stopped'));
    done();
  }
}

/** The listener goes with each step, so that a long watch leaves nothing behind at its signal. */
function nextOrAbort(source: AsyncIterator<Uint8Array>, signal: AbortSignal): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    source.next().then(resolve, reject).finally(settled);
  });
}
