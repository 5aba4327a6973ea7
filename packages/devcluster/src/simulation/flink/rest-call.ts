import type { SimulatedJobManager } from './jobmanager.ts';

export type Body = Readonly<Record<string, unknown>>;

/** One request as the router sees it. */
export interface Call {
  readonly jm: SimulatedJobManager;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Body;
}

/** Ids of jobs and triggers. */
export const hexId = /^[0-9a-fA-F]{32}$/;

/** A text that is there; Flink takes an empty one for none. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A throwable in an answer. */
export function failure(error: string): object {
  return { class: error.split(':')[0], 'stack-trace': error, 'serialized-throwable': 'rO0ABQ==' };
}

/** Metrics by name, or their names where none is asked for. */
export function metrics(call: Call, known: Readonly<Record<string, number>>): object {
  const wanted = call.query.get('get');
  if (wanted === null) return Object.keys(known).map((id) => ({ id }));
  return wanted
    .split(',')
    .filter((id) => id in known)
    .map((id) => ({ id, value: String(known[id]) }));
}
