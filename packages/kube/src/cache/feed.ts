import type { KubeObject } from '../client/objects.ts';
import { newerVersion } from './version.ts';

/** Where a reflector delivers: one scope (a namespace, or everything) of a {@link Store}. */
export interface Feed<T extends KubeObject> {
  /** The newest version delivered so far; undefined before the first list. */
  readonly version: string | undefined;
  /** Replaces the scope's content by a complete list made at `version`, in one step. */
  replace(items: readonly T[], version: string | undefined): void;
  observe(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** Everything up to `version` has been delivered (a bookmark). */
  progress(version: string): void;
  /** The scope cannot be read for now: nobody waits for its first list any longer. What a later list brings counts as usual. */
  skip(): void;
}

type Sink<T extends KubeObject> = Pick<Feed<T>, 'replace' | 'observe' | 'progress' | 'skip'>;

/** The {@link Feed} of one scope; what is delivered goes on to `sink`. */
export class ScopedFeed<T extends KubeObject> implements Feed<T> {
  version: string | undefined;
  synced = false;
  /** A complete list was delivered. */
  listed = false;
  readonly namespace: string | undefined;
  readonly #sink: Sink<T>;
  #closed = false;

  constructor(namespace: string | undefined, sink: Sink<T>) {
    this.namespace = namespace;
    this.#sink = sink;
  }

  close(): void {
    this.#closed = true;
  }

  skip(): void {
    if (this.#closed || this.synced) return;
    this.synced = true;
    this.#sink.skip();
  }

  replace(items: readonly T[], version: string | undefined): void {
    if (this.#closed) return;
    this.version = version;
    this.synced = true;
    this.listed = true;
    this.#sink.replace(items, version);
  }

  observe(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    if (this.#closed) return;
    this.version = newerVersion(this.version, object.metadata.resourceVersion);
    this.#sink.observe(type, object);
  }

  progress(version: string): void {
    if (this.#closed) return;
    this.version = newerVersion(this.version, version);
    this.#sink.progress(version);
  }
}
