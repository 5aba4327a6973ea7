/** What is put into `status.error`: the exception types are those of the Apache operator, whose users match on them. */
export interface ResourceError {
  readonly type: ErrorType;
  /** Absent for exceptions that have none. */
  readonly message?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly causes?: readonly { readonly type: string; readonly message?: string | undefined }[];
}

const PACKAGE = 'org.apache.flink.kubernetes.operator.exception';

/** Kinds of error, as the Apache operator names them. */
export const ERROR_TYPES = {
  validation: `${PACKAGE}.ValidationException`,
  deployment: `${PACKAGE}.DeploymentFailedException`,
  upgrade: `${PACKAGE}.UpgradeFailureException`,
  reconciliation: `${PACKAGE}.ReconciliationException`,
  serialized: 'org.apache.flink.util.SerializedThrowable',
} as const;

/** One of {@link ERROR_TYPES}, or the class that Flink named. */
export type ErrorType = (typeof ERROR_TYPES)[keyof typeof ERROR_TYPES] | (string & {});

/** Limits of an error in a status. */
export interface ErrorLimits {
  /** Longest text of one member, in UTF-16 code units. */
  readonly fieldLength: number;
  readonly causes: number;
  /** Regular expression → label, put on errors whose message matches. */
  readonly labels: ReadonlyMap<string, string>;
}

/** The JSON text of an error (reference: apache-operator.md 2.7). */
export function errorText(error: ResourceError, limits: ErrorLimits): string {
  const cut = (text: string | undefined): string | undefined => text?.slice(0, limits.fieldLength);
  const all = error.causes ?? [];
  const withLabels = (messages: readonly (string | undefined)[]): { labels?: string[] } => {
    const labels = labelsOf(messages, limits.labels);
    return labels.length > 0 ? { labels } : {};
  };
  return JSON.stringify({
    type: cut(error.type),
    message: cut(error.message),
    additionalMetadata: { ...error.metadata, ...withLabels([error.message, ...all.map((cause) => cause.message)]) },
    throwableList: all.slice(0, limits.causes).map((cause, index) => ({
      type: cut(cause.type),
      message: cut(cause.message),
      // A cause carries the labels of itself and of what caused it.
      additionalMetadata: withLabels(all.slice(index).map((one) => one.message)),
    })),
  });
}

function labelsOf(messages: readonly (string | undefined)[], labels: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  for (const [pattern, label] of labels) {
    const expression = compiled(pattern);
    if (expression !== undefined && messages.some((message) => expression.test(message ?? ''))) found.add(label);
  }
  return [...found];
}

/** A pattern from the operator's configuration; one that does not compile labels nothing. */
function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}

/** The message inside an error text, for conditions and messages. */
export function messageOf(error: string | null | undefined): string | undefined {
  if (error === null || error === undefined || error === '') return undefined;
  try {
    const parsed: unknown = JSON.parse(error);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string') {
      return parsed.message;
    }
  } catch {
    return error;
  }
  return error;
}

/** The type inside an error text. */
export function typeOf(error: string | null | undefined): string | undefined {
  if (error === null || error === undefined || !error.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(error);
    if (typeof parsed === 'object' && parsed !== null && 'type' in parsed && typeof parsed.type === 'string') {
      return parsed.type;
    }
  } catch {
    return undefined;
  }
  return undefined;
}
