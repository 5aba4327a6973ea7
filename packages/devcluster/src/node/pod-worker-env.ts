import type { Clock, Pod, PodStatus } from '@drey/kube';
import type { BackoffPolicy } from './pod-lifecycle.ts';
import type { PodSandbox } from './runtime.ts';

/** What a worker needs from its node. */
export interface PodWorkerEnv {
  readonly clock: Clock;
  readonly backoff: BackoffPolicy;
  readonly hostAddress: string;
  /** Takes an address, or the one the pod had before a restart of the node when it is free. */
  takeAddress(wanted: string | undefined): string;
  releaseAddress(address: string): void;
  sandbox(pod: Pod, address: string): PodSandbox;
  /** Writes a status; later calls for a pod win. Never rejects. */
  publish(pod: Pod, status: PodStatus): void;
  /** Resolves when the status written last is on the server, then removes the object for good. Never rejects. */
  remove(pod: Pod): Promise<void>;
  event(pod: Pod, event: PodEvent): void;
  /** The pod is gone from this node. */
  ended(pod: Pod): void;
}

export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}
