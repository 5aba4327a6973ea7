import type { ApiRequest, ApiResponse } from '../contract.ts';

/** What the front allows a client to do to it. */
export interface FrontLimits {
  /** Bytes of a request body; the real server has the same limit. */
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** Watches, followed logs and sessions at the same time. */
  readonly streams: number;
  readonly connections: number;
  /** Answers from this size on are compressed for clients that accept gzip. */
  readonly gzipFromBytes: number;
  /** Longest message of a client on a WebSocket. */
  readonly messageBytes: number;
  /** How long a client may take to send a request. */
  readonly requestTimeoutMs: number;
}

export const defaultFrontLimits: FrontLimits = {
  bodyBytes: 3 * 1024 * 1024,
  headerBytes: 128 * 1024,
  streams: 4000,
  connections: 8000,
  gzipFromBytes: 128 * 1024,
  messageBytes: 4 * 1024 * 1024,
  requestTimeoutMs: 120_000,
};

/** Path and query of a request target, or undefined when the target is malformed. */
export function parseTarget(target: string): Pick<ApiRequest, 'path' | 'query'> | undefined {
  const at = target.indexOf('?');
  const raw = at < 0 ? target : target.slice(0, at);
  if (!raw.startsWith('/')) return undefined;
  try {
    return { path: decodeURIComponent(raw), query: new URLSearchParams(at < 0 ? '' : target.slice(at + 1)) };
  } catch {
    return undefined;
  }
}

/** A `Warning` header value; quotes and backslashes are escaped, line breaks become spaces. */
export function warningHeader(text: string): string {
  const quoted = text.replace(/[\r\n]+/g, ' ').replace(/["\\]/g, (char) => `\\${char}`);
  return `299 - "${quoted}"`;
}

/** A failure as a `metav1.Status` answer. */
export function statusResponse(code: number, reason: string | undefined, message: string): ApiResponse {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    code,
  };
  return jsonResponse(code, status);
}

export function jsonResponse(status: number, body: unknown): ApiResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(`${JSON.stringify(body)}\n`) };
}

export function textResponse(status: number, text: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: Buffer.from(text),
  };
}

/** True for an answer whose body is sent while it is made. */
export function isStream(body: ApiResponse['body']): body is AsyncIterable<Uint8Array> {
  return body !== undefined && !(body instanceof Uint8Array);
}
