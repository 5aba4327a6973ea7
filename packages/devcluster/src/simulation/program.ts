import type { Clock, Container, KubeClient, Pod, Random } from '@drey/kube';

/** What a simulated container can do in its world. */
export interface ProgramContext {
  readonly clock: Clock;
  readonly random: Random;
  /** The API server as the pod's service account sees it. */
  readonly client: KubeClient;
  readonly pod: Pod;
  readonly container: Container;
  readonly address: string;
  /** Reports that the process ended by itself. */
  readonly exit: (code: number) => void;
}

/** A running simulated process. */
export interface Program {
  /** Ends it at once (kill -9, or the end of a graceful termination). It then no longer calls `exit`. */
  kill(): void;
}

/** Chooses the program for a container; undefined: one that just runs until it is killed. */
export type ProgramFactory = (context: ProgramContext) => Program | undefined;
