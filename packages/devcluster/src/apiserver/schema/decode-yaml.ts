import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type ScalarTag } from 'yaml';
import { type Decoded, decodeJson } from './decode.ts';
import { setOwn } from './json.ts';
import { yamlErrorMessage } from './yaml-errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** YAML 1.1's booleans, which the server's decoder still reads (`yes`, `off`, …), and its octal numbers. */
const YAML_1_1: ScalarTag[] = [
  { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/, resolve: () => true },
  { tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:n|N|no|No|NO|off|Off|OFF)$/, resolve: () => false },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[-+]?0[0-7_]+$/,
    resolve: (text) => Number.parseInt(text.replaceAll('_', ''), 8),
  },
];

/** Values of a document with its aliases written out, for each character of it; more is an attack. */
const NODES_PER_CHARACTER_MAX = 10;

interface Conversion {
  readonly document: Document;
  readonly duplicates: string[];
  nodesLeft: number;
}

/** Its message is the decoder's. */
class ConversionError extends Error {}

/**
 * YAML as the real server reads it: one document of YAML 1.1, turned into JSON (keys become strings, later duplicates
 * win). A body that is JSON already is read as JSON, which is what clients mostly send under a YAML content type.
 */
export function decodeYaml(bytes: Uint8Array): Decoded {
  const text = decoder.decode(bytes);
  if (text.trimStart().startsWith('{')) {
    const json = decodeJson(bytes);
    if (json.ok) return json;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    customTags: (tags) => [...YAML_1_1, ...tags],
  });
  // Of several documents the first one counts.
  const error = document.errors.find((e) => e.code !== 'MULTIPLE_DOCS');
  if (error !== undefined) return { ok: false, message: yamlErrorMessage(error, text, lines) };
  const conversion: Conversion = { document, duplicates: [], nodesLeft: NODES_PER_CHARACTER_MAX * (text.length + 1) };
  try {
    const value = toJson(document.contents, '', conversion);
    const normal = decodeJson(encoder.encode(JSON.stringify(value)));
    return normal.ok ? { ...normal, duplicates: conversion.duplicates } : normal;
  } catch (fault) {
    if (fault instanceof ConversionError) return { ok: false, message: fault.message };
    throw fault;
  }
}

function toJson(raw: unknown, path: string, c: Conversion): unknown {
  if (--c.nodesLeft < 0) throw new ConversionError('yaml: document contains excessive aliasing');
  const node = isAlias(raw) ? raw.resolve(c.document) : raw;
  if (isAlias(raw) && node === undefined) throw new ConversionError(`yaml: unknown anchor '${raw.source}' referenced`);
  if (isScalar(node)) return scalarToJson(node.value);
  if (isSeq(node)) return node.items.map((item, i) => toJson(item, `${path}[${i}]`, c));
  if (!isMap(node)) return null;
  const out: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : JSON.stringify(pair.key);
    const at = path === '' ? key : `${path}.${key}`;
    const value = toJson(pair.value, at, c);
    if (key === '<<' && typeof value === 'object' && value !== null) {
      for (const [k, v] of Object.entries(value)) if (!Object.hasOwn(out, k)) out[k] = v;
      continue;
    }
    if (Object.hasOwn(out, key)) c.duplicates.push(at);
    setOwn(out, key, value);
  }
  return out;
}

function scalarToJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  return value ?? null;
}
