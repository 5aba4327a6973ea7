import { goJsonError, type JsonVisitor, scanJson } from './json-scanner.ts';
import type { TypeSchema } from './types.ts';
import { childSchema } from './unknown-fields.ts';

/**
 * A decoded body. `text` is JSON, for {@link strictFieldErrors}; `message` is the decoder's own text, without any prefix;
 * `duplicates` are paths of repeated keys (`data.a`) in document order.
 */
export type Decoded =
  | { readonly ok: true; readonly value: unknown; readonly text: string; readonly duplicates: readonly string[] }
  | { readonly ok: false; readonly message: string };

const decoder = new TextDecoder();

/** Decodes a JSON body. Later duplicates of a key win. */
export function decodeJson(bytes: Uint8Array): Decoded {
  const text = decoder.decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, message: goJsonError(text) ?? 'unexpected end of JSON input' };
  }
  return { ok: true, value, text, duplicates: duplicateKeys(text) };
}

function duplicateKeys(text: string): readonly string[] {
  const found: string[] = [];
  scanJson(text, duplicateVisitor('', found));
  return found;
}

function duplicateVisitor(path: string, found: string[]): JsonVisitor {
  const seen = new Set<string>();
  return {
    key: (name) => {
      const at = path === '' ? name : `${path}.${name}`;
      if (seen.has(name)) found.push(at);
      seen.add(name);
      return duplicateVisitor(at, found);
    },
    item: (index) => duplicateVisitor(`${path}[${index}]`, found),
  };
}

/** No more of these are reported for one body, as by the real decoder. */
const STRICT_ERRORS_MAX = 100;

/**
 * What fieldValidation reports for a built-in kind, in document order and each once: `unknown field "metadata.extra"`,
 * `duplicate field "data.a"`. `text` has to be valid JSON. A Strict failure joins them with `, ` behind
 * `strict decoding error: `; Warn sends each as a warning.
 */
export function strictFieldErrors(text: string, schema: TypeSchema): readonly string[] {
  const found = new Set<string>();
  scanJson(text, strictVisitor('', schema, found));
  return [...found].slice(0, STRICT_ERRORS_MAX);
}

function strictVisitor(path: string, schema: TypeSchema, found: Set<string>): JsonVisitor {
  const seen = new Set<string>();
  const item = schema.t === 'list' ? schema.item() : undefined;
  return {
    key: (name) => {
      const at = path === '' ? name : `${path}.${name}`;
      const child = childSchema(schema, name);
      if (child === 'unknown') {
        found.add(`unknown field ${JSON.stringify(at)}`);
        return undefined;
      }
      if (seen.has(name) && child !== undefined) found.add(`duplicate field ${JSON.stringify(at)}`);
      seen.add(name);
      return child === undefined ? undefined : strictVisitor(at, child, found);
    },
    item: (index) => (item === undefined ? undefined : strictVisitor(`${path}[${index}]`, item, found)),
  };
}
