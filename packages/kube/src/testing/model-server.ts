import type { KubeObject, ObjectMeta } from '../client/objects.ts';
import type { HttpRequest } from '../client/transport.ts';
import { type Answer, FakeTransport, ScriptedStream } from './fake-transport.ts';

interface LogEntry {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

interface OpenWatch {
  readonly stream: ScriptedStream;
  /** Entries up to here have been sent. */
  sent: number;
}

/**
 * What a kube-apiserver promises to somebody who lists and watches one kind, and nothing more: versions, a window of history
 * that can be compacted, continue tokens, bookmarks, streamed lists, and faults on demand. For property tests of the cache.
 */
export class ModelServer {
  readonly transport = new FakeTransport((request) => this.#answer(request));
  /** The next requests fail this way. */
  readonly faults: (Answer | Error)[] = [];
  /** Lists asked for with version 0 may be this many versions behind. */
  staleBy = 0;
  streamsLists = true;
  lists = 0;
  #version = 100;
  #oldest = 100;
  readonly #objects = new Map<string, KubeObject>();
  readonly #log: LogEntry[] = [];
  #watches: OpenWatch[] = [];
  #uids = 0;

  get content(): KubeObject[] {
    return [...this.#objects.values()].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  }

  get openWatches(): number {
    return this.#watches.length;
  }

  /** The content at an earlier version, rebuilt from the log. */
  at(version: number): KubeObject[] {
    const objects = new Map<string, KubeObject>();
    for (const entry of this.#log) {
      if (entry.version > version) break;
      const name = entry.object.metadata.name ?? '';
      if (entry.type === 'DELETED') objects.delete(name);
      else objects.set(name, entry.object);
    }
    return [...objects.values()].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  }

  /** Creates or changes an object and returns what the server would answer. */
  put(name: string, more: ObjectMeta = {}): KubeObject {
    const old = this.#objects.get(name);
    const version = ++this.#version;
    const uid = old?.metadata.uid ?? `uid-${++this.#uids}`;
    const object: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'ns',
        uid,
        resourceVersion: String(version),
        managedFields: [{ manager: 'm' }],
        ...more,
      },
    };
    this.#objects.set(name, object);
    this.#log.push({ version, type: old ? 'MODIFIED' : 'ADDED', object });
    return structuredClone(object);
  }

  remove(name: string): void {
    const old = this.#objects.get(name);
    if (old === undefined) return;
    const version = ++this.#version;
    this.#objects.delete(name);
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(version) } };
    this.#log.push({ version, type: 'DELETED', object });
  }

  /** Sends up to `count` events to each open watch. */
  deliver(count = Number.POSITIVE_INFINITY): void {
    for (const watch of this.#watches) {
      const due = this.#log.filter((e) => e.version > watch.sent).slice(0, count);
      for (const entry of due) {
        watch.stream.event({ type: entry.type, object: entry.object });
        watch.sent = entry.version;
      }
    }
  }

  /** Tells each open watch how far it has got. */
  bookmark(): void {
    for (const watch of this.#watches) watch.stream.event(bookmarkAt(watch.sent));
  }

  /** Changes elsewhere move the version on without an event here. */
  skip(versions: number): void {
    this.#version += versions;
    for (const watch of this.#watches) if (!this.#log.some((e) => e.version > watch.sent)) watch.sent = this.#version;
  }

  cut(how: 'reset' | 'close' | 'garbage'): void {
    for (const { stream } of this.#watches) {
      if (how === 'garbage') stream.text('{"type":\n');
      if (how === 'reset') stream.cut();
      else stream.end();
    }
    this.#watches = [];
  }

  /** Forgets history: watches and continue tokens from before are answered with 410. */
  compact(): void {
    this.#oldest = this.#version;
  }

  #answer(request: HttpRequest): Answer {
    const fault = this.faults.shift();
    if (fault instanceof Error) throw fault;
    if (fault !== undefined) return fault;
    const query = new URL(request.path, 'http://server').searchParams;
    return query.get('watch') === 'true' ? this.#watch(query, request.signal) : this.#list(query);
  }

  #list(query: URLSearchParams): Answer {
    this.lists++;
    const asked = query.get('resourceVersion') ?? '';
    if (asked !== '' && Number(asked) > this.#version) return tooLarge();
    const token = query.get('continue')?.split(':');
    const stale = asked === '0' ? Math.max(this.#oldest, this.#version - this.staleBy) : this.#version;
    const at = token ? Number(token[0]) : stale;
    if (at < this.#oldest) return expired();
    const all = this.at(at);
    const from = token ? Number(token[1]) : 0;
    const limit = asked === '0' ? 0 : Number(query.get('limit') ?? 0);
    const items = limit === 0 ? all : all.slice(from, from + limit);
    const more = limit > 0 && from + limit < all.length;
    return {
      body: {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: String(at), ...(more && { continue: `${at}:${from + limit}` }) },
        items,
      },
    };
  }

  #watch(query: URLSearchParams, signal: AbortSignal | undefined): Answer {
    const stream = new ScriptedStream();
    const initial = query.get('sendInitialEvents') === 'true';
    if (initial && !this.streamsLists) return failure(422, 'Invalid');
    const from = initial ? this.#version : Number(query.get('resourceVersion'));
    if (from < this.#oldest) {
      stream.event({ type: 'ERROR', object: expired().body });
      stream.end();
      return { body: stream };
    }
    if (initial) {
      for (const object of this.content) stream.event({ type: 'ADDED', object });
      stream.event(bookmarkAt(from, { 'k8s.io/initial-events-end': 'true' }));
    }
    const watch = { stream, sent: from };
    this.#watches.push(watch);
    signal?.addEventListener('abort', () => {
      this.#watches = this.#watches.filter((w) => w !== watch);
    });
    return { body: stream };
  }
}

function bookmarkAt(version: number, annotations?: Record<string, string>): unknown {
  const metadata = { resourceVersion: String(version), ...(annotations && { annotations }) };
  return { type: 'BOOKMARK', object: { kind: 'Pod', apiVersion: 'v1', metadata } };
}

/** A failed answer with a `Status` body. */
export function failure(code: number, reason: string, causes: { reason: string }[] = []): Answer {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason, details: { causes } },
  };
}

const expired = (): Answer => failure(410, 'Expired');
const tooLarge = (): Answer => failure(504, 'Timeout', [{ reason: 'ResourceVersionTooLarge' }]);
