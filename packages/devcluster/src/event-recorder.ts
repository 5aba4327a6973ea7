import { type Clock, CoreEvent, isKubeError, type KubeClient, type KubeObject } from '@drey/kube';

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** For example `spec.containers{main}`. */
  readonly fieldPath?: string;
}

/** Notes events about objects; never waits and never fails. */
export interface EventRecorder {
  record(object: KubeObject, event: RecordedEvent): void;
  /** Resolves when what was recorded so far was sent. */
  flush(): Promise<void>;
}

/** Repetitions remembered, to be counted on one event; the oldest is forgotten first. */
const MAX_REMEMBERED = 2000;
/** Events waiting to be sent; more are dropped, as the API server is in trouble then. */
const MAX_WAITING = 1000;

/**
 * Writes events of the core group as `component`. The same reason and message about an object counts up one event instead
 * of making new ones. Sent one after the other, in order; an event that the server refuses is dropped.
 */
export function eventRecorder(client: KubeClient, clock: Clock, component: string, host?: string): EventRecorder {
  const seen = new Map<string, { name: string; namespace: string; count: number }>();
  let tail: Promise<void> = Promise.resolve();
  let waiting = 0;

  const send = async (object: KubeObject, event: RecordedEvent, at: number): Promise<void> => {
    const key = [object.metadata.uid, event.type, event.reason, event.fieldPath, event.message].join('\n');
    const known = seen.get(key);
    const timestamp = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
    if (known !== undefined) {
      known.count++;
      const patch = { count: known.count, lastTimestamp: timestamp };
      await client.patch(CoreEvent, known.namespace, known.name, 'merge', patch);
      return;
    }
    const created = newEvent(object, event, { timestamp, at, component, host });
    await client.create(CoreEvent, created);
    seen.set(key, { name: created.metadata.name ?? '', namespace: created.metadata.namespace ?? '', count: 1 });
    const [oldest] = seen.keys();
    if (seen.size > MAX_REMEMBERED && oldest !== undefined) seen.delete(oldest);
  };

  return {
    record(object, event) {
      if (waiting >= MAX_WAITING) return;
      waiting++;
      const at = clock.now();
      tail = tail
        .then(() => send(object, event, at))
        .catch((error: unknown) => {
          // A namespace that goes away takes no more events, and a stopped server no more requests.
          if (!isKubeError(error)) throw error;
        })
        .finally(() => {
          waiting--;
        });
    },
    flush: () => tail,
  };
}

let serial = 0;

function newEvent(
  object: KubeObject,
  event: RecordedEvent,
  about: { timestamp: string; at: number; component: string; host: string | undefined },
): CoreEvent {
  const { name = '', namespace = 'default', uid, resourceVersion } = object.metadata;
  serial++;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, 220)}.${(about.at * 4096 + (serial % 4096)).toString(16)}`, namespace },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(event.fieldPath === undefined ? {} : { fieldPath: event.fieldPath }),
    },
    type: event.type,
    reason: event.reason,
    message: event.message.slice(0, 1024),
    firstTimestamp: about.timestamp,
    lastTimestamp: about.timestamp,
    count: 1,
    source: { component: about.component, ...(about.host === undefined ? {} : { host: about.host }) },
    reportingComponent: about.component,
    reportingInstance: about.host ?? '',
  };
}
