import {
  type FieldSchema,
  getOwn,
  goText,
  isObject,
  type JsonObject,
  setOwn,
  type TypeSchema,
} from '../schema/index.ts';
import { badRequest, unclassified } from './failures.ts';
import { withoutNulls } from './merge-patch.ts';
import { findByKey, itemKind, noMergeKey, orderItems, partition } from './strategic-lists.ts';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM = '$deleteFromPrimitiveList';
const ELEMENT_ORDER = '$setElementOrder';

const BAD_RETAIN_KEYS = 'invalid patch format of retainKeys';
const BAD_DELETE_FROM = 'invalid patch format of primitive list';
const BAD_ELEMENT_ORDER = 'invalid patch format of setElementOrder list';

type Mutable = Record<string, unknown>;

/**
 * Applies a strategic merge patch: lists whose field says so are merged by key or as sets, and the patch may hold
 * directives (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`). Inputs are not changed.
 *
 * Throws StatusError: 400 for malformed directives, 422 for lists of lists, 500 (without a reason, as the real server)
 * for a missing merge key and fields that the schema does not know.
 */
export function applyStrategicMergePatch(
  document: JsonObject,
  patch: JsonObject,
  schema: TypeSchema,
): Record<string, unknown> {
  return mergeMap(document, patch, schema);
}

function mergeMap(original: JsonObject, patch: JsonObject, schema: TypeSchema): Mutable {
  if (Object.hasOwn(patch, PATCH)) return replaceMap(patch);
  const out: Mutable = { ...original };
  const rest: Mutable = { ...patch };
  retainKeys(out, rest);
  mergeOrderedLists(out, rest, schema);
  for (const [key, value] of Object.entries(rest)) mergeField(out, key, value, schema);
  return out;
}

function replaceMap(patch: JsonObject): Mutable {
  const { [PATCH]: directive, ...content } = patch;
  if (directive === 'replace') return content;
  if (directive === 'delete') return {};
  throw badPatchType(directive, patch);
}

function badPatchType(directive: unknown, item: JsonObject): Error {
  return unclassified(`unknown patch type: ${goText(directive)} in map: ${goText(item)}`);
}

function mergeField(out: Mutable, patchKey: string, value: unknown, schema: TypeSchema): void {
  const deletes = patchKey.startsWith(DELETE_FROM);
  const key = deletes ? directiveKey(patchKey, DELETE_FROM, BAD_DELETE_FROM) : patchKey;
  if (value === null) {
    delete out[key];
    return;
  }
  const current = getOwn(out, key);
  if (isObject(current) && isObject(value)) {
    const { child, field } = lookup(schema, key);
    setOwn(out, key, strategyOf(field) === 'replace' ? value : mergeMap(current, value, child));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    const { child, field } = lookup(schema, key);
    const item = child.t === 'list' ? child.item() : child;
    setOwn(out, key, mergeList(current, value, item, field, deletes));
  } else if (!deletes) {
    // New, or of another kind than before: the patch's value, without nulls and directives.
    const plain = withoutDirectives(changesKind(current, value) ? withoutNulls(value) : value);
    if (plain === undefined) delete out[key];
    else setOwn(out, key, plain);
  }
}

function changesKind(current: unknown, value: unknown): boolean {
  return current === undefined || typeof current !== typeof value || Array.isArray(current) !== Array.isArray(value);
}

function mergeList(
  current: readonly unknown[],
  value: readonly unknown[],
  item: TypeSchema,
  field: FieldSchema | undefined,
  deletes: boolean,
): readonly unknown[] {
  if (strategyOf(field) !== 'merge' && !deletes) return value;
  if (current.length === 0 && value.length === 0) return current;
  const kind = itemKind(current, value);
  const mergeKey = field?.patchMergeKey ?? '';
  if (kind === 'scalar') {
    if (deletes) return current.filter((v) => !value.includes(v));
    const merged = deduplicate([...current, ...value]);
    const { inBoth, rest } = partition(merged, value, mergeKey);
    return orderItems(inBoth, rest, value, current, mergeKey, kind);
  }
  if (mergeKey === '') throw unclassified(`cannot merge lists without merge key for ${item.t}`);
  const special = withoutSpecialItems(current, value, mergeKey);
  const merged = mergeItems(special.original, special.patch, mergeKey, item);
  const { inBoth, rest } = partition(merged, special.patch, mergeKey);
  return orderItems(inBoth, rest, special.patch, special.original, mergeKey, kind);
}

/** The first of equal scalars stays; the last one takes the place of a removed one, as in the server's library. */
function deduplicate(list: unknown[]): unknown[] {
  for (let i = 0; i < list.length - 1; i++) {
    for (let j = i + 1; j < list.length; j++) {
      if (list[i] !== list[j]) continue;
      list[j] = list.at(-1);
      list.pop();
      j--;
    }
  }
  return list;
}

/** Carries out `$patch` items: `delete` removes the item of that key, `replace` makes the patch the whole list. */
function withoutSpecialItems(
  original: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
): { original: readonly unknown[]; patch: readonly JsonObject[] } {
  const plain: JsonObject[] = [];
  let left = original;
  let replace = false;
  for (const item of patch) {
    if (!isObject(item)) continue;
    if (!Object.hasOwn(item, PATCH)) {
      plain.push(item);
      continue;
    }
    const directive = item[PATCH];
    if (directive === 'replace') replace = true;
    else if (directive === 'merge') throw unclassified('merging lists cannot yet be specified in the patch');
    else if (directive !== 'delete') throw badPatchType(directive, item);
    else {
      if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
      left = left.filter((other) => !isObject(other) || other[mergeKey] !== item[mergeKey]);
    }
  }
  return replace ? { original: plain, patch: [] } : { original: left, patch: plain };
}

