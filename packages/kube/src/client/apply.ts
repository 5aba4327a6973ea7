import { createHash } from 'node:crypto';
import type { Cached } from '../cache/store.ts';
import type { ApplyOptions, KubeClient } from './client.ts';
import type { KubeObject, Resource } from './objects.ts';

/** Members by which the elements of an object list are told apart, in the order they are looked for. */
const LIST_KEYS = ['name', 'mountPath', 'containerPort', 'port', 'ip', 'uid', 'type'] as const;
/** Objects remembered; the least recently applied is forgotten first, which costs one needless request. */
const MAX_REMEMBERED = 20_000;

interface Remembered {
  readonly uid: string | undefined;
  readonly intent: string;
  /** What the server made of the intent. */
  readonly outcome: string;
}

export type ApplyResult<T extends KubeObject> =
  | { readonly type: 'applied'; readonly object: T }
  /** The object already is what the intent makes of it; nothing was sent. */
  | { readonly type: 'unchanged' };

/**
 * Server-side apply that leaves out what would change nothing.
 *
 * Guarantees: sends the full intent with the given manager unless this process has applied the very same intent to this very
 * object (uid) before and every field of it still has the value that the server gave it then; so it repairs what others change
 * in owned fields, removes fields that left the intent, and is not misled by defaults or normalised quantities.
 * Assumptions: `live` comes from a cache that shows own writes (`showOwnWrites`), or was read just now.
 * Failure: rejects as {@link KubeClient.apply} does; a failed apply is not remembered.
 */
export class Applier {
  readonly #client: KubeClient;
  readonly #remembered = new Map<string, Remembered>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async apply<T extends KubeObject>(
    r: Resource<T>,
    intent: T,
    live: Cached<T> | undefined,
    options: ApplyOptions,
  ): Promise<ApplyResult<T>> {
    const { name, namespace } = intent.metadata;
    const key = [r.group, r.plural, namespace, name, options.fieldManager, options.subresource].join('/');
    const hash = intentHash(intent);
    const before = this.#remembered.get(key);
    if (
      live !== undefined &&
      before?.intent === hash &&
      before.uid === live.metadata.uid &&
      before.outcome === digest(projection(intent, live))
    ) {
      return { type: 'unchanged' };
    }
    const object = await this.#client.apply(r, intent, options);
    if (!options.dryRun) {
      this.#remembered.delete(key);
      this.#remembered.set(key, {
        uid: object.metadata.uid,
        intent: hash,
        outcome: digest(projection(intent, object)),
      });
      const oldest = this.#remembered.size > MAX_REMEMBERED ? this.#remembered.keys().next().value : undefined;
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    return { type: 'applied', object };
  }
}

/** A digest of an intent that does not depend on the order of its members. */
export function intentHash(intent: unknown): string {
  return digest(intent);
}

/**
 * The parts of `live` that `intent` speaks about: members that the intent has, elements of lists with the same key (`name`
 * and the like), and whole lists otherwise.
 */
export function projection(intent: unknown, live: unknown): unknown {
  if (Array.isArray(intent)) {
    if (!Array.isArray(live)) return live;
    const key = LIST_KEYS.find(
      (k) => intent.length > 0 && intent.every((item) => isRecord(item) && item[k] !== undefined),
    );
    if (key === undefined) return live;
    return intent.map((item: Record<string, unknown>) =>
      projection(
        item,
        live.find((l) => isRecord(l) && l[key] === item[key] && l.protocol === (item.protocol ?? l.protocol)),
      ),
    );
  }
  if (!isRecord(intent) || !isRecord(live)) return live;
  const out: Record<string, unknown> = {};
  for (const member of Object.keys(intent)) out[member] = projection(intent[member], live[member]);
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function digest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value, sorted) ?? 'undefined')
    .digest('base64url');
}

function sorted(_: string, value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
