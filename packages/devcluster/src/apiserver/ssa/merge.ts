import { isObject, setOwn, type TypeSchema } from '../schema/index.ts';
import { fieldSchemaOrAny, isAtomic, itemElement, itemSchema, type Shape, shapeOf } from './typed.ts';

/** `intent` laid over `live`, field by field: maps and associative lists are merged, everything else is replaced. */
export function mergeTyped(live: unknown, intent: unknown, schema: TypeSchema): unknown {
  return merge(live, intent, schema);
}

/** undefined stands for "no value" on either side and in the answer. */
function merge(left: unknown, right: unknown, schema: TypeSchema): unknown {
  const shape = right === undefined ? shapeOf(schema, left) : shapeOf(schema, right);
  const leftShape = shapeOf(schema, left);
  // A value that changes its shape replaces the old one, unless it is null.
  const other = left !== undefined && right !== undefined && leftShape !== shape ? undefined : left;
  return handle(other, right, left, schema, shape);
}

function handle(left: unknown, right: unknown, leafLeft: unknown, schema: TypeSchema, shape: Shape): unknown {
  const leaf = right === undefined ? leafLeft : right;
  if (shape === 'scalar') return leaf;
  if (shape === 'map') {
    const l = isObject(left) ? left : {};
    const r = isObject(right) ? right : {};
    const empty = Object.keys(l).length === 0 && Object.keys(r).length === 0;
    return isAtomic(schema, shape) || empty ? leaf : mergeMaps(l, r, schema);
  }
  const l = Array.isArray(left) ? left : [];
  const r = Array.isArray(right) ? right : [];
  return isAtomic(schema, shape) || (l.length === 0 && r.length === 0) ? leaf : mergeLists(l, r, schema);
}

function mergeMaps(
  left: Readonly<Record<string, unknown>>,
  right: Readonly<Record<string, unknown>>,
  schema: TypeSchema,
): unknown {
  const out: Record<string, unknown> = {};
  const put = (key: string, value: unknown): void => {
    if (value === undefined) return;
    setOwn(out, key, value);
  };
  for (const [key, value] of Object.entries(left)) {
    const other = Object.hasOwn(right, key) ? right[key] : undefined;
    put(key, other === undefined ? value : merge(value, other, fieldSchemaOrAny(schema, key)));
  }
  for (const [key, value] of Object.entries(right)) {
    if (!Object.hasOwn(left, key)) put(key, merge(undefined, value, fieldSchemaOrAny(schema, key)));
  }
  return out;
}

interface Indexed {
  readonly order: readonly string[];
  /** An element that occurs twice stands for null: it is not merged with. */
  readonly items: ReadonlyMap<string, unknown>;
}

function index(list: readonly unknown[], schema: TypeSchema): Indexed {
  const order: string[] = [];
  const items = new Map<string, unknown>();
  for (const item of list) {
    const named = itemElement(schema, item);
    if (!named.ok) continue;
    order.push(named.element);
    items.set(named.element, items.has(named.element) ? null : item);
  }
  return { order, items };
}

/**
 * Items that both lists have come in the order of `right`; items of `left` alone keep their place in front of the shared
 * item that follows them. Items of `left` that repeat a key are kept as they are, unless `right` has that key.
 */
function mergeLists(left: readonly unknown[], right: readonly unknown[], schema: TypeSchema): unknown {
  const l = index(left, schema);
  const r = index(right, schema);
  const item = itemSchema(schema);
  const shared = r.order.filter((element) => l.items.has(element));
  const merged = new Set<string>();
  const out: unknown[] = [];
  const emit = (value: unknown): void => {
    if (value !== undefined) out.push(value);
  };
  let li = 0;
  let ri = 0;
  let next = shared.shift();
  while (li < l.order.length || ri < r.order.length) {
    const le = l.order[li];
    const re = r.order[ri];
    if (le !== undefined && re !== undefined) {
      if (le === re) {
        merged.add(le);
        emit(merge(l.items.get(le), r.items.get(le), item));
        li++;
        ri++;
        next = shared.shift();
        continue;
      }
      if (r.items.has(le) && next !== undefined && next !== le) {
        // Shared, but another item is due first.
        li++;
        continue;
      }
    }
    if (le !== undefined) {
      if (!r.items.has(le)) {
        emit(left[li]);
        li++;
        continue;
      }
      if (merged.has(le)) li++;
    }
    if (re !== undefined) {
      merged.add(re);
      emit(merge(l.items.get(re), r.items.get(re), item));
      ri++;
      if (next === re) next = shared.shift();
    }
  }
  return out.length === 0 ? undefined : out;
}
