/**
 * What a command ends with. Codes are those of `docs/errors.md`; the exit code tells scripts what kind of trouble it was.
 */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  notAllowed: 5,
  invalid: 6,
  notReached: 7,
  timeout: 8,
  unreachable: 9,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof exitCodes;

/** A failure the user can do something about: a stable code, what happened, and the next step. */
export class CliError extends Error {
  readonly code: string;
  readonly nextStep: string;
  readonly exit: ExitName;
  constructor(code: string, message: string, nextStep: string, exit: ExitName = 'failed', cause?: unknown) {
    super(message, { cause });
    this.name = 'CliError';
    this.code = code;
    this.nextStep = nextStep;
    this.exit = exit;
  }
}

interface CodedError {
  readonly code: string;
  readonly message: string;
  readonly nextStep?: string;
  /** The name that errors of the packages below use. */
  readonly next?: string;
}

function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E_');
}

/** The lines and the exit code for any error: coded ones in two lines, faults with their stack for a report. */
export function describeError(error: unknown): { readonly text: string; readonly exitCode: number } {
  if (error instanceof CliError) {
    return {
      text: `error: ${error.message} [${error.code}]\n  next: ${error.nextStep}\n`,
      exitCode: exitCodes[error.exit],
    };
  }
  if (isCoded(error)) {
    const step = error.nextStep ?? error.next;
    const next = step === undefined ? '' : `  next: ${step}\n`;
    const exit: ExitName = error.code === 'E_KUBE_UNREACHABLE' ? 'unreachable' : 'failed';
    return { text: `error: ${error.message} [${error.code}]\n${next}`, exitCode: exitCodes[exit] };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `unexpected error: ${text}\n`, exitCode: exitCodes.failed };
}
