import { type Clock, EventRecorder, type KubeClient } from '@drey/kube';
import type { Logger } from 'pino';
import type { PlannedEvent } from '../job/planned.ts';
import { secretsOf, withoutSecrets } from '../job/redaction.ts';
import type { EventSink, Regarding } from './ports.ts';

/** Events of one operator. */
export interface OperatorEvents {
  readonly send: EventSink;
  /** Resolves when everything that was sent until now has been delivered or given up. */
  flush(): Promise<void>;
}

/**
 * Events as the Apache operator writes them (reference: apache-operator.md 2.8): one object for each kind of news, named by
 * what makes it the same news, its count raised by repetitions. Secrets of the object they are about are left out of them.
 */
export function eventRecorder(env: {
  kube: KubeClient;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}): OperatorEvents {
  const recorder = new EventRecorder({
    client: env.kube,
    clock: env.clock,
    signal: env.signal,
    reportingComponent: '',
    instance: '',
    onDropped: ({ regarding, reason }, because, error) => {
      const { namespace: ns, name } = regarding.metadata;
      env.log.warn({ kind: regarding.kind, ns, name, reason, because, err: error }, 'event was not written');
    },
  });
  return {
    send(regarding, event) {
      if (env.signal.aborted) return;
      const { namespace = '', name = '', uid = '' } = regarding.metadata;
      const { component, type, reason, annotations } = event;
      const secrets = secretsOf(regarding);
      recorder.record({
        regarding: { apiVersion: regarding.apiVersion, kind: regarding.kind, metadata: { namespace, name, uid } },
        name: eventName(regarding, event),
        type,
        reason,
        component,
        message: withoutSecrets(event.message, secrets),
        repeat: event.once === true ? 'once' : 'count',
        ...(annotations === undefined ? {} : { annotations: mapped(annotations, secrets) }),
      });
    },
    flush: () => recorder.flush(),
  };
}

function mapped(texts: Readonly<Record<string, string>>, secrets: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, withoutSecrets(text, secrets)]));
}

/** The component, and a number that is the same for the same news about the same object. */
export function eventName(regarding: Regarding, event: PlannedEvent): string {
  const { name = '', uid = '' } = regarding.metadata;
  const identity = event.reason + (event.key ?? event.message) + event.type + regarding.kind + name + uid;
  return `${event.component}.${javaHashCode(identity) & 0x7fffffff}`;
}

/** `String.hashCode` of Java. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  return hash;
}
