import { JsonNumber } from '@drey/api';
import { LineCounter, parseAllDocuments } from 'yaml';
import { CliError } from '../errors.ts';

/** One document of a YAML file, and the line it begins at. */
export interface YamlDocument {
  readonly value: unknown;
  readonly line: number;
}

/**
 * Parses a file of YAML (or JSON) documents; empty ones are left out. Integers keep all their digits. Throws `E_YAML` with
 * line and column.
 */
export function parseYamlDocuments(text: string, name: string): YamlDocument[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, intAsBigInt: true });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line, col } = lineCounter.linePos(problem.pos[0]);
      throw new CliError(
        'E_YAML',
        `${name}:${line}:${col}: ${problem.message}`,
        'Correct the file at that line and column.',
        'invalid',
      );
    }
    const value: unknown = exact(document.toJS());
    if (value === null || value === undefined) return [];
    return [{ value, line: lineCounter.linePos(document.contents?.range?.[0] ?? 0).line }];
  });
}

/** Integers that a JavaScript number holds become one; larger ones keep their digits. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : new JsonNumber(String(value));
  }
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exact(item)]));
}
