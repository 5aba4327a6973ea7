import { type Clock, type KubeClient, EventRecorder as KubeEventRecorder, type KubeObject } from '@drey/kube';

/** An event about an object, in the name of one component. */
export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Notes events about objects; never waits and never fails. */
export interface EventRecorder {
  record(object: KubeObject, event: RecordedEvent): void;
  /** Resolves when what was recorded so far was sent. */
  flush(): Promise<void>;
}

/** The events of one component of the cluster. */
export function eventRecorder(client: KubeClient, clock: Clock, component: string, host?: string): EventRecorder {
  const recorder = new KubeEventRecorder({ client, clock, ...(host === undefined ? {} : { instance: host }) });
  return {
    record: (regarding, event) => recorder.record({ ...event, regarding, component }),
    flush: () => recorder.flush(),
  };
}
