import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { runSeed, type SeedResult } from './run-seed.ts';

/**
 * Runs the seeds `first` … `first + count - 1` on all processors and hands over their results in the order of the seeds.
 * Each thread runs one seed at a time; a thread that fails ends the whole run.
 */
export async function runSeeds(first: number, count: number, report: (result: SeedResult) => void): Promise<void> {
  const results = new Map<number, SeedResult>();
  let [next, reported] = [first, first];
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url));
      const give = (): void => worker.postMessage(next < first + count ? next++ : 'end');
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
