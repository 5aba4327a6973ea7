import type { Random } from '@drey/kube';

/** How long things take in simulated Flink: each a range in milliseconds from which every occurrence draws. */
export interface Timings {
  /** JobManager process start → REST answers. */
  readonly restUpMs: Range;
  /** TaskManager process start → it registers. */
  readonly taskManagerUpMs: Range;
  /** Job submission → scheduled. */
  readonly initializeMs: Range;
  /** All slots there → all tasks RUNNING. */
  readonly deployMs: Range;
  readonly checkpointMs: Range;
  readonly savepointMs: Range;
  /** Last snapshot of a stop, or cancel → terminal state. */
  readonly stopMs: Range;
  /** Loss of a TaskManager → the scheduler sees it. */
  readonly lossSeenMs: Range;
  /** Restart back-off. */
  readonly restartMs: Range;
  /** New resource requirements → rescale: `jobmanager.adaptive-scheduler.scaling-interval.min` is 30 s. */
  readonly rescaleMs: Range;
}

export type Range = readonly [number, number];

/** Like a small job on a laptop. */
export const usualTimings: Timings = {
  restUpMs: [1500, 3000],
  taskManagerUpMs: [1200, 2500],
  initializeMs: [50, 200],
  deployMs: [200, 600],
  checkpointMs: [20, 120],
  savepointMs: [100, 900],
  stopMs: [50, 300],
  lossSeenMs: [100, 1000],
  restartMs: [900, 1500],
  rescaleMs: [30_000, 31_000],
};

/** For people who wait: nothing starts slower than it takes to look. Everything that a job does later is as usual. */
export const quickTimings: Timings = {
  ...usualTimings,
  restUpMs: [200, 400],
  taskManagerUpMs: [200, 400],
  initializeMs: [20, 60],
  deployMs: [50, 150],
};

/** A uniform draw from a range, in whole milliseconds. */
export function draw(random: Random, [low, high]: Range): number {
  return Math.floor(low + random.next() * (high - low + 1));
}
