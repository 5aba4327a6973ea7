import { type FieldSchema, objectMetaSchema, once, type TypeSchema } from '../schema/index.ts';
import { entrySchema, isEmbedded, isIntOrString, type JsonSchema, preservesUnknown } from './json-schema.ts';

const STRING: TypeSchema = { t: 'scalar', scalar: 'string' };

/** The type of a custom resource as ownership of fields sees it. */
export function customResourceType(schema: JsonSchema): TypeSchema {
  return convert(schema, true, false);
}

/** Unknown fields that an outer schema preserves are preserved further in too. */
function convert(schema: JsonSchema, isResource: boolean, preserved: boolean): TypeSchema {
  const preserves = preserved || preservesUnknown(schema);
  if (isIntOrString(schema)) return { t: 'scalar', scalar: 'int-or-string' };
  switch (schema.type) {
    case 'string':
      return { t: 'scalar', scalar: schema.format === undefined || schema.format === '' ? 'string' : 'untyped' };
    case 'integer':
    case 'number':
    case 'boolean':
      return { t: 'scalar', scalar: schema.type };
    case 'array':
      return convertList(schema, preserves);
    case 'object':
      return convertObject(schema, isResource, preserves);
    default:
      return schema.properties === undefined ? { t: 'any' } : convertObject(schema, isResource, preserves);
  }
}

function convertList(schema: JsonSchema, preserves: boolean): TypeSchema {
  const listType = schema['x-kubernetes-list-type'];
  const { items } = schema;
  return {
    t: 'list',
    item: once(() => (items === undefined ? { t: 'any', atomic: true } : convert(items, isEmbedded(items), preserves))),
    listType: listType === 'map' || listType === 'set' ? listType : 'atomic',
    keys: listType === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [],
  };
}

function convertObject(schema: JsonSchema, isResource: boolean, preserves: boolean): TypeSchema {
  const atomic = schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {};
  const entry = entrySchema(schema);
  if (entry !== undefined) {
    return { t: 'map', value: once(() => convert(entry, isEmbedded(entry), preserves)), ...atomic };
  }
  const fields: Record<string, FieldSchema> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    fields[name] = {
      schema: once(() => convert(property, isEmbedded(property), preserves)),
      ...(property.default === undefined ? {} : { default: property.default }),
    };
  }
  if (isResource) {
    fields.apiVersion = { schema: () => STRING };
    fields.kind = { schema: () => STRING };
    fields.metadata = { schema: objectMetaSchema };
  }
  if (Object.keys(fields).length === 0 && schema.additionalProperties !== false) return { t: 'any', ...atomic };
  return { t: 'struct', fields, ...atomic, ...(preserves ? { preserveUnknown: true } : {}) };
}
