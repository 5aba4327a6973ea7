import { isObject, setOwn, type TypeSchema } from '../schema/index.ts';
import { type FieldNode, type FieldSet, FieldSetBuilder } from './field-set.ts';
import { fieldSchema, fieldSchemaOrAny, isAtomic, isDeclared, itemElement, itemSchema, shapeOf } from './typed.ts';

/** The fields that an object sets. */
export function toFieldSet(value: unknown, schema: TypeSchema): FieldSet {
  const builder = new FieldSetBuilder();
  collect(builder, [], value, schema);
  return builder.set;
}

function collect(out: FieldSetBuilder, path: string[], value: unknown, schema: TypeSchema): void {
  const shape = shapeOf(schema, value);
  if (isAtomic(schema, shape)) {
    out.insert(path);
  } else if (shape === 'map' && isObject(value)) {
    for (const [key, v] of Object.entries(value)) {
      path.push(`f:${key}`);
      collect(out, path, v, fieldSchemaOrAny(schema, key));
      const empty = v === null || (isObject(v) && Object.keys(v).length === 0);
      if (empty || !isDeclared(schema, key)) out.insert(path);
      path.pop();
    }
  } else if (shape === 'list' && Array.isArray(value)) {
    collectItems(out, path, value, schema);
  }
}

function collectItems(out: FieldSetBuilder, path: string[], list: readonly unknown[], schema: TypeSchema): void {
  const elements = list.map((item) => {
    const named = itemElement(schema, item);
    return named.ok ? named.element : undefined;
  });
  const item = itemSchema(schema);
  for (const [i, element] of elements.entries()) {
    if (element === undefined) continue;
    path.push(element);
    // Of items that repeat a key only the item is owned, not its fields.
    if (elements.indexOf(element) === elements.lastIndexOf(element)) collect(out, path, list[i], item);
    out.insert(path);
    path.pop();
  }
}

/** Adds the struct fields on the way to members: declared fields are never members by themselves. */
export function withNamedFields(set: FieldSet, schema: TypeSchema | undefined): FieldSet {
  const out = new Map<string, FieldNode>();
  for (const [element, node] of set) {
    const key = element.startsWith('f:') ? element.slice(2) : undefined;
    const declared = key !== undefined && schema !== undefined && isDeclared(schema, key);
    const children =
      node.children === undefined ? undefined : withNamedFields(node.children, childSchema(schema, element));
    out.set(element, { member: node.member || (declared && node.children !== undefined), children });
  }
  return out;
}

function childSchema(schema: TypeSchema | undefined, element: string): TypeSchema | undefined {
  if (schema === undefined) return undefined;
  if (element.startsWith('f:')) return fieldSchema(schema, element.slice(2));
  return element.startsWith('k:') && schema.t === 'list' ? schema.item() : undefined;
}

/**
 * Adapts a set to a schema that changed after it was written: where a granular field became atomic, its owner now owns
 * the field as a whole. (The other direction needs nothing.)
 */
export function reconcileWithSchema(set: FieldSet, schema: TypeSchema): FieldSet {
  let changed = false;
  const out = new Map<string, FieldNode>();
  for (const [element, node] of set) {
    const child = childSchema(schema, element);
    if (node.children === undefined || child === undefined || child.t === 'any') {
      out.set(element, node);
    } else if (
      (child.t === 'list' || child.t === 'struct' || child.t === 'map') &&
      isAtomic(child, shapeOf(child, undefined))
    ) {
      out.set(element, { member: true, children: undefined });
      changed = true;
    } else {
      const children = reconcileWithSchema(node.children, child);
      out.set(element, children === node.children ? node : { member: node.member, children });
      changed ||= children !== node.children;
    }
  }
  return changed ? out : set;
}

/** `value` without the fields of `set`; what becomes empty by that turns into null, as in the real server. */
export function removeFields(value: unknown, set: FieldSet, schema: TypeSchema): unknown {
  const shape = shapeOf(schema, value);
  if (shape === 'scalar') return value;
  if (isAtomic(schema, shape)) return null;
  return shape === 'map' ? removeFromMap(value, set, schema) : removeFromList(value, set, schema);
}

function removeFromMap(value: unknown, set: FieldSet, schema: TypeSchema): unknown {
  if (!isObject(value)) return null;
  const out: Record<string, unknown> = {};
  let kept = 0;
  for (const [key, v] of Object.entries(value)) {
    const node = set.get(`f:${key}`);
    if (node?.member) continue;
    const left = node?.children === undefined ? v : removeFields(v, node.children, fieldSchemaOrAny(schema, key));
    setOwn(out, key, left);
    kept++;
  }
  return kept === 0 ? null : out;
}

function removeFromList(value: unknown, set: FieldSet, schema: TypeSchema): unknown {
  if (!Array.isArray(value)) return null;
  const item = itemSchema(schema);
  const out: unknown[] = [];
  for (const v of value) {
    const named = itemElement(schema, v);
    const node = named.ok ? set.get(named.element) : undefined;
    if (node?.member) continue;
    out.push(node?.children === undefined ? v : removeFields(v, node.children, item));
  }
  return out.length === 0 ? null : out;
}
