import type { ChangeClass, ClassifiedDifference } from './change-class.ts';
import type { SuspendMode } from './upgrade-choice.ts';

/** What carrying out a spec amounts to: a class of change, or one of the ways in which there is nothing to compare with. */
export type ForeseenChange = ChangeClass | 'create' | 'suspend' | 'resume' | 'invalid';

/** Where the job gets its state from. */
export type ForeseenState =
  /** Nothing is started. */
  | { readonly kind: 'none' }
  /** The job goes on as it is. */
  | { readonly kind: 'kept' }
  | { readonly kind: 'empty' }
  | {
      /** A savepoint that is still to be taken, a checkpoint of the running job, or a snapshot that is there. */
      readonly kind: 'new-savepoint' | 'checkpoint' | 'snapshot';
      /** Of a savepoint to be taken: the directory. */
      readonly path: string | undefined;
      readonly ageMs: number | undefined;
      /** Of a savepoint to be taken: the size of the newest snapshot. */
      readonly sizeBytes: number | undefined;
    };

/** How the running job is replaced. */
export type ForeseenUpgrade =
  | { readonly kind: 'now'; readonly mode: SuspendMode; readonly asked: string; readonly because: string }
  | { readonly kind: 'waits' | 'fails'; readonly asked: string; readonly because: string };

/** A session job that a change of its cluster interrupts. */
export interface ForeseenInterruption {
  /** Of the FlinkSessionJob. */
  readonly name: string;
  /**
   * How it comes through:
   * - brought-down: before the cluster is replaced, in the way of `upgrade`, and started from `state` afterwards;
   * - high-availability: Flink itself takes it up again on the new cluster;
   * - goes-with-cluster: it ends with its JobManager, and is started from `state` afterwards;
   * - lost: as before, but nobody knows its state, so that it is not started before somebody names one.
   */
  readonly how: 'brought-down' | 'high-availability' | 'goes-with-cluster' | 'lost';
  readonly upgrade: ForeseenUpgrade | undefined;
  readonly state: ForeseenState;
  /** How long it will be down, from its own last times; undefined: it never was. */
  readonly downtime: Foresight['downtime'];
}

/** What a spec would do to an object. */
export interface Foresight {
  readonly change: ForeseenChange;
  readonly differences: readonly ClassifiedDifference[];
  readonly upgrade: ForeseenUpgrade | undefined;
  readonly state: ForeseenState;
  readonly restarts: { readonly jobManager: boolean; readonly taskManagers: boolean; readonly job: boolean };
  /** How long the job will be down, from the last times; undefined: it will not be, or never was. */
  readonly downtime: { readonly expectedMs: number; readonly longestMs: number; readonly basedOn: number } | undefined;
  /** Of a session cluster: the session jobs that the change interrupts. */
  readonly interrupts?: readonly ForeseenInterruption[];
  /** What the operator would do first. */
  readonly firstSteps: readonly string[];
  readonly warnings: readonly string[];
}
