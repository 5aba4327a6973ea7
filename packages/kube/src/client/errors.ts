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

const NEXT_STEPS: Readonly<Record<KubeErrorCode, string>> = {
  E_KUBE_NOT_FOUND: 'Check the name and the namespace, and that the kind is installed (kubectl api-resources).',
  E_KUBE_ALREADY_EXISTS: 'Use another name, or change the object that is there.',
  E_KUBE_CONFLICT: 'Read the object again and repeat the change; for an apply, see which manager owns the field.',
  E_KUBE_INVALID: 'Correct the fields that the message names.',
  E_KUBE_UNAUTHORIZED: 'Log in again, or check the user entry of the kubeconfig.',
  E_KUBE_FORBIDDEN: 'Ask for the right, or check with: kubectl auth can-i VERB RESOURCE -n NAMESPACE.',
  E_KUBE_EXPIRED: 'List again from the start; the version that was asked for is no longer kept.',
  E_KUBE_TOO_MANY_REQUESTS: 'Wait for the time the server asks for; lower the request rate if this stays.',
  E_KUBE_TIMEOUT: 'Check the load and the health of the API server (kubectl get --raw /readyz?verbose), then repeat.',
  E_KUBE_UNREACHABLE: 'Check that the cluster runs and that the server address of the kubeconfig is right.',
  E_KUBE_SERVER: 'Look at the log of the API server, and of the webhooks that it calls.',
  E_KUBE_BAD_ANSWER: 'Check what stands between this process and the API server: a proxy may answer in its place.',
  E_KUBE_REJECTED: 'Check the request against the version of the API server.',
};

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
  /** What a person can do about it. */
  readonly nextStep: string;

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
    this.nextStep = NEXT_STEPS[code];
  }
}

/** True when `error` is a {@link KubeError} with one of `codes`. */
export function isKubeError(error: unknown, ...codes: KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}
