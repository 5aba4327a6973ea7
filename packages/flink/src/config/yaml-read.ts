import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  parseAllDocuments,
  Scalar,
} from 'yaml';
import { FlinkError } from '../errors.ts';
import { formatJavaDouble } from './java-text.ts';

/**
 * A YAML value by the YAML 1.2 core schema: integers are bigint, floating point numbers are number. Map keys are texts.
 */
export type YamlValue = string | bigint | number | boolean | null | YamlValue[] | Map<string, YamlValue>;

const MAX_CHARS = 4 * 1024 * 1024;
const MAX_NODES = 100_000;
const MAX_DEPTH = 100;
/** How the lexer of the YAML library announces an unquoted or block text. */
const PLAIN_SCALAR_FOLLOWS = '\u001f';
const TAG = 'tag:yaml.org,2002:';

/**
 * Reads one YAML 1.2 document. An empty text is null. Throws `E_FLINK_CONFIG_SYNTAX` with line and column of the first
 * mistake; repeated keys are mistakes, and `<<` is an ordinary key, as Flink's parser has it.
 */
export function readYaml(text: string, name: string): YamlValue {
  if (text.length > MAX_CHARS) throw refuse(name, `is larger than ${MAX_CHARS} characters`);
  const source = text.replace(/^\ufeff/, '');
  const tab = misplacedTab(source);
  if (tab !== undefined) throw refuse(name, `a tab stands where only spaces may, at line ${tab}`);
  const documents = parseAllDocuments(source, {
    version: '1.2',
    schema: 'core',
    logLevel: 'silent',
    prettyErrors: true,
  });
  if (!Array.isArray(documents)) return null;
  const [document, second] = documents;
  if (document === undefined) return null;
  const error = documents.flatMap((one) => one.errors)[0];
  if (error !== undefined) throw refuse(name, summary(error.message));
  if (second !== undefined) throw refuse(name, 'holds more than one YAML document');
  try {
    return plainValueOf(document, 'texts-only', endsInsideLine(source) ? source.length : undefined);
  } catch (cause) {
    throw refuse(name, cause instanceof Error ? cause.message : 'cannot be read');
  }
}

/**
 * The line of the first tab that separates tokens. Flink's parser takes only spaces there, except behind an unquoted text.
 */
function misplacedTab(text: string): number | undefined {
  if (!text.includes('\t')) return undefined;
  let line = 1;
  let behindPlain = false;
  let scalarFollows = false;
  for (const lexeme of new Lexer().lex(text)) {
    const blank = /^[ \t]+$/.test(lexeme);
    if (!scalarFollows && blank && lexeme.includes('\t') && !behindPlain) return line;
    line += lexeme.split('\n').length - 1;
    behindPlain = scalarFollows || (blank && behindPlain);
    scalarFollows = lexeme === PLAIN_SCALAR_FOLLOWS;
  }
  return undefined;
}

/** A file whose last line has no line break: there Flink's parser adds none to a block text either. */
function endsInsideLine(text: string): boolean {
  return /[^\s][^\n]*$/.test(text);
}

/** Whether keys that are no texts (numbers, booleans) are turned into texts, or are mistakes as in a configuration file. */
type KeyRule = 'any' | 'texts-only';

/**
 * The value of a parsed document; a block text that ends at `openEnd` has no line break at its end. Throws an Error for what
 * Flink's parser does not construct.
 */
export function plainValueOf(document: Document.Parsed, keys: KeyRule = 'any', openEnd?: number): YamlValue {
  let budget = MAX_NODES;
  const visit = (node: ParsedNode | null, depth: number): YamlValue => {
    budget -= 1;
    if (budget < 0) throw new Error(`holds more than ${MAX_NODES} values once aliases are resolved`);
    if (depth > MAX_DEPTH) throw new Error(`is nested more than ${MAX_DEPTH} levels deep`);
    if (node === null) return null;
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) throw new Error(`refers to the unknown anchor ${node.source}`);
      return visit(target as ParsedNode, depth + 1);
    }
    if (isScalar(node)) return scalarValue(node, openEnd);
    if (isSeq(node)) return node.items.map((item) => visit(item as ParsedNode, depth + 1));
    if (!isMap(node)) return null;
    const out = new Map<string, YamlValue>();
    for (const pair of node.items) {
      const key = visit(pair.key as ParsedNode, depth + 1);
      if (typeof key === 'object' && key !== null) throw new Error('has a mapping key that is not a plain value');
      if (keys === 'any' && key === null && depth === 0) throw new Error('has an entry without a key');
      if (keys === 'texts-only' && key !== null && typeof key !== 'string') {
        throw new Error(`has the key ${yamlScalarText(key)}, which is no text; put it in quotes`);
      }
      out.set(key === null ? 'null' : yamlScalarText(key), visit(pair.value as ParsedNode | null, depth + 1));
    }
    return out;
  };
  return visit(document.contents, 0);
}

/** A scalar as Flink writes what its parser made of it. */
export function yamlScalarText(value: string | bigint | number | boolean): string {
  if (typeof value !== 'number') return String(value);
  if (Number.isFinite(value)) return formatJavaDouble(value);
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
}

/** The value of an untagged plain scalar by the YAML 1.2 core schema. */
export function resolvePlainScalar(source: string): YamlValue {
  if (/^(?:~|null|Null|NULL|)$/.test(source)) return null;
  if (/^(?:true|True|TRUE)$/.test(source)) return true;
  if (/^(?:false|False|FALSE)$/.test(source)) return false;
  if (/^[-+]?[0-9]+$/.test(source)) return BigInt(source.replace(/^\+/, ''));
  if (/^0o[0-7]+$|^0x[0-9a-fA-F]+$/.test(source)) return BigInt(source);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(source)) return Number(source);
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(source)) return source.startsWith('-') ? -Infinity : Infinity;
  if (/^\.(?:nan|NaN|NAN)$/.test(source)) return Number.NaN;
  return source;
}

function scalarValue(node: Scalar.Parsed, openEnd: number | undefined): YamlValue {
  const { tag, type } = node;
  const block = type === Scalar.BLOCK_LITERAL || type === Scalar.BLOCK_FOLDED;
  const source = block && node.range[1] === openEnd ? node.source.replace(/\n$/, '') : node.source;
  const plain = type === Scalar.PLAIN || type === undefined;
  if (tag === undefined || tag === '!') return plain && tag === undefined ? resolvePlainScalar(source) : source;
  if (!tag.startsWith(TAG)) throw new Error(`uses the tag ${tag}, which Flink does not know`);
  return taggedScalar(tag.slice(TAG.length), source);
}

function taggedScalar(name: string, source: string): YamlValue {
  const value = resolvePlainScalar(source);
  if (name === 'str') return source;
  if (name === 'null') return null;
  if (name === 'bool') return typeof value === 'boolean' ? value : null;
  if (name === 'int' && typeof value === 'bigint') return value;
  if (name === 'float' && (typeof value === 'bigint' || typeof value === 'number')) return Number(value);
  throw new Error(`has "${source}" under the tag !!${name}, which Flink's parser cannot construct`);
}

function summary(message: string): string {
  return message.split('\n')[0]?.replace(/:$/, '') ?? message;
}

function refuse(name: string, reason: string): FlinkError {
  return new FlinkError(
    'E_FLINK_CONFIG_SYNTAX',
    `Error parsing the YAML configuration ${name}: ${reason}`,
    'Correct the file at that place; check indentation, quotes and brackets.',
  );
}
