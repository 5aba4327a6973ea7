import { KubeError, type KubeErrorCode, type StatusBody } from './errors.ts';
import type { HttpResponse } from './transport.ts';

const MAX_MESSAGE = 1024;

/** Codes of connection failures before which nothing can have been sent. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** True when `value` looks like a `metav1.Status`. */
export function isStatus(value: unknown): value is StatusBody {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Status';
}

/**
 * The error for an answer that is not a success, told apart the way callers decide: by reason first, then by HTTP status.
 * Facts: reasons of `metav1.StatusReason`; a create of an existing name and an update of an old version are both 409.
 */
export function failureOf(
  status: number,
  body: StatusBody | undefined,
  what: string,
  more: { text?: string; retryAfter?: string; write?: boolean } = {},
): KubeError {
  const code = codeOf(status, body?.reason);
  const message = (body?.message ?? more.text ?? '').trim().slice(0, MAX_MESSAGE) || `HTTP ${status}`;
  const retryAfterMs = retryAfter(body, more.retryAfter);
  return new KubeError(code, `${what}: ${message}`, {
    status,
    ...(body !== undefined && { body }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    maybeCommitted: more.write === true && status >= 500,
  });
}

/** The error for a transport that gave no answer, or not all of it. */
export function connectionFailure(error: unknown, what: string, write: boolean, answered: boolean): KubeError {
  if (error instanceof KubeError) return error;
  const reason = networkCode(error);
  const detail = reason ?? (error instanceof Error ? error.message : String(error));
  const message = answered ? `the answer broke off (${detail})` : `no answer (${detail})`;
  return new KubeError('E_KUBE_UNREACHABLE', `${what}: ${message}`, {
    maybeCommitted: write && (answered || reason === undefined || !NOT_SENT.has(reason)),
    cause: error,
  });
}

/** The system's or undici's code for a failed connection, looked for along the causes. */
export function networkCode(error: unknown): string | undefined {
  for (let e = error, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth++) {
    const code = (e as { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return undefined;
}

/** Whether a read that failed this way is worth repeating within the same call. */
export function isPassing(error: KubeError): boolean {
  if (error.code === 'E_KUBE_TOO_MANY_REQUESTS') return true;
  if (error.code === 'E_KUBE_SERVER') return error.status !== 501;
  // A 504 of the API server itself says that waiting has not helped; one of a gateway says nothing about it.
  if (error.code === 'E_KUBE_TIMEOUT') return error.status === 504 && error.body === undefined;
  if (error.code !== 'E_KUBE_UNREACHABLE') return false;
  const code = networkCode(error.cause);
  return code === undefined || !NOT_SENT.has(code);
}

/** The `Status` in a failed answer's text, when there is one. */
export function parseStatus(text: string): StatusBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isStatus(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `retry-after` of a response as the server sent it. */
export function retryAfterHeader(response: HttpResponse): { retryAfter?: string } {
  const value = response.headers['retry-after'];
  return value === undefined ? {} : { retryAfter: value };
}

function codeOf(status: number, reason: string | undefined): KubeErrorCode {
  if (reason === 'Expired' || reason === 'Gone') return 'E_KUBE_EXPIRED';
  if (reason === 'Timeout' || reason === 'ServerTimeout') return 'E_KUBE_TIMEOUT';
  switch (status) {
    case 401:
      return 'E_KUBE_UNAUTHORIZED';
    case 403:
      return 'E_KUBE_FORBIDDEN';
    case 404:
      return 'E_KUBE_NOT_FOUND';
    case 409:
      return reason === 'AlreadyExists' ? 'E_KUBE_ALREADY_EXISTS' : 'E_KUBE_CONFLICT';
    case 410:
      return 'E_KUBE_EXPIRED';
    case 422:
      return 'E_KUBE_INVALID';
    case 429:
      return 'E_KUBE_TOO_MANY_REQUESTS';
    case 408:
    case 504:
      return 'E_KUBE_TIMEOUT';
    default:
      return status >= 500 ? 'E_KUBE_SERVER' : 'E_KUBE_REJECTED';
  }
}

function retryAfter(body: StatusBody | undefined, header: string | undefined): number | undefined {
  const seconds = header !== undefined && /^\d{1,6}$/.test(header.trim()) ? Number(header) : undefined;
  const asked = seconds ?? body?.details?.retryAfterSeconds;
  return asked === undefined || asked <= 0 ? undefined : asked * 1000;
}
