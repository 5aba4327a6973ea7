/**
 * Sets of field paths, the `fieldsV1` of managedFields: a tree keyed by path elements in their serialised form
 * (`f:name` a field, `k:{"name":"x"}` an item of a map list, `v:"x"` an item of a set, `i:0` an index). A set is a value:
 * operations return new ones and share subtrees. Rules as in structured-merge-diff's fieldpath.Set.
 */
export type FieldSet = ReadonlyMap<string, FieldNode>;

export interface FieldNode {
  /** Whether the field itself belongs to the set, apart from fields below it. */
  readonly member: boolean;
  /** Never empty. */
  readonly children: FieldSet | undefined;
}

type Building = Map<string, { member: boolean; children: Building | undefined }>;

export const EMPTY: FieldSet = new Map();

/** A set under construction. */
export class FieldSetBuilder {
  private readonly root: Building = new Map();

  /** Adds one field; parents are not added. The empty path, the object itself, is nobody's. */
  insert(path: readonly string[]): void {
    let level = this.root;
    for (const [i, element] of path.entries()) {
      let node = level.get(element);
      if (node === undefined) {
        node = { member: false, children: undefined };
        level.set(element, node);
      }
      if (i === path.length - 1) node.member = true;
      else {
        node.children ??= new Map();
        level = node.children;
      }
    }
  }

  get set(): FieldSet {
    return this.root;
  }
}

/** A set of a few known paths, written as field names. */
export function fieldSetOf(paths: readonly (readonly string[])[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path.map((name) => `f:${name}`));
  return builder.set;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const out = new Map(a);
  for (const [element, node] of b) {
    const other = out.get(element);
    out.set(element, other === undefined ? node : uniteNodes(other, node));
  }
  return out;
}

function uniteNodes(a: FieldNode, b: FieldNode): FieldNode {
  const children =
    a.children === undefined || b.children === undefined ? (a.children ?? b.children) : union(a.children, b.children);
  return { member: a.member || b.member, children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const out = new Map<string, FieldNode>();
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  for (const [element, node] of small) {
    const other = large.get(element);
    if (other === undefined) continue;
    const children =
      node.children === undefined || other.children === undefined
        ? undefined
        : intersection(node.children, other.children);
    put(out, element, node.member && other.member, children);
  }
  return out;
}

/** Members of `a` that are not members of `b`; a field stays when only its parent or its children are in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0 || b.size === 0) return a;
  const out = new Map<string, FieldNode>();
  for (const [element, node] of a) {
    const other = b.get(element);
    if (other === undefined) {
      out.set(element, node);
      continue;
    }
    const children =
      node.children === undefined || other.children === undefined
        ? node.children
        : difference(node.children, other.children);
    put(out, element, node.member && !other.member, children);
  }
  return out;
}

/** Like {@link difference}, and a member of `b` also takes away everything below it. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0 || b.size === 0) return a;
  const out = new Map<string, FieldNode>();
  for (const [element, node] of a) {
    const other = b.get(element);
    if (other === undefined) {
      out.set(element, node);
      continue;
    }
    if (other.member) continue;
    const children =
      node.children === undefined || other.children === undefined
        ? node.children
        : recursiveDifference(node.children, other.children);
    put(out, element, node.member, children);
  }
  return out;
}

function put(out: Map<string, FieldNode>, element: string, member: boolean, children: FieldSet | undefined): void {
  const kept = children === undefined || children.size === 0 ? undefined : children;
  if (member || kept !== undefined) out.set(element, { member, children: kept });
}

/** Whether the field at `path` is a member. */
export function has(set: FieldSet, path: readonly string[]): boolean {
  let level: FieldSet | undefined = set;
  for (const [i, element] of path.entries()) {
    const node: FieldNode | undefined = level?.get(element);
    if (node === undefined) return false;
    if (i === path.length - 1) return node.member;
    level = node.children;
  }
  return false;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [element, node] of a) {
    const other = b.get(element);
    if (other === undefined || other.member !== node.member) return false;
    if (!equalSets(node.children ?? EMPTY, other.children ?? EMPTY)) return false;
  }
  return true;
}

/** The paths of all members, parents before children, in the order of the real server's lists of conflicts. */
export function members(set: FieldSet): readonly (readonly string[])[] {
  const out: (readonly string[])[] = [];
  collect(set, [], out);
  return out;
}

function collect(set: FieldSet, prefix: readonly string[], out: (readonly string[])[]): void {
  const sorted = [...set.keys()].sort(compareElements);
  for (const element of sorted) if (set.get(element)?.member) out.push([...prefix, element]);
  for (const element of sorted) {
    const children = set.get(element)?.children;
    if (children !== undefined) collect(children, [...prefix, element], out);
  }
}

const KIND_ORDER = 'fkvi';

function compareElements(a: string, b: string): number {
  const kinds = KIND_ORDER.indexOf(a.charAt(0)) - KIND_ORDER.indexOf(b.charAt(0));
  if (kinds !== 0) return kinds;
  if (a.startsWith('i:')) return Number(a.slice(2)) - Number(b.slice(2));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The `fieldsV1` of a set. */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const element of [...set.keys()].sort()) {
    const node = set.get(element);
    if (node === undefined) continue;
    const below = node.children === undefined ? {} : toFieldsV1(node.children);
    out[element] = node.member && node.children !== undefined ? { '.': {}, ...below } : below;
  }
  return out;
}

/** The set of a `fieldsV1`; undefined when it is malformed. */
export function fromFieldsV1(fields: unknown): FieldSet | undefined {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  const out = new Map<string, FieldNode>();
  for (const [key, below] of Object.entries(fields)) {
    if (key === '.') continue;
    const element = normalElement(key);
    const children = fromFieldsV1(below);
    if (element === undefined || children === undefined) return undefined;
    const member = children.size === 0 || Object.hasOwn(below as object, '.');
    out.set(element, { member, children: children.size === 0 ? undefined : children });
  }
  return out;
}

/** Key elements are compared as text, so their fields have to be in order. */
function normalElement(key: string): string | undefined {
  if (/^(?:f:|i:-?\d+$)/s.test(key)) return key;
  if (!/^[kv]:/.test(key)) return undefined;
  try {
    const value: unknown = JSON.parse(key.slice(2));
    if (key.startsWith('v:')) return `v:${JSON.stringify(value)}`;
    if (typeof value !== 'object' || value === null) return undefined;
    return keyElement(Object.entries(value));
  } catch {
    return undefined;
  }
}

/** The element of an item of a map list, from its key fields. */
export function keyElement(fields: readonly (readonly [string, unknown])[]): string {
  const sorted = fields.length < 2 ? fields : [...fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `k:{${sorted.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** A path as conflicts print it: `.spec.containers[name="c1"].image`. */
export function printPath(path: readonly string[]): string {
  return path.map(printElement).join('');
}

export function printElement(element: string): string {
  const content = element.slice(2);
  switch (element.charAt(0)) {
    case 'f':
      return `.${content}`;
    case 'k': {
      const fields = Object.entries(JSON.parse(content) as Record<string, unknown>);
      return `[${fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${content}]`;
    default:
      return `[${content}]`;
  }
}
