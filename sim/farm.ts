import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { runSeed, type SeedResult } from './run-seed.ts';

/**
 * Seeds that one thread runs before another takes its place. An operator that is killed leaves behind what it waited for, and
 * Node never lets go of a composite abort signal that somebody listens to and nobody aborts: about 1.5 MB a seed.
 */
const SEEDS_PER_THREAD = 400;

/**
 * Runs the seeds `first` … `first + count - 1` on all processors and hands over their results in the order of the seeds.
 * Each thread runs one seed at a time; a thread that fails ends the whole run.
 */
export async function runSeeds(first: number, count: number, report: (result: SeedResult) => void): Promise<void> {
  const results = new Map<number, SeedResult>();
  let [next, reported] = [first, first];
  const isLeft = (): boolean => next < first + count;
  const thread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url));
      let given = 0;
      const give = (): void => worker.postMessage(isLeft() && given++ < SEEDS_PER_THREAD ? next++ : 'end');
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      worker.on('message', (result: SeedResult) => {
        results.set(result.seed, result);
        for (let one = results.get(reported); one !== undefined; one = results.get(++reported)) {
          results.delete(reported);
          report(one);
        }
        give();
      });
      give();
    });
  const work = async (): Promise<void> => {
    while (isLeft()) await thread();
  };
  await Promise.all(Array.from({ length: Math.min(count, availableParallelism()) }, work));
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  // Stacks of the many refusals cost time; a replay has them.
  Error.stackTraceLimit = 0;
  port.on('message', (message: number | 'end') => {
    if (message === 'end') port.close();
    else void runSeed(message).then((result) => port.postMessage(result));
  });
}
