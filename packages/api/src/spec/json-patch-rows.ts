import { isJsonObject, isNumber, type Json, type JsonObject, javaNumberText, jsonEqual } from '../values/json.ts';

/** One place at which two values differ. A side that has no such place is undefined. */
export interface ChangedPlace {
  /** Names and positions that lead there; empty for the values themselves. */
  readonly path: readonly string[];
  readonly left: Json | undefined;
  readonly right: Json | undefined;
}

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move';
  readonly path: readonly string[];
  readonly value: Json;
}

/**
 * Where two values differ, in the order and with the paths of the JSON patch that the Apache operator makes of them: what
 * was removed in one place and added in another is one row, at the place where it is now.
 */
export function changedPlaces(left: Json, right: Json): ChangedPlace[] {
  const operations: Operation[] = [];
  compare([], left, right, operations);
  return withMoves(operations).map(({ path }) => ({ path, left: at(left, path), right: at(right, path) }));
}

function compare(path: readonly string[], left: Json, right: Json, out: Operation[]): void {
  if (jsonEqual(left, right)) return;
  if (Array.isArray(left) && Array.isArray(right)) compareLists(path, left, right, out);
  else if (isJsonObject(left) && isJsonObject(right)) compareObjects(path, left, right, out);
  else out.push({ op: 'replace', path, value: right });
}

function compareObjects(path: readonly string[], left: JsonObject, right: JsonObject, out: Operation[]): void {
  for (const [key, value] of Object.entries(left)) {
    const other = right[key];
    if (other === undefined) out.push({ op: 'remove', path: [...path, key], value });
    else compare([...path, key], value, other, out);
  }
  for (const [key, value] of Object.entries(right)) {
    if (left[key] === undefined) out.push({ op: 'add', path: [...path, key], value });
  }
}

function compareLists(path: readonly string[], left: readonly Json[], right: readonly Json[], out: Operation[]): void {
  const here = (position: number): string[] => [...path, String(position)];
  let l = 0;
  let r = 0;
  let position = 0;
  for (const kept of commonSubsequence(left, right)) {
    while (!(jsonEqual(kept, left[l]) && jsonEqual(kept, right[r]))) {
      if (jsonEqual(kept, left[l])) out.push({ op: 'add', path: here(position++), value: right[r++] ?? null });
      else if (jsonEqual(kept, right[r])) out.push({ op: 'remove', path: here(position), value: left[l++] ?? null });
      else compare(here(position++), left[l++] ?? null, right[r++] ?? null, out);
    }
    l += 1;
    r += 1;
    position += 1;
  }
  while (l < left.length && r < right.length) compare(here(position++), left[l++] ?? null, right[r++] ?? null, out);
  while (r < right.length) out.push({ op: 'add', path: here(position++), value: right[r++] ?? null });
  while (l < left.length) out.push({ op: 'remove', path: here(position), value: left[l++] ?? null });
}

/** A longest common subsequence; among several the one that keeps the first elements of the left list. */
function commonSubsequence(left: readonly Json[], right: readonly Json[]): Json[] {
  const lengths = Array.from({ length: left.length + 1 }, () => new Array<number>(right.length + 1).fill(0));
  const length = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row)
        row[j] = jsonEqual(left[i], right[j]) ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
    }
  }
  const out: Json[] = [];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    if (jsonEqual(left[i], right[j])) {
      out.push(left[i] ?? null);
      i += 1;
      j += 1;
    } else if (length(i, j + 1) >= length(i + 1, j)) j += 1;
    else i += 1;
  }
  return out;
}

/** An addition and a removal of the same value become one move, at the place of the first of them in the order. */
function withMoves(operations: readonly Operation[]): Operation[] {
  const out = [...operations];
  for (let i = 0; i < out.length; i++) {
    const first = out[i];
    if (first?.op !== 'add' && first?.op !== 'remove') continue;
    const wanted = first.op === 'add' ? 'remove' : 'add';
    const j = out.findIndex((other, index) => index > i && other.op === wanted && jsonEqual(other.value, first.value));
    const second = out[j];
    if (second === undefined) continue;
    out[i] = { op: 'move', path: first.op === 'add' ? first.path : second.path, value: first.value };
    out.splice(j, 1);
  }
  return out;
}

function at(value: Json, path: readonly string[]): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path)
    here = Array.isArray(here) ? here[Number(step)] : isJsonObject(here) ? here[step] : undefined;
  return here;
}

/** One side of a change as text: plain values bare, others (and empty texts) as JSON; what became nothing is only hinted at. */
export function changeTexts({ left, right }: Pick<ChangedPlace, 'left' | 'right'>): readonly [string, string] {
  const empty = left === undefined || left === '' || (typeof left === 'object' && left !== null && !isNumber(left));
  const gone = (right ?? null) === null && empty;
  return [gone ? '{..}' : valueText(left ?? null), valueText(right ?? null)];
}

function valueText(value: Json): string {
  if (isNumber(value)) return javaNumberText(value);
  return typeof value === 'string' && value !== '' ? value : compactJson(value);
}

/** JSON without spaces, numbers as Java writes them. */
export function compactJson(value: Json): string {
  if (isNumber(value)) return javaNumberText(value);
  if (Array.isArray(value)) return `[${value.map(compactJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${compactJson(item)}`).join(',')}}`;
}
