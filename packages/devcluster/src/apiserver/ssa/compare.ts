import { equalJson, getOwn, isObject, type TypeSchema } from '../schema/index.ts';
import { EMPTY, type FieldSet, FieldSetBuilder, recursiveDifference } from './field-set.ts';
import { fieldSchemaOrAny, isAtomic, itemElement, itemSchema, type Shape, shapeOf } from './typed.ts';

/** The fields in which two objects differ; no field is in two of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

interface Walk {
  readonly added: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  /** Elements of the field at hand; pushed and popped. */
  readonly path: string[];
}

/** Compares two objects of one type, field by field as ownership sees fields. Shared subtrees cost nothing. */
export function compareTyped(left: unknown, right: unknown, schema: TypeSchema): Comparison {
  const walk: Walk = {
    added: new FieldSetBuilder(),
    removed: new FieldSetBuilder(),
    modified: new FieldSetBuilder(),
    path: [],
  };
  compare(walk, left, right, schema);
  return { added: walk.added.set, removed: walk.removed.set, modified: walk.modified.set };
}

/** Drops what lies in `ignored` from a comparison. */
export function withoutFields(comparison: Comparison, ignored: FieldSet): Comparison {
  if (ignored === EMPTY || ignored.size === 0) return comparison;
  return {
    added: recursiveDifference(comparison.added, ignored),
    removed: recursiveDifference(comparison.removed, ignored),
    modified: recursiveDifference(comparison.modified, ignored),
  };
}

function compare(w: Walk, left: unknown, right: unknown, schema: TypeSchema): void {
  if (left === right) return;
  const leftShape = shapeOf(schema, left);
  const rightShape = shapeOf(schema, right);
  let leaf: boolean;
  if (right === undefined) leaf = handle(w, left, right, schema, leftShape);
  else if (left === undefined || leftShape === rightShape) leaf = handle(w, left, right, schema, rightShape);
  else {
    handle(w, left, right, schema, leftShape);
    leaf = handle(w, left, right, schema, rightShape);
  }
  if (leaf) return;
  if (left === undefined) w.added.insert(w.path);
  else if (right === undefined) w.removed.insert(w.path);
}

/** Whether the value was treated as one leaf. */
function handle(w: Walk, left: unknown, right: unknown, schema: TypeSchema, shape: Shape): boolean {
  switch (shape) {
    case 'scalar':
      return compareLeaf(w, left, right);
    case 'map':
      return compareMaps(w, left, right, schema);
    case 'list':
      return compareLists(w, left, right, schema);
  }
}

function compareLeaf(w: Walk, left: unknown, right: unknown): true {
  if (left === undefined) w.added.insert(w.path);
  else if (right === undefined) w.removed.insert(w.path);
  else if (!equalJson(left, right)) w.modified.insert(w.path);
  return true;
}

function compareMaps(w: Walk, left: unknown, right: unknown, schema: TypeSchema): boolean {
  const l = isObject(left) ? left : {};
  const r = isObject(right) ? right : {};
  const leftKeys = Object.keys(l);
  const rightKeys = Object.keys(r);
  // Two empty values are a leaf, so that null and {} stay distinct.
  if (isAtomic(schema, 'map') || (leftKeys.length === 0 && rightKeys.length === 0)) return compareLeaf(w, left, right);
  for (const key of leftKeys) compareChild(w, `f:${key}`, l[key], getOwn(r, key), fieldSchemaOrAny(schema, key));
  for (const key of rightKeys) {
    if (!Object.hasOwn(l, key)) compareChild(w, `f:${key}`, undefined, r[key], fieldSchemaOrAny(schema, key));
  }
  return false;
}

function compareChild(w: Walk, element: string, left: unknown, right: unknown, schema: TypeSchema): void {
  if (left === right) return;
  w.path.push(element);
  compare(w, left, right, schema);
  w.path.pop();
}

function compareLists(w: Walk, left: unknown, right: unknown, schema: TypeSchema): boolean {
  const l = Array.isArray(left) ? left : [];
  const r = Array.isArray(right) ? right : [];
  if (isAtomic(schema, 'list') || (l.length === 0 && r.length === 0)) return compareLeaf(w, left, right);
  const leftItems = byElement(l, schema);
  const rightItems = byElement(r, schema);
  const item = itemSchema(schema);
  for (const element of new Set([...leftItems.keys(), ...rightItems.keys()])) {
    compareItems(w, element, leftItems.get(element) ?? [], rightItems.get(element) ?? [], item);
  }
  return false;
}

function byElement(list: readonly unknown[], schema: TypeSchema): Map<string, unknown[]> {
  const out = new Map<string, unknown[]>();
  for (const item of list) {
    const named = itemElement(schema, item);
    if (!named.ok) continue;
    const same = out.get(named.element);
    if (same === undefined) out.set(named.element, [item]);
    else same.push(item);
  }
  return out;
}

/** Items that repeat a key are owned as one. */
function compareItems(w: Walk, element: string, left: unknown[], right: unknown[], item: TypeSchema): void {
  if (left.length <= 1 && right.length <= 1) {
    compareChild(w, element, left[0], right[0], item);
  } else if (left.length >= 2 && right.length >= 2) {
    if (!equalJson(left, right)) w.modified.insert([...w.path, element]);
  } else if (left.length >= 2) {
    if (right.length === 1) compareChild(w, element, undefined, right[0], item);
    w.removed.insert([...w.path, element]);
  } else {
    if (left.length === 1) compareChild(w, element, left[0], undefined, item);
    w.added.insert([...w.path, element]);
  }
}
