import { goSyntax, goText, goType, isObject, type ScalarType, type TypeSchema } from '../schema/index.ts';
import { printElement } from './field-set.ts';
import { fieldSchema, isAtomic, itemElement, itemSchema, shapeOf } from './typed.ts';

interface Problem {
  readonly path: string;
  readonly message: string;
}

/**
 * Whether an applied object fits its type: declared fields only, values of the right kind, no repeated keys in lists that
 * are sets or maps. Undefined when it does, else the real server's text.
 */
export function typeErrors(value: unknown, schema: TypeSchema): string | undefined {
  const problems: Problem[] = [];
  check(problems, '', value, schema);
  if (problems.length === 0) return undefined;
  const lines = problems.map((p) => (p.path === '' ? p.message : `${p.path}: ${p.message}`));
  return lines.length === 1 ? lines[0] : ['errors:', ...lines.map((line) => `  ${line}`)].join('\n');
}

function check(out: Problem[], path: string, value: unknown, schema: TypeSchema): void {
  if (value === null || value === undefined) return;
  const shape = shapeOf(schema, value);
  if (shape === 'scalar') {
    if (schema.t === 'scalar') checkScalar(out, path, value, schema.scalar);
  } else if (shape === 'map') {
    if (isObject(value)) checkMap(out, path, value, schema);
    else out.push({ path, message: `expected map, got ${goValue(value)}` });
  } else if (Array.isArray(value)) {
    checkList(out, path, value, schema);
  } else {
    out.push({ path, message: `expected list, got ${goValue(value)}` });
  }
}

function checkMap(out: Problem[], path: string, value: Readonly<Record<string, unknown>>, schema: TypeSchema): void {
  // The walk over a map ends at its first unknown field; keys come in no particular order in the real server, sorted here.
  for (const key of Object.keys(value).sort()) {
    const child = fieldSchema(schema, key);
    if (child === undefined) {
      out.push({ path: `${path}.${key}`, message: 'field not declared in schema' });
      return;
    }
    check(out, `${path}.${key}`, value[key], child);
  }
}

function checkList(out: Problem[], path: string, list: readonly unknown[], schema: TypeSchema): void {
  const item = itemSchema(schema);
  const atomic = isAtomic(schema, 'list');
  const seen = new Set<string>();
  for (const [i, v] of list.entries()) {
    if (atomic) {
      check(out, `${path}[${i}]`, v, item);
      continue;
    }
    const named = itemElement(schema, v);
    if (!named.ok) {
      out.push({ path, message: `element ${i}: ${named.message}` });
      return;
    }
    const printed = printElement(named.element);
    if (seen.has(named.element)) out.push({ path, message: `duplicate entries for key ${printed}` });
    seen.add(named.element);
    check(out, `${path}${printed}`, v, item);
  }
}

function checkScalar(out: Problem[], path: string, value: unknown, scalar: ScalarType): void {
  switch (scalar) {
    case 'integer':
    case 'number':
      if (typeof value !== 'number')
        out.push({ path, message: `expected numeric (int or float), got ${goType(value)}` });
      return;
    case 'string':
      if (typeof value !== 'string') {
        out.push({ path, message: `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}` });
      }
      return;
    case 'boolean':
      if (typeof value !== 'boolean') out.push({ path, message: `expected boolean, got ${goValue(value)}` });
      return;
    default:
      if (typeof value === 'object') out.push({ path, message: `expected any scalar, got ${goValue(value)}` });
  }
}

/** As the merge library prints a value that it holds. */
function goValue(value: unknown): string {
  return `&{${goText(value)}}`;
}
