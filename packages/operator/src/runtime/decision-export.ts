import { type ConfigEntries, MASKED_VALUE, secretsIn } from '@drey/flink';
import type { Decision } from './decision-ring.ts';

/** Decisions about one object in the form in which they leave the operator. */
export interface DecisionFile {
  readonly format: typeof FORMAT;
  readonly kind: string;
  /** `namespace/name`. */
  readonly key: string;
  /** The configuration of the operator that decided. */
  readonly operatorConfig: ConfigEntries;
  readonly logging?: Readonly<Record<string, string>>;
  readonly decisions: readonly ExportedDecision[];
}

export type ExportedDecision = Pick<Decision, 'at' | 'world' | 'plan' | 'quiet' | 'failure'>;

/** Name and version of the form. */
export const FORMAT = 'drey-decisions/1';

/** What decisions rest on besides the world. */
export interface DecidedWith {
  readonly config: ConfigEntries;
  readonly logging?: Readonly<Record<string, string>> | undefined;
}

/**
 * Decisions as a file that others may read. Each secret becomes a mark of its own, the same wherever it stands and another
 * one for another secret, so that a decision about the marks comes out as the one about the secrets did. The marks are
 * numbered; nothing about a secret can be computed from them.
 */
export function exportDecisions(decisions: readonly Decision[], decidedWith: DecidedWith): DecisionFile {
  const [first] = decisions;
  const { config, logging } = decidedWith;
  const file: DecisionFile = {
    format: FORMAT,
    kind: first?.kind ?? '',
    key: first?.key ?? '',
    operatorConfig: config,
    ...(logging === undefined ? {} : { logging }),
    decisions: decisions.map(({ at, world, plan, quiet, failure }) => ({
      ...{ at, world, plan, quiet },
      ...(failure === undefined ? {} : { failure }),
    })),
  };
  return masked(file) as DecisionFile;
}

function masked(data: unknown): unknown {
  // Specs inside of texts, as the status records them, hold the same secrets as JSON writes them.
  const secrets = [...new Set([...secretsIn(data), ...secretsIn(recordedSpecs(data))])].filter((one) => one.length > 3);
  const marks = secrets
    .sort((left, right) => right.length - left.length || (left < right ? -1 : 1))
    .flatMap((secret, index) => {
      const mark = `${MASKED_VALUE}${index + 1}`;
      const escaped = JSON.stringify(secret).slice(1, -1);
      return escaped === secret ? [[secret, mark] as const] : [[escaped, mark] as const, [secret, mark] as const];
    });
  const text = (value: string): string =>
    marks.reduce((shown, [secret, mark]) => shown.replaceAll(secret, mark), value);
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, walk(member)]));
  };
  return marks.length === 0 ? data : walk(data);
}

/** Every text in plain data that is a JSON object. */
function recordedSpecs(data: unknown): unknown[] {
  if (typeof data === 'string') {
    if (!data.startsWith('{')) return [];
    try {
      return [JSON.parse(data)];
    } catch {
      return []; // looks like JSON and is none
    }
  }
  if (typeof data !== 'object' || data === null) return [];
  return Object.values(data).flatMap(recordedSpecs);
}
