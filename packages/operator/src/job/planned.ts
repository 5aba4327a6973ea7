/** When to look again if nothing happens before. `jitter` spreads quiet objects over time. */
export type WakeUp =
  | { readonly kind: 'after'; readonly ms: number; readonly jitter: boolean }
  /** Only a change of a watched object wakes this key again. */
  | { readonly kind: 'on-change' };

/** The part an event is told of, as the Apache operator names it in the event's source. */
export type EventComponent = 'JobManagerDeployment' | 'Job' | 'Operator' | 'Snapshot';

/** An event that a plan sends. */
export interface PlannedEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: EventComponent;
  /** Identifies the event instead of its message, for messages that vary. */
  readonly key?: string;
  /** Send only if no event of this identity exists. */
  readonly once?: boolean;
  /** Put on the event, for those who look for one of them. */
  readonly annotations?: Readonly<Record<string, string>>;
}
