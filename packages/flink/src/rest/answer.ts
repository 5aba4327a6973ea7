/** Why something could not be found out. */
export type UnknownReason =
  /** Nobody answered. */
  | 'unreachable'
  | 'timeout'
  /** The caller gave up. */
  | 'aborted'
  /** Flink is starting, or no leader is elected. */
  | 'not-ready'
  /** Flink failed while it handled the request. */
  | 'server-error'
  /** The answer is not what Flink's REST API says. */
  | 'bad-answer'
  | 'too-large';

/**
 * What came of a request. Failures are values: `unknown` means that nothing can be concluded, least of all that something
 * is absent; only `not-found` says that, and only Flink itself does.
 */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** Flink knows no such job, trigger, checkpoint, jar, or route. */
  | { readonly kind: 'not-found'; readonly message: string }
  /** Flink refuses the request as it stands; repeating it will not help. */
  | { readonly kind: 'rejected'; readonly status: number; readonly message: string }
  | Unknown;

/** Nothing can be concluded. `maybeDone`: a request that changes something may have taken effect. */
export interface Unknown {
  readonly kind: 'unknown';
  readonly reason: UnknownReason;
  readonly message: string;
  readonly maybeDone: boolean;
}

/** An {@link Unknown}. */
export function unknown(reason: UnknownReason, message: string, maybeDone: boolean): Unknown {
  return { kind: 'unknown', reason, message: message.slice(0, MAX_MESSAGE), maybeDone };
}

const MAX_MESSAGE = 4_000;

/** The value, or undefined where there is none for any reason. */
export function answerValue<T>(answer: Answer<T>): T | undefined {
  return answer.kind === 'ok' ? answer.value : undefined;
}

/** The same answer with another value. */
export function mapAnswer<T, U>(answer: Answer<T>, change: (value: T) => U): Answer<U> {
  return answer.kind === 'ok' ? { kind: 'ok', value: change(answer.value) } : answer;
}

/**
 * What an answer with an error status means. Flink's errors are texts with stack traces; the first line is kept as the
 * message, together with the last cause, which usually says why.
 */
export function errorAnswer(status: number, body: string): Exclude<Answer<never>, { kind: 'ok' }> {
  const text = errorText(body);
  const message = summarise(text).slice(0, MAX_MESSAGE);
  if (status === 404 || /FlinkJobNotFoundException|Jar file \S+ does not exist/.test(text))
    return { kind: 'not-found', message };
  if (status === 503 || /leader|not (yet )?(been )?(initiali[sz]ed|started)/i.test(firstLine(text))) {
    return unknown('not-ready', message, false);
  }
  if (status >= 500 && !isRefusal(text)) return unknown('server-error', message, true);
  return { kind: 'rejected', status, message };
}

/** Failures that Flink reports as 500 although the request is at fault. */
function isRefusal(text: string): boolean {
  return /UnsupportedOperationException|ProgramInvocationException|ProgramParametrizationException/.test(text);
}

function errorText(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    const errors = (parsed as { errors?: unknown } | null)?.errors;
    if (Array.isArray(errors)) return errors.map(String).join('\n');
  } catch {
    // Not JSON: proxies and the dashboard's file server answer with plain text.
  }
  return body;
}

/** The first telling line of a stack trace, and its last cause. */
export function summarise(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const first = lines.find(
    (line) => line !== '' && line !== 'Internal server error.' && !line.startsWith('<Exception'),
  );
  const cause = lines.findLast((line) => line.startsWith('Caused by: '))?.slice('Caused by: '.length);
  if (first === undefined) return text.trim();
  return cause === undefined || first.includes(cause) ? first : `${first} (cause: ${cause})`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
