import type { Outcome, Pass, Source } from '@drey/kube';
import type { OperatorPolicy } from './policy.ts';
import type { Env } from './ports.ts';

/** What the controllers of all kinds share. */
export interface KindScope {
  readonly env: Env;
  readonly policy: OperatorPolicy;
  /** Leadership epoch, 0 without leader election. */
  readonly epoch: () => number;
  /** Aborts when the operator stops. */
  readonly signal: AbortSignal;
}

/** One kind of object that the operator reconciles: what wakes its keys, and what a pass over a key does. */
export interface KindController {
  readonly kind: string;
  readonly sources: readonly Source[];
  readonly reconcile: (pass: Pass) => Promise<Outcome>;
  /** How many running jobs are followed on behalf of this kind. */
  readonly watchedJobs?: () => number;
}

/** Makes the controller of a kind; `wake` asks for a pass over a key, soon. */
export type KindFactory = (scope: KindScope, wake: (key: string) => void) => KindController;
