import { isObject, normalize, objectMetaSchema, setOwn, type TypeSchema, unknownFields } from '../schema/index.ts';
import { entrySchema, isEmbedded, type JsonSchema, preservesUnknown, propertySchema } from './json-schema.ts';

/**
 * Drops the fields of a custom resource that its schema does not know, and those of metadata that no object has. Mutates
 * `object`. Returns the paths of what was dropped, sorted, as warnings name them.
 */
export function pruneObject(object: Record<string, unknown>, schema: JsonSchema): readonly string[] {
  const dropped: string[] = [];
  pruneMetadata(object, '', dropped);
  prune(object, schema, '', true, dropped);
  return dropped.sort();
}

function prune(value: unknown, schema: JsonSchema, path: string, isResource: boolean, dropped: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [i, item] of value.entries()) prune(item, items, `${path}[${i}]`, isEmbedded(items), dropped);
    return;
  }
  if (!isObject(value)) return;
  if (isResource && path !== '') pruneMetadata(value, `${path}.`, dropped);
  const entry = entrySchema(schema);
  const keepsAll = preservesUnknown(schema) || schema.additionalProperties === true;
  for (const [key, v] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (isResource && (key === 'apiVersion' || key === 'kind' || key === 'metadata')) continue;
    const child = propertySchema(schema, key) ?? entry;
    if (child !== undefined) prune(v, child, at, isEmbedded(child), dropped);
    else if (!keepsAll) {
      dropped.push(at);
      delete value[key];
    }
  }
}

let meta: TypeSchema | undefined;

/** Metadata takes the form of ObjectMeta; one that cannot be decoded stays as it is, for validation to refuse. */
function pruneMetadata(object: Record<string, unknown>, prefix: string, dropped: string[]): void {
  if (!isObject(object.metadata)) return;
  meta ??= objectMetaSchema();
  dropped.push(...unknownFields(object.metadata, meta).map((path) => `${prefix}metadata.${path}`));
  const result = normalize(object.metadata, meta);
  if (result.ok) setOwn(object, 'metadata', result.value);
}