function mergeItems(
  original: readonly unknown[],
  patch: readonly JsonObject[],
  mergeKey: string,
  schema: TypeSchema,
): unknown[] {
  const out = [...original];
  for (const item of patch) {
    if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
    const at = findByKey(out, mergeKey, item[mergeKey]);
    const found = out[at];
    if (isObject(found)) out[at] = mergeMap(found, item, schema);
    else out.push(item);
  }
  return out;
}

function retainKeys(out: Mutable, patch: Mutable): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return;
  const keys = patch[RETAIN_KEYS];
  delete patch[RETAIN_KEYS];
  if (!Array.isArray(keys)) throw badRequest(BAD_RETAIN_KEYS);
  for (const [key, value] of Object.entries(patch)) {
    const exempt = value === null || key.startsWith(DELETE_FROM) || key.startsWith(ELEMENT_ORDER);
    if (!exempt && !keys.includes(key)) throw badRequest(BAD_RETAIN_KEYS);
  }
  for (const key of Object.keys(out)) if (!keys.includes(key)) delete out[key];
}

/** Merges the lists that have a `$setElementOrder` and takes them out of the patch. */
function mergeOrderedLists(out: Mutable, patch: Mutable, schema: TypeSchema): void {
  for (const [directive, order] of Object.entries(patch)) {
    if (!directive.startsWith(ELEMENT_ORDER)) continue;
    delete patch[directive];
    if (!Array.isArray(order)) throw expectedList(order);
    const key = directiveKey(directive, ELEMENT_ORDER, BAD_ELEMENT_ORDER);
    const merged = mergeOrderedList(out, patch, key, order, schema);
    if (merged === undefined) continue;
    setOwn(out, key, merged);
    delete patch[key];
  }
}

function mergeOrderedList(
  out: JsonObject,
  patch: JsonObject,
  key: string,
  order: readonly unknown[],
  schema: TypeSchema,
): unknown[] | undefined {
  const original = listAt(out, key);
  const changes = listAt(patch, key);
  const { child, field } = lookup(schema, key);
  const item = child.t === 'list' ? child.item() : child;
  const mergeKey = field?.patchMergeKey ?? '';
  checkOrder(changes ?? [], order, mergeKey);
  if (original === undefined && changes === undefined) return undefined;
  let merged: readonly unknown[];
  if (changes === undefined) merged = original ?? [];
  else if (original === undefined) merged = withoutDirectives(changes) as unknown[];
  else merged = mergeList(original, changes, item, field, false);
  const { inBoth, rest } = partition(merged, order, mergeKey);
  const kind = itemKind(original ?? [], changes ?? []);
  return orderItems(inBoth, rest, order, original ?? [], mergeKey, kind);
}

function listAt(map: JsonObject, key: string): readonly unknown[] | undefined {
  const value = getOwn(map, key);
  if (value !== undefined && !Array.isArray(value)) throw expectedList(value);
  return value;
}

function expectedList(value: unknown): Error {
  const type = value === null ? '%!s(<nil>)' : isObject(value) ? 'map[string]interface {}' : typeof value;
  return unclassified(`expected a []interface {}, but received a ${type}`);
}

/** The items of the patch have to be in the order list, in that order. */
function checkOrder(list: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (list.length === 0 || order.length === 0) return;
  const items = mergeKey === '' ? list : list.filter((v) => !(isObject(v) && v[PATCH] === 'delete'));
  let at = 0;
  for (let o = 0; at < items.length && o < order.length; o++) {
    const item = items[at];
    if (isObject(item) && Object.hasOwn(item, PATCH)) {
      at++;
      o--;
    } else if (sameKey(item, order[o], mergeKey)) at++;
  }
  if (at < items.length) {
    throw unclassified(
      `The order in patch list:\n${goText(list)}\n doesn't match ${ELEMENT_ORDER} list:\n${goText(order)}\n`,
    );
  }
}

function sameKey(a: unknown, b: unknown, mergeKey: string): boolean {
  if (mergeKey === '') return a === b;
  for (const item of [a, b]) {
    if (!isObject(item)) throw unclassified(`expected a map[string]interface {}, but received a ${typeof item}`);
    if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
  }
  return (a as JsonObject)[mergeKey] === (b as JsonObject)[mergeKey];
}

function directiveKey(key: string, prefix: string, message: string): string {
  const slash = key.indexOf('/');
  if (slash < 0 || key.slice(0, slash) !== prefix) throw badRequest(message);
  return key.slice(slash + 1);
}

function strategyOf(field: FieldSchema | undefined): string | undefined {
  return field?.patchStrategy?.split(',').find((s) => s !== 'retainKeys');
}

function lookup(schema: TypeSchema, key: string): { child: TypeSchema; field: FieldSchema | undefined } {
  if (schema.t === 'map') return { child: schema.value(), field: undefined };
  const field = schema.t === 'struct' && Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
  if (field === undefined) {
    const name = schema.t === 'struct' ? (schema.name?.split('.').at(-1) ?? '') : 'RawExtension';
    throw unclassified(`unable to find api field in struct ${name} for the json field ${JSON.stringify(key)}`);
  }
  return { child: field.schema(), field };
}

/** Undefined for a value that is itself a directive. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((v) => v !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, PATCH)) return undefined;
  const out: Mutable = {};
  for (const [key, v] of Object.entries(value)) {
    const plain = withoutDirectives(v);
    if (plain !== undefined) setOwn(out, key, plain);
  }
  return out;
}
