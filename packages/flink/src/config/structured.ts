import { parseDocument } from 'yaml';
import { FlinkError } from '../errors.ts';
import { isJavaWhitespace, javaTrim } from './java-text.ts';
import { writeFlowYaml, type YamlValue } from './yaml-emit.ts';
import { plainValueOf, yamlScalarText } from './yaml-read.ts';

/**
 * How a text is read as a list or a map: `legacy` (`a;b`, `k:v,k:v`) in versions up to 1.18 and wherever the legacy
 * configuration file was loaded; `yaml` otherwise, where a YAML collection is tried first and the legacy form after it.
 */
export type StructureSyntax = 'legacy' | 'yaml';

const NEXT_LIST = 'Write items with ";" between them, quoting those that hold ";" or quotes, for example a;\'b;c\'.';
const NEXT_MAP =
  'Write pairs as key:value with "," between them; quote a pair whose value holds ":" or ",": \'k:"x:y"\'.';

/** Reads the text of a list option. Throws `E_FLINK_CONFIG_VALUE`. */
export function parseList(text: string, syntax: StructureSyntax): string[] {
  const parsed = syntax === 'yaml' ? yamlCollection(text) : undefined;
  if (Array.isArray(parsed) && parsed.every((item) => item !== null)) return parsed.map(textOf);
  return splitEscaped(text, ';', NEXT_LIST);
}

/** Reads the text of a map option, in the order of the pairs. Throws `E_FLINK_CONFIG_VALUE`, also for repeated keys. */
export function parseMap(text: string, syntax: StructureSyntax): Map<string, string> {
  const parsed = syntax === 'yaml' ? yamlCollection(text) : undefined;
  if (parsed instanceof Map && [...parsed.values()].every((item) => item !== null)) {
    return new Map([...parsed].map(([key, value]) => [key, textOf(value)]));
  }
  const out = new Map<string, string>();
  for (const item of splitEscaped(text, ',', NEXT_MAP)) {
    const [key, value, ...more] = splitEscaped(item, ':', NEXT_MAP);
    if (key === undefined || value === undefined || more.length > 0) {
      throw refuse(`a map item is not one key and one value (missing or unquoted ":"?)`, NEXT_MAP);
    }
    const earlier = out.get(key);
    if (earlier !== undefined) throw refuse(`duplicate key ${key}`, 'Keep one of the pairs.');
    out.set(key, value);
  }
  return out;
}

/** Reads the text of an option that is a list of maps: `k:v,k:v;k:v`. Throws `E_FLINK_CONFIG_VALUE`. */
export function parseMapList(text: string, syntax: StructureSyntax): Map<string, string>[] {
  const parsed = syntax === 'yaml' ? yamlCollection(text) : undefined;
  if (Array.isArray(parsed) && parsed.every((item) => item instanceof Map)) {
    return parsed.map((item) => new Map([...(item as Map<string, YamlValue>)].map(([k, v]) => [k, textOf(v)])));
  }
  return splitEscaped(text, ';', NEXT_LIST).map((item) => parseMap(item, syntax));
}

/** Writes a list so that `syntax` reads it back (by default every version does): items joined with `;`, quoted where needed. */
export function formatList(items: readonly string[], syntax: StructureSyntax = 'yaml'): string {
  if (syntax === 'yaml' && items.length === 1 && looksLikeYaml(items[0] ?? ''))
    return `'${items[0]?.replaceAll("'", "''")}'`;
  // An empty item between two others is read back as it is; at either end it would be lost.
  const inner = (index: number): boolean => index > 0 && index < items.length - 1;
  return items.map((item, index) => (item === '' && inner(index) ? item : quoteFor(item, ';'))).join(';');
}

/**
 * Writes a map as `k:v` pairs joined with `,`, quoted where needed, so that it is read back by `syntax`. Where the YAML
 * reading would see something else in that text, the map is written as a YAML flow map.
 */
export function formatMap(pairs: Iterable<readonly [string, string]>, syntax: StructureSyntax): string {
  const map = new Map(pairs);
  const items = [...map].map(([key, value]) => quoteFor(`${quoteFor(key, ':')}:${quoteFor(value, ':')}`, ','));
  const text = items.join(',');
  return syntax === 'yaml' && yamlCollection(text) !== undefined ? writeFlowYaml(map) : text;
}

/** Writes a list of maps: maps joined with `;`, or a YAML flow sequence where `syntax` would misread that. */
export function formatMapList(maps: Iterable<Iterable<readonly [string, string]>>, syntax: StructureSyntax): string {
  const all = [...maps].map((pairs) => new Map(pairs));
  const text = formatList(all.map((map) => formatMap(map, 'legacy')));
  return syntax === 'yaml' && yamlCollection(text) !== undefined ? writeFlowYaml(all) : text;
}

function looksLikeYaml(text: string): boolean {
  return /^(?:\[|\{|-(?: |$))/.test(text);
}

function quoteFor(text: string, separator: string): string {
  const bare = text !== '' && javaTrim(text) === text && !/['"]/.test(text) && !text.includes(separator);
  return bare ? text : `'${text.replaceAll("'", "''")}'`;
}

/** The collection a text holds as YAML, or undefined where it holds none (then the legacy form applies). */
function yamlCollection(text: string): YamlValue | undefined {
  const document = parseDocument(text, { version: '1.2', schema: 'core', logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  try {
    const value = plainValueOf(document);
    return Array.isArray(value) || value instanceof Map ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: YamlValue): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? writeFlowYaml(value) : yamlScalarText(value);
}

interface Token {
  readonly kind: 'quoted' | 'bare' | 'separator';
  readonly text: string;
  readonly at: number;
}

/**
 * Splits at `separator`, taking single or double quotes as protection when they begin an item (a doubled quote stands for
 * itself), and dropping blanks around bare items. A separator at either end adds no empty item; two in a row do.
 */
function splitEscaped(text: string, separator: string, next: string): string[] {
  const tokens = tokenize(text, separator, next);
  const items: string[] = [];
  for (const [index, token] of tokens.entries()) {
    const following = tokens[index + 1];
    if (token.kind === 'separator') {
      if (following?.kind === 'separator') items.push('');
      continue;
    }
    if (token.kind === 'quoted' && following !== undefined && following.kind !== 'separator') {
      throw refuse(`illegal quoting at position ${following.at - 1}`, next);
    }
    items.push(token.text);
  }
  return items;
}

function tokenize(text: string, separator: string, next: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === "'" || char === '"') {
      const end = closingQuote(text, at);
      if (end === undefined) throw refuse('a quote is not closed', next);
      tokens.push({ kind: 'quoted', text: text.slice(at + 1, end).replaceAll(char + char, char), at });
      at = end + 1;
    } else if (char === separator) {
      tokens.push({ kind: 'separator', text: char, at });
      at += 1;
    } else if (isJavaWhitespace(char)) {
      at += 1;
    } else {
      const found = text.indexOf(separator, at);
      const end = found === -1 ? text.length : found;
      tokens.push({ kind: 'bare', text: javaTrim(text.slice(at, end)), at });
      at = end;
    }
  }
  return tokens;
}

/** Position of the quote that closes the one at `start`; doubled quotes are passed over. */
function closingQuote(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    if (text.charAt(at) !== quote) continue;
    if (text.charAt(at + 1) !== quote) return at;
    at += 1;
  }
  return undefined;
}

function refuse(reason: string, next: string): FlinkError {
  return new FlinkError('E_FLINK_CONFIG_VALUE', `Could not split the text: ${reason}`, next);
}
