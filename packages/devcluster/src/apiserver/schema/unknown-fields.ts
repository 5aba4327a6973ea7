import type { TypeSchema } from './types.ts';

/**
 * Paths of fields that `schema` does not know (`metadata.extra`, `spec.items[0].gone`), in the order of the document. For
 * values that did not come as text (the result of a patch); {@link strictFieldErrors} also sees duplicate keys.
 */
export function unknownFields(object: unknown, schema: TypeSchema): readonly string[] {
  const found: string[] = [];
  visit(object, schema, '', found);
  return found;
}

function visit(value: unknown, schema: TypeSchema, path: string, found: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (schema.t !== 'list') return;
    const item = schema.item();
    for (const [i, v] of value.entries()) visit(v, item, `${path}[${i}]`, found);
    return;
  }
  for (const [key, v] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    const child = childSchema(schema, key);
    if (child === 'unknown') found.push(at);
    else if (child !== undefined) visit(v, child, at, found);
  }
}

/** The schema of a field of an object; `unknown` when there is no such field, undefined when anything goes. */
export function childSchema(schema: TypeSchema, key: string): TypeSchema | 'unknown' | undefined {
  switch (schema.t) {
    case 'struct': {
      const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
      if (field !== undefined) return field.schema();
      return schema.preserveUnknown ? undefined : 'unknown';
    }
    case 'map':
      return schema.value();
    case 'any': {
      const object = schema.object?.();
      return object === undefined ? undefined : childSchema(object, key);
    }
    default:
      return undefined;
  }
}
