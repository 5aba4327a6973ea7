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

/** Coded errors of the packages below, by the kind of trouble they are for a script; the first match counts. */
const exits: readonly (readonly [RegExp, ExitName])[] = [
  [/^E_(KUBE|KUBECONFIG)_NOT_FOUND$|^E_FLINK_NOT_INSTALLED$/, 'notFound'],
  [/^E_KUBE_(CONFLICT|ALREADY_EXISTS)$|^E_STORE_LOCKED$|^E_APISERVER_PORT_TAKEN$/, 'conflict'],
  [/^E_KUBE_(FORBIDDEN|UNAUTHORIZED)$|^E_KUBECONFIG_CREDENTIALS$|^E_APISERVER_PORT_REFUSED$/, 'notAllowed'],
  [/^E_(VALIDATION|SPEC|FLINK_CONFIG)_|^E_KUBE_INVALID$|^E_KUBECONFIG_|^E_FLINK_(VERSION|MEMORY)$/, 'invalid'],
  [/^E_KUBE_TIMEOUT$/, 'timeout'],
  [/^E_KUBE_UNREACHABLE$/, 'unreachable'],
  [/^E_FLINK_ABORTED$/, 'interrupted'],
];

interface CodedError extends Error {
  readonly code: string;
  readonly nextStep?: string;
}

function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E_');
}

/** The lines and the exit code for any error: coded ones in two lines, faults with their stack for a report. */
export function describeError(error: unknown): { readonly text: string; readonly exitCode: number } {
  const known = error instanceof CliError ? error : (fromSystem(error) ?? error);
  if (known instanceof CliError) {
    return { text: twoLines(known.code, known.message, known.nextStep), exitCode: exitCodes[known.exit] };
  }
  if (isCoded(known)) {
    const exit = exits.find(([pattern]) => pattern.test(known.code))?.[1] ?? 'failed';
    return { text: twoLines(known.code, known.message, known.nextStep), exitCode: exitCodes[exit] };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `unexpected error: ${text}\n`, exitCode: exitCodes.failed };
}

function twoLines(code: string, message: string, nextStep: string | undefined): string {
  return `error: ${message} [${code}]\n${nextStep === undefined ? '' : `  next: ${nextStep}\n`}`;
}

const noSpace = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const noAccess = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR'];

/** Files and folders that refuse are the user's to mend, wherever they are met. */
function fromSystem(error: unknown): CliError | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined;
  const { code = '', path = 'a file', message } = error as NodeJS.ErrnoException;
  if (noSpace.includes(code)) {
    const next = 'Free some space, then repeat the command.';
    return new CliError('E_DISK_FULL', `no space is left to write ${path}`, next, 'failed', error);
  }
  if (noAccess.includes(code)) {
    const next = 'Check the path and who may use it, or name another one.';
    return new CliError('E_FILE_ACCESS', `${path} cannot be used: ${message}`, next, 'notAllowed', error);
  }
  return undefined;
}

/** What the parser of the command line says, in the form of every other error. */
export function usageText(text: string): string {
  const [first = '', hint = ''] = text.trim().split('\n');
  const meant = /^\(Did you mean (.+)\?\)$/.exec(hint)?.[1];
  const next = meant === undefined ? 'Add --help to see what can be given.' : `Did you mean "${meant}"?`;
  return twoLines('E_USAGE', first.replace(/^error: /, ''), next);
}
