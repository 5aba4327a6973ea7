export type KubeconfigErrorCode =
  | 'E_KUBECONFIG_NOT_FOUND'
  | 'E_KUBECONFIG_INVALID'
  | 'E_KUBECONFIG_CONTEXT'
  | 'E_KUBECONFIG_CREDENTIALS';

/** A kubeconfig that does not lead to a cluster; nothing was sent. Messages name files and entries, never their secrets. */
export class KubeconfigError extends Error {
  readonly code: KubeconfigErrorCode;
  /** What a person can do about it. */
  readonly nextStep: string;

  constructor(code: KubeconfigErrorCode, message: string, nextStep: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'KubeconfigError';
    this.code = code;
    this.nextStep = nextStep;
  }
}
