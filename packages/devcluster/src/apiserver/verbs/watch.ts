import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import type { FieldError } from '../model.ts';
import { negotiate } from '../negotiate.ts';
import { isTrue } from '../request-info.ts';
import { invalidOptions } from '../status.ts';
import type { Change } from '../storage/index.ts';
import type { Call } from './context.ts';
import { isSelected, type Selection, scopeOf, selectionOf } from './list.ts';
import { integerParameter, parseResourceVersion } from './parameters.ts';
import { type EventWriter, eventWriter } from './watch-events.ts';
import { WatchQueue } from './watch-queue.ts';

const BOOKMARK_EVERY_MS = 60_000;
/** Watches without timeoutSeconds end after this time up to twice as long, so that clients do not come back all at once. */
const DEFAULT_TIMEOUT_MS = 1_800_000;

interface WatchQuery {
  readonly revision: number | undefined;
  readonly initialEvents: boolean;
  readonly initialBookmark: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
}

/** GET with `watch`: a stream of events, one JSON document a line. */
export function watchObjects(call: Call): ApiResponse {
  const query = watchQuery(call);
  const selection = selectionOf(call);
  const form = negotiate(call.request.headers.accept, call.request.query);
  const watcher = new Watcher(call, selection, eventWriter(call, form));
  watcher.start(query);
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    warnings: call.warnings,
    body: watcher.queue,
  };
}

function watchQuery({ request, core }: Call): WatchQuery {
  const { query } = request;
  const timeout = integerParameter(query.get('timeoutSeconds')) ?? 0;
  const sendInitialEvents = query.get('sendInitialEvents');
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const version = query.get('resourceVersion');
  const errors = watchErrors(query.get('resourceVersionMatch') ?? '', sendInitialEvents);
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
  const revision = parseResourceVersion(version, 'watch');
  const unset = version === null || version === '';
  const initialEvents = sendInitialEvents === null ? unset || revision === 0 : isTrue(sendInitialEvents);
  return {
    revision: revision === 0 ? undefined : revision,
    initialEvents,
    initialBookmark: bookmarks && initialEvents && (sendInitialEvents !== null || unset),
    bookmarks,
    timeoutMs: timeout > 0 ? timeout * 1000 : DEFAULT_TIMEOUT_MS * (1 + core.random.next()),
  };
}

function watchErrors(match: string, sendInitialEvents: string | null): readonly FieldError[] {
  const errors: FieldError[] = [];
  const forbidden = (text: string): void => {
    errors.push({ field: 'resourceVersionMatch', reason: 'FieldValueForbidden', message: `Forbidden: ${text}` });
  };
  if (sendInitialEvents === null) {
    if (match !== '') forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    return errors;
  }
  if (match !== 'NotOlderThan') forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (match !== '' && match !== 'NotOlderThan') {
    errors.push({
      field: 'resourceVersionMatch',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(match)}: supported values: "NotOlderThan"`,
    });
  }
  return errors;
}

/** One client's view of the changes of one kind. */
class Watcher {
  readonly queue: WatchQueue;
  readonly #call: Call;
  readonly #selection: Selection;
  readonly #writer: EventWriter;
  readonly #namespace: string | undefined;
  readonly #name: string | undefined;
  #stops: (() => void)[] = [];
  #told = 0;

  constructor(call: Call, selection: Selection, writer: EventWriter) {
    this.#call = call;
    this.#selection = selection;
    this.#writer = writer;
    this.#namespace = scopeOf(call).namespace;
    this.#name = selection.fields?.name;
    this.queue = new WatchQueue(() => {
      for (const stop of this.#stops) stop();
      this.#stops = [];
    });
  }

  start(query: WatchQuery): void {
    const { core, resource, request } = this.#call;
    const onAbort = (): void => this.queue.end();
    request.signal.addEventListener('abort', onAbort, { once: true });
    this.#stops.push(() => request.signal.removeEventListener('abort', onAbort));
    if (request.signal.aborted) {
      this.queue.end();
      return;
    }
    if (!this.#catchUp(query)) return;
    const after = query.initialEvents ? core.store.revision : (query.revision ?? core.store.revision);
    this.#stops.push(
      core.store.subscribe(resource.storageKey, (change) => {
        if (change.record.revision > after) this.#tell(change);
      }),
    );
    this.#schedule(query);
  }

  /** Sends what lies between the client's version and now. False when that is no longer known. */
  #catchUp(query: WatchQuery): boolean {
    const { core, resource } = this.#call;
    if (query.initialEvents) {
      for (const record of core.store.list(resource.storageKey, { namespace: this.#namespace })) {
        const object = resource.decode(record.object);
        if (isSelected(this.#selection, object)) this.queue.push(this.#writer.event('ADDED', object));
      }
      this.#told = core.store.revision;
      if (query.initialBookmark) this.queue.push(this.#writer.bookmark(core.store.revision, true));
      return true;
    }
    const revision = query.revision ?? core.store.revision;
    const changes = core.store.changesAfter(resource.storageKey, revision);
    if ('oldest' in changes) {
      this.queue.push(this.#writer.expired(revision, changes.oldest));
      this.queue.end();
      return false;
    }
    for (const change of changes) this.#tell(change);
    return true;
  }

  #schedule({ bookmarks, timeoutMs }: WatchQuery): void {
    const { clock, store } = this.#call.core;
    const bookmark = (): void => {
      if (!bookmarks || this.#told >= store.revision) return;
      this.#told = store.revision;
      this.queue.push(this.#writer.bookmark(store.revision, false));
    };
    this.#stops.push(
      clock.after(timeoutMs, () => {
        bookmark();
        this.queue.end();
      }),
    );
    if (!bookmarks) return;
    let cancel: () => void = () => undefined;
    const arm = (): void => {
      cancel = clock.after(BOOKMARK_EVERY_MS, () => {
        bookmark();
        arm();
      });
    };
    arm();
    this.#stops.push(() => cancel());
  }

  #tell(change: Change): void {
    const { record } = change;
    if (this.#namespace !== undefined && record.namespace !== this.#namespace) return;
    if (this.#name !== undefined && record.name !== this.#name) return;
    const seen = this.#seen(change);
    if (seen === undefined) return;
    this.#told = record.revision;
    this.queue.push(this.#writer.event(seen.type, seen.object));
  }

  /** The change as it looks through the selector: an object may enter and leave the selection. */
  #seen(change: Change): { type: Change['type']; object: AnyObject } | undefined {
    const { resource, core } = this.#call;
    const object = resource.decode(change.record.object);
    if (change.type !== 'MODIFIED') {
      return isSelected(this.#selection, object) ? { type: change.type, object } : undefined;
    }
    if (this.#selection.labels === undefined && this.#selection.fields === undefined)
      return { type: 'MODIFIED', object };
    const isIn = isSelected(this.#selection, object);
    const before = change.previous === undefined ? undefined : resource.decode(change.previous.object);
    const wasIn = before !== undefined && isSelected(this.#selection, before);
    if (isIn) return { type: wasIn ? 'MODIFIED' : 'ADDED', object };
    return wasIn ? { type: 'DELETED', object: resource.decode(core.encoder.departed(change)) } : undefined;
  }
}
