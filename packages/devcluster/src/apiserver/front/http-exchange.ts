import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ApiResponse } from '../contract.ts';
import { type FrontLimits, isStream, warningHeader } from './wire.ts';

const gzipAsync = promisify(gzip);

/** The whole body, undefined when there is none. */
export async function readBody(
  incoming: IncomingMessage,
  limit: number,
): Promise<Uint8Array | undefined | 'too large'> {
  const announced = Number(incoming.headers['content-length'] ?? 0);
  if (announced > limit) return 'too large';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) return 'too large';
    chunks.push(chunk);
  }
  return size === 0 ? undefined : Buffer.concat(chunks);
}

/** Writes an answer; a stream is written as it comes, at the speed of the client. */
export async function sendResponse(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: ApiResponse,
  limits: FrontLimits,
): Promise<void> {
  if (response.destroyed) return;
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  if (!response.hasHeader('cache-control')) response.setHeader('cache-control', 'no-cache, private');
  const warnings = answer.warnings ?? [];
  if (warnings.length > 0) response.setHeader('warning', warnings.map(warningHeader));
  // The rest of an over-long body is not read, so the connection cannot be used again.
  if (answer.status === 413) response.setHeader('connection', 'close');
  if (isStream(answer.body)) {
    response.flushHeaders();
    await pump(answer.body, response);
    return;
  }
  const body = await encode(incoming, response, answer.body, limits);
  response.setHeader('content-length', body?.length ?? 0);
  response.end(incoming.method === 'HEAD' ? undefined : body);
}

async function encode(
  incoming: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array | undefined,
  limits: FrontLimits,
): Promise<Uint8Array | undefined> {
  if (body === undefined || body.length < limits.gzipFromBytes) return body;
  if (response.hasHeader('content-encoding') || !acceptsGzip(incoming.headers['accept-encoding'])) return body;
  response.setHeader('content-encoding', 'gzip');
  response.appendHeader('vary', 'Accept-Encoding');
  return gzipAsync(body, { level: 1 });
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((part) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(part));
}

async function pump(body: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<void> {
  try {
    for await (const chunk of body) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  } catch {
    // The answer has begun, so the only way to report the failure is to cut the connection.
    response.destroy();
  }
}

/** Resolves when the client has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
