import { equalJson, getOwn, setOwn } from '../schema/index.ts';
import { unprocessable } from './failures.ts';

export interface JsonPatchOperation {
  readonly op?: string;
  readonly path?: string;
  readonly from?: string;
  readonly value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

/**
 * Applies a JSON patch (RFC 6902) as the server's library does, which is laxer in places: `replace` and `copy` of a key
 * that is not there work on objects, array indices may be negative. The document is not changed.
 *
 * Throws StatusError 422 when an operation does not apply; nothing is applied then.
 */
export function applyJsonPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const root = { document: structuredClone(document) };
  for (const operation of operations) apply(root, operation);
  return root.document;
}

function apply(root: { document: unknown }, operation: JsonPatchOperation): void {
  const path = operation.path ?? '';
  switch (operation.op) {
    case 'add': {
      const { container, key } = find(root.document, path);
      add(container, key, operand(operation));
      return;
    }
    case 'remove': {
      const { container, key } = find(root.document, path);
      remove(container, key);
      return;
    }
    case 'replace':
      replace(root, path, operation);
      return;
    case 'move': {
      const from = find(root.document, operation.from ?? '');
      const value = get(from.container, from.key);
      remove(from.container, from.key);
      const to = find(root.document, path);
      add(to.container, to.key, value);
      return;
    }
    case 'copy': {
      const from = find(root.document, operation.from ?? '');
      const value = structuredClone(get(from.container, from.key));
      const to = find(root.document, path);
      add(to.container, to.key, value ?? null);
      return;
    }
    case 'test':
      test(root.document, path, operation);
      return;
    default:
      throw unprocessable();
  }
}

function operand(operation: JsonPatchOperation): unknown {
  return structuredClone(operation.value ?? null);
}

function replace(root: { document: unknown }, path: string, operation: JsonPatchOperation): void {
  if (path === '') {
    const value = operand(operation);
    if (typeof value !== 'object' || value === null) throw unprocessable();
    root.document = value;
    return;
  }
  const { container, key } = find(root.document, path);
  if (Array.isArray(container)) container[indexIn(container, key)] = operand(operation);
  else setOwn(container, key, operand(operation));
}

function test(document: unknown, path: string, operation: JsonPatchOperation): void {
  const value = path === '' ? document : testedValue(document, path);
  if (!equalJson(value ?? null, operation.value ?? null)) throw unprocessable();
}

function testedValue(document: unknown, path: string): unknown {
  const { container, key } = find(document, path);
  return get(container, key);
}

/** The container of the last part of a path. */
function find(document: unknown, path: string): { container: Container; key: string } {
  const parts = path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (parts.length < 2) throw unprocessable();
  let at: unknown = document;
  for (const part of parts.slice(1, -1)) {
    if (!isContainer(at)) throw unprocessable();
    at = get(at, part);
  }
  if (!isContainer(at)) throw unprocessable();
  return { container: at, key: parts.at(-1) ?? '' };
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

function get(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[indexIn(container, key)];
  return getOwn(container, key);
}

function add(container: Container, key: string, value: unknown): void {
  if (!Array.isArray(container)) {
    setOwn(container, key, value);
  } else if (key === '-') {
    container.push(value);
  } else {
    const size = container.length + 1;
    const index = integer(key);
    if (index >= size || index < -size) throw unprocessable();
    container.splice(index < 0 ? index + size : index, 0, value);
  }
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) {
    container.splice(indexIn(container, key), 1);
  } else {
    if (!Object.hasOwn(container, key)) throw unprocessable();
    delete container[key];
  }
}

/** Indices count from the end when they are negative. */
function indexIn(list: readonly unknown[], key: string): number {
  const index = integer(key);
  const positive = index < 0 ? index + list.length : index;
  if (positive < 0 || positive >= list.length) throw unprocessable();
  return positive;
}

function integer(key: string): number {
  if (!/^[+-]?\d+$/.test(key)) throw unprocessable();
  return Number(key);
}
