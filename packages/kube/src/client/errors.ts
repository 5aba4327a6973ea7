/** A `metav1.Status` with `status: Failure`. */
export interface StatusBody {
  kind: 'Status';
  apiVersion: 'v1';
  status: string;
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
  code?: number;
}

/** What went wrong with a call to the Kubernetes API, as far as a caller decides by it. */
export type KubeErrorCode =
  | 'E_KUBE_NOT_FOUND'
  | 'E_KUBE_ALREADY_EXISTS'
  | 'E_KUBE_CONFLICT'
  | 'E_KUBE_INVALID'
  | 'E_KUBE_UNAUTHORIZED'
  | 'E_KUBE_FORBIDDEN'
  | 'E_KUBE_EXPIRED'
  | 'E_KUBE_TOO_MANY_REQUESTS'
  | 'E_KUBE_TIMEOUT'
  | 'E_KUBE_UNREACHABLE'
  | 'E_KUBE_SERVER'
  | 'E_KUBE_BAD_ANSWER'
  | 'E_KUBE_REJECTED';

/**
 * A failed call to the Kubernetes API.
 * `maybeCommitted` is true when a write may have happened although no answer came (time-out, reset): the caller must read
 * before it repeats anything that is not idempotent.
 */
export class KubeError extends Error {
  readonly code: KubeErrorCode;
  /** HTTP status, 0 when no answer came. */
  readonly status: number;
  readonly body: StatusBody | undefined;
  readonly retryAfterMs: number | undefined;
  readonly maybeCommitted: boolean;

  constructor(
    code: KubeErrorCode,
    message: string,
    more: { status?: number; body?: StatusBody; retryAfterMs?: number; maybeCommitted?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'KubeError';
    this.code = code;
    this.status = more.status ?? 0;
    this.body = more.body;
    this.retryAfterMs = more.retryAfterMs;
    this.maybeCommitted = more.maybeCommitted ?? false;
  }
}

/** True when `error` is a {@link KubeError} with one of `codes`. */
export function isKubeError(error: unknown, ...codes: KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}
