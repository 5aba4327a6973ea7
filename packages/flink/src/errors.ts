/** Codes of the errors this package hands to users. Each is stable and listed in the documentation. */
export type FlinkErrorCode =
  | 'E_FLINK_VERSION'
  | 'E_FLINK_CONFIG_VALUE'
  | 'E_FLINK_CONFIG_FILE'
  | 'E_FLINK_CONFIG_SYNTAX'
  | 'E_FLINK_MEMORY'
  | 'E_FLINK_INSTALL'
  | 'E_FLINK_CHECKSUM'
  | 'E_FLINK_ABORTED'
  | 'E_FLINK_JAVA'
  | 'E_FLINK_TLS';

/**
 * An error a user can meet: what happened (`message`), and what to do about it (`nextStep`).
 * Neither text ever holds a configuration value whose key Flink itself would mask.
 */
export class FlinkError extends Error {
  readonly code: FlinkErrorCode;
  readonly nextStep: string;

  constructor(code: FlinkErrorCode, message: string, nextStep: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'FlinkError';
    this.code = code;
    this.nextStep = nextStep;
  }
}

/** Either a value or the reason why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: FlinkError };

/** Runs `compute` and turns a {@link FlinkError} it throws into a value; anything else is a fault and passes through. */
export function attempt<T>(compute: () => T): Result<T> {
  try {
    return { ok: true, value: compute() };
  } catch (error) {
    if (error instanceof FlinkError) return { ok: false, error };
    throw error;
  }
}

/** The messages of an error and of its causes, outermost first. */
export function errorChain(error: unknown): string[] {
  const out: string[] = [];
  for (let at: unknown = error; at instanceof Error && out.length < 8; at = at.cause) out.push(at.message);
  return out;
}
