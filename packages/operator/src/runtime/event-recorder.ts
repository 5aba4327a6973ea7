import { type Clock, CoreEvent, isKubeError, type KubeClient } from '@drey/kube';
import type { Logger } from 'pino';
import type { PlannedEvent } from '../job/planned.ts';
import type { EventSink, Regarding } from './ports.ts';

/** Events that wait to be sent; more than this are dropped, since events are news, not records. */
const QUEUE_LIMIT = 1_000;
/** What the API server takes as a message. */
const MESSAGE_LIMIT = 1_024;
const SEND_TIMEOUT_MS = 5_000;

export interface EventRecorder {
  readonly send: EventSink;
  /** Resolves when everything that was sent until now has been delivered or given up. */
  flush(): Promise<void>;
}

/** Events as the Apache operator writes them (reference: apache-operator.md 2.8): one object for each kind of news, counted. */
export function eventRecorder(env: {
  kube: KubeClient;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}): EventRecorder {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  return {
    send(regarding, event) {
      if (waiting >= QUEUE_LIMIT || env.signal.aborted) return;
      waiting += 1;
      last = last.then(async () => {
        try {
          await deliver(env, regarding, event);
        } catch (error) {
          const { namespace: ns, name } = regarding.metadata;
          env.log.warn({ kind: regarding.kind, ns, name, reason: event.reason, err: error }, 'event was not written');
        } finally {
          waiting -= 1;
        }
      });
    },
    flush: () => last,
  };
}

async function deliver(
  env: { kube: KubeClient; clock: Clock; signal: AbortSignal },
  regarding: Regarding,
  event: PlannedEvent,
): Promise<void> {
  const { namespace = '', name = '', uid = '' } = regarding.metadata;
  const { component, type, reason } = event;
  const message = event.message.slice(0, MESSAGE_LIMIT);
  const now = new Date(env.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const object: CoreEvent = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName(regarding, event), namespace, ...annotated(event) },
    involvedObject: { apiVersion: regarding.apiVersion, kind: regarding.kind, name, namespace, uid },
    type,
    reason,
    message,
    source: { component },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    reportingComponent: '',
    reportingInstance: '',
  };
  const call = { signal: env.signal, timeoutMs: SEND_TIMEOUT_MS };
  try {
    await env.kube.create(CoreEvent, object, call);
    return;
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
  }
  if (event.once === true) return;
  const eventNameText = object.metadata.name ?? '';
  const existing = await env.kube.get(CoreEvent, namespace, eventNameText, call);
  const change = {
    ...{ count: (existing.count ?? 1) + 1, lastTimestamp: now, message },
    ...(event.annotations === undefined ? {} : { metadata: annotated(event) }),
  };
  await env.kube.patch(CoreEvent, namespace, eventNameText, 'merge', change, call);
}

function annotated({ annotations }: PlannedEvent): { annotations?: Record<string, string> } {
  return annotations === undefined ? {} : { annotations: { ...annotations } };
}

/** The component, and a number that is the same for the same news about the same object. */
export function eventName(regarding: Regarding, event: PlannedEvent): string {
  const { name = '', uid = '' } = regarding.metadata;
  const identity = event.reason + (event.key ?? event.message) + event.type + regarding.kind + name + uid;
  return `${event.component}.${javaHashCode(identity) & 0x7fffffff}`;
}

function javaHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  return hash;
}
