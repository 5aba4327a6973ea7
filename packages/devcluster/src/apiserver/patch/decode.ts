import { decodeJson, isObject } from '../schema/index.ts';
import { badRequest, tooLarge } from './failures.ts';
import type { JsonPatchOperation } from './json-patch.ts';

const OPERATIONS_MAX = 10_000;

/** A decoded patch, and the repeated keys in its text (`data.a`) for fieldValidation. */
export interface DecodedPatch<T> {
  readonly patch: T;
  readonly duplicates: readonly string[];
}

/** Decodes the body of a JSON patch. Throws StatusError: 400 when it is no list of operations, 413 when it is too long. */
export function decodeJsonPatch(body: Uint8Array): DecodedPatch<readonly JsonPatchOperation[]> {
  const decoded = decodeJson(body);
  if (!decoded.ok) throw badRequest(`error decoding patch: ${decoded.message}`);
  const value = decoded.value ?? [];
  if (!Array.isArray(value)) throw badRequest(mismatch(value, 'Go value of type []handlers.jsonPatchOp'));
  for (const operation of value) checkOperation(operation);
  if (value.length > OPERATIONS_MAX) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${value.length}`);
  }
  return { patch: value as JsonPatchOperation[], duplicates: decoded.duplicates };
}

function checkOperation(operation: unknown): void {
  if (typeof operation !== 'object' || operation === null || Array.isArray(operation)) {
    throw badRequest(mismatch(operation, 'Go value of type handlers.jsonPatchOp'));
  }
  for (const field of ['op', 'path', 'from'] as const) {
    const value = (operation as Record<string, unknown>)[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw badRequest(mismatch(value, `Go struct field jsonPatchOp.${field} of type string`));
    }
  }
}

/** Decodes the body of a merge patch. Throws StatusError 400 when it is no object. */
export function decodeMergePatch(body: Uint8Array): DecodedPatch<Readonly<Record<string, unknown>>> {
  const decoded = decodeJson(body);
  if (!decoded.ok) throw badRequest(`error decoding patch: ${decoded.message}`);
  if (decoded.value === null) throw badRequest('Invalid JSON Patch');
  if (!isObject(decoded.value)) throw badRequest(mismatch(decoded.value, OBJECT));
  return { patch: decoded.value, duplicates: decoded.duplicates };
}

/** Decodes the body of a strategic merge patch, with the same failures in other words. */
export function decodeStrategicMergePatch(body: Uint8Array): DecodedPatch<Readonly<Record<string, unknown>>> {
  const decoded = decodeJson(body);
  if (!decoded.ok) throw badRequest(decoded.message);
  const value = decoded.value ?? {};
  if (!isObject(value)) throw badRequest(mismatch(value, OBJECT).replace('error decoding patch: ', ''));
  return { patch: value, duplicates: decoded.duplicates };
}

const OBJECT = 'Go value of type map[string]interface {}';

function mismatch(value: unknown, target: string): string {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `error decoding patch: json: cannot unmarshal ${kind} into ${target}`;
}
