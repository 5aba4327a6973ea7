import type { KubeObject, ObjectMeta } from '@drey/kube';
import { MANAGER } from '../../job/primary-writes.ts';

/** What somebody changed in an object who neither created it nor is this operator. */
export interface ForeignEdit {
  readonly manager: string;
  /** Written through a subresource, for example `scale`. */
  readonly subresource: string | undefined;
  readonly paths: readonly FieldPath[];
}

/** Members from the outside in; an element of a list is `[name=main]`, by the members it is known by. */
export type FieldPath = readonly string[];

/** `spec.template.spec.containers[name=main].image`. */
export function pathText(path: FieldPath): string {
  return path.reduce((text, part) => (text === '' || part.startsWith('[') ? `${text}${part}` : `${text}.${part}`), '');
}

/** The element of a list that `[name=main]` stands for. */
export function elementKey(part: string): Readonly<Record<string, string>> | undefined {
  if (!part.startsWith('[')) return undefined;
  return Object.fromEntries(
    part
      .slice(1, -1)
      .split(',')
      .map((pair) => pair.split('=', 2)),
  );
}

/** An object of which the cache has kept who else changed it. */
export interface Edited {
  readonly edits?: readonly ForeignEdit[];
}

/** Fields kept of one edit; more are not told to anybody. */
const MAX_PATHS = 50;

/**
 * Who else than its creator changed fields below `roots`, as the API server has recorded it. The creator may be this
 * operator, Flink, another operator or a restored backup. What controllers write into `status` is no edit.
 */
export function foreignEdits({ metadata }: KubeObject, roots: readonly FieldPath[]): readonly ForeignEdit[] {
  const entries = (metadata.managedFields ?? []).filter((one) => one.subresource !== 'status');
  const creator = creatorOf(metadata, entries);
  return entries
    .filter(({ manager }) => manager !== creator && manager !== MANAGER && manager !== BEFORE_APPLY)
    .map(({ manager = 'unknown', subresource, fieldsV1 }) => ({
      manager,
      subresource: subresource === '' ? undefined : subresource,
      paths: pathsOf(fieldsV1)
        .filter((path) => roots.some((root) => root.every((part, index) => path[index] === part)))
        .slice(0, MAX_PATHS),
    }))
    .filter(({ paths }) => paths.length > 0);
}

/** What an object had before its first server-side apply stands under this name. */
const BEFORE_APPLY = 'before-first-apply';

type Entry = NonNullable<ObjectMeta['managedFields']>[number];

/**
 * Whoever wrote when the object was made. An entry has the time of its last write: where none is as old as the object, its
 * creator has written again, which of all creators only this operator does.
 */
function creatorOf({ creationTimestamp }: ObjectMeta, entries: readonly Entry[]): string | undefined {
  const first = entries.filter(({ time }) => time === creationTimestamp);
  const ours = (first.length === 0 ? entries : first).find(({ manager }) => manager === MANAGER);
  return (ours ?? first[0] ?? firstOf(entries))?.manager;
}

function firstOf(entries: readonly Entry[]): Entry | undefined {
  const time = ({ time = '' }: Entry): number => Date.parse(time) || Number.POSITIVE_INFINITY;
  return [...entries].sort((one, other) => time(one) - time(other))[0];
}

/** The leaves of a `fieldsV1`. */
export function pathsOf(fields: unknown): FieldPath[] {
  const out: FieldPath[] = [];
  walk(fields, [], out);
  return out;
}

function walk(fields: unknown, path: FieldPath, out: FieldPath[]): void {
  if (typeof fields !== 'object' || fields === null) return;
  const members = Object.entries(fields).filter(([key]) => key.startsWith('f:') || key.startsWith('k:'));
  if (members.length === 0 && path.length > 0) out.push(path);
  for (const [key, below] of members) {
    const name = key.slice(2);
    walk(below, [...path, key.startsWith('k:') ? `[${keyed(name)}]` : name], out);
  }
}

/** `{"name":"main"}` → `name=main`. */
function keyed(text: string): string {
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    return entries.map(([name, value]) => `${name}=${String(value)}`).join(',');
  } catch {
    return text;
  }
}
