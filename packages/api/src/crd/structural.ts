import type { TSchema } from 'typebox';
import type { Rules } from './rules.ts';

/** A node of an OpenAPI v3 schema as a CustomResourceDefinition carries it. */
export type StructuralSchema = Record<string, unknown>;

/** Keywords that a structural schema may have and that Drey’s kinds use, in the order they are printed. */
const KEYWORDS = [
  'type',
  'description',
  'format',
  'enum',
  'default',
  'maxProperties',
  'properties',
  'additionalProperties',
  'items',
  'anyOf',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
] as const;

/**
 * A TypeBox schema as a structural schema: only keywords that an API server accepts. `required` is left out everywhere:
 * what must be there is decided by validation, which can say what to do.
 */
export function structuralSchema(schema: TSchema): StructuralSchema {
  const source = schema as StructuralSchema;
  const out: StructuralSchema = {};
  for (const keyword of KEYWORDS) {
    const value = source[keyword];
    if (value === undefined) continue;
    if (keyword === 'properties') out[keyword] = mapValues(value as Record<string, TSchema>);
    else if (keyword === 'items' || keyword === 'additionalProperties')
      out[keyword] = structuralSchema(value as TSchema);
    else out[keyword] = value;
  }
  return out;
}

function mapValues(properties: Record<string, TSchema>): Record<string, StructuralSchema> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, structuralSchema(schema)]));
}

/** Puts rules onto the nodes that they are for. Throws when a path names no member, which is a mistake in the rules. */
export function withRules(schema: StructuralSchema, rules: Rules): StructuralSchema {
  return Object.entries(rules).reduce(
    (node, [path, list]) => atPath(node, path === '' ? [] : path.split('.'), { 'x-kubernetes-validations': list }),
    schema,
  );
}

function atPath(node: StructuralSchema, path: readonly string[], more: StructuralSchema): StructuralSchema {
  const [name, ...rest] = path;
  if (name === undefined) return { ...node, ...more };
  const properties = node.properties as Record<string, StructuralSchema> | undefined;
  const member = properties?.[name];
  if (member === undefined) throw new Error(`no member ${name} to put a rule on`);
  return { ...node, properties: { ...properties, [name]: atPath(member, rest, more) } };
}
