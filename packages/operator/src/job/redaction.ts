import type { Condition } from '@drey/api';
import { secretsIn, withoutSecrets } from '@drey/flink';

export { withoutSecrets };

/** An object whose spec and recorded specs may hold secrets. */
export interface SecretHolder {
  readonly spec?: unknown;
  readonly status?: unknown;
}

const known = new WeakMap<object, readonly string[]>();

/** The secrets in an object's spec, and in the specs that its status records: an old password is still one. */
export function secretsOf(object: object): readonly string[] {
  const { spec, status } = object as SecretHolder;
  const record = (status as { reconciliationStatus?: Recorded } | undefined)?.reconciliationStatus;
  const texts = [record?.lastReconciledSpec, record?.lastStableSpec];
  const before = texts.filter((text, index) => typeof text === 'string' && texts.indexOf(text) === index);
  return [...new Set([...secretsOfSpec(spec), ...before.flatMap((text) => secretsIn(parsed(text ?? '')))])];
}

interface Recorded {
  readonly lastReconciledSpec?: string | null;
  readonly lastStableSpec?: string | null;
}

function secretsOfSpec(spec: unknown): readonly string[] {
  if (typeof spec !== 'object' || spec === null) return [];
  const found = known.get(spec) ?? secretsIn(spec);
  known.set(spec, found);
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a record that is not JSON is not taken apart; it is not shown to anybody either
  }
}

/** What of a status people read; the recorded specs are the user's own data and stay as they are. */
export interface ReadableStatus {
  readonly error?: string | null;
  readonly summary?: string | null;
  readonly conditions?: readonly Condition[] | null;
}

/**
 * A status whose texts for people hold none of the object's secrets. Texts that the object already has are clean, and are
 * not looked at again.
 */
export function redactedStatus<S extends ReadableStatus>(object: object, status: S): S {
  const before = ((object as SecretHolder).status ?? {}) as ReadableStatus;
  const isOld = (text: string): boolean =>
    text === before.error ||
    text === before.summary ||
    (before.conditions ?? []).some((condition) => condition.message === text);
  let secrets: readonly string[] | undefined;
  const clean = (text: string): string => {
    if (text === '' || isOld(text)) return text;
    secrets ??= secretsOf(object);
    return withoutSecrets(text, secrets);
  };
  const { error, summary, conditions } = status;
  return {
    ...status,
    ...(typeof error === 'string' && { error: isOld(error) ? error : cleanJson(error, clean) }),
    ...(typeof summary === 'string' && { summary: clean(summary) }),
    ...(conditions && {
      conditions: conditions.map((one) =>
        typeof one.message === 'string' ? { ...one, message: clean(one.message) } : one,
      ),
    }),
  };
}

/** Every text inside a JSON text cleaned, its form kept; a text that is no JSON is cleaned as it stands. */
export function cleanJson(text: string, clean: (text: string) => string): string {
  const document = parsed(text);
  if (typeof document !== 'object' || document === null) return clean(text);
  const shown = JSON.stringify(document, (_, value: unknown) => (typeof value === 'string' ? clean(value) : value));
  return shown === JSON.stringify(document) ? text : shown;
}

/** An error for a log line, without the secrets of the object it came from. */
export function redactedError(error: unknown, object: object): unknown {
  if (!(error instanceof Error)) return error;
  const message = withoutSecrets(error.message, secretsOf(object));
  if (message === error.message) return error;
  const shown = new Error(message);
  shown.name = error.name;
  delete shown.stack;
  return 'code' in error ? Object.assign(shown, { code: error.code }) : shown;
}
