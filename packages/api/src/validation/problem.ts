/** Codes of what validation refuses, by the part of the resource. */
export type ValidationCode =
  | 'E_VALIDATION_NAME'
  | 'E_VALIDATION_VERSION'
  | 'E_VALIDATION_CONFIG'
  | 'E_VALIDATION_INGRESS'
  | 'E_VALIDATION_LOGGING'
  | 'E_VALIDATION_JOB'
  | 'E_VALIDATION_JOB_MANAGER'
  | 'E_VALIDATION_TASK_MANAGER'
  | 'E_VALIDATION_SPEC_CHANGE'
  | 'E_VALIDATION_SERVICE_ACCOUNT'
  | 'E_VALIDATION_AUTOSCALER'
  | 'E_VALIDATION_SESSION'
  | 'E_VALIDATION_JAR_URI'
  | 'E_VALIDATION_SNAPSHOT'
  | 'E_VALIDATION_FORMAT'
  | 'E_RECORDED_SPEC';

/** Why a resource is refused. */
export interface ValidationProblem {
  readonly code: ValidationCode;
  /** What is wrong, in the words of the Apache operator where it makes the same check: scripts and people know them. */
  readonly message: string;
  /** What to do about it. */
  readonly nextStep: string;
  /** The member it is about, as `spec.job.parallelism`. */
  readonly path: string;
}

/** A check: the problem it finds, or undefined. */
export type Check = () => ValidationProblem | undefined;

/** Makes a problem about the member at `path`. */
export function problem(code: ValidationCode, path: string, message: string, nextStep: string): ValidationProblem {
  return { code, message, nextStep, path };
}

/** The first problem of some checks, made in their order. */
export function firstProblem(...checks: readonly Check[]): ValidationProblem | undefined {
  for (const check of checks) {
    const found = check();
    if (found !== undefined) return found;
  }
  return undefined;
}
