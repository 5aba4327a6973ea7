import { watch } from 'node:fs';
import { type Clock, sleep } from '@drey/kube';
import type { OperatorFiles } from '../runtime/config-directory.ts';

export interface WatchDirectoryOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Reads the directory. */
  readonly read: (directory: string) => Promise<OperatorFiles>;
  /** How long nothing is looked at, in milliseconds; asked each time, as it is part of what is read. */
  readonly intervalMs: () => number;
  /** Tells of changes sooner than the interval; returns the way to stop. Default: the operating system's watch. */
  readonly notify?: (directory: string, changed: () => void) => () => void;
  readonly changed: (files: OperatorFiles) => void;
  /** The directory could not be read, or holds what is no configuration; what was read before stays in force. */
  readonly failed: (error: unknown) => void;
}

/** A ConfigMap is swapped in several steps; they are over after this long. */
const SETTLE_MS = 500;

/**
 * Watches a configuration directory until the signal aborts: `changed` hears of every content that differs from the one before, the
 * first of them being `current`. Looked at when the operating system tells of a change, and every interval in any case, as a watch may
 * miss the swap of a mounted ConfigMap.
 */
export async function watchDirectory(
  options: WatchDirectoryOptions,
  current: OperatorFiles,
  signal: AbortSignal,
): Promise<void> {
  const { directory, clock, notify = notifyBySystem } = options;
  let seen = contentOf(current);
  let failedWith = '';
  let wake = new AbortController();
  const stopNotifying = notify(directory, () => wake.abort());
  try {
    while (!signal.aborted) {
      await sleep(clock, options.intervalMs(), AbortSignal.any([signal, wake.signal])).catch(() => undefined);
      if (wake.signal.aborted) await sleep(clock, SETTLE_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      wake = new AbortController();
      try {
        const files = await options.read(directory);
        failedWith = '';
        const content = contentOf(files);
        if (content === seen) continue;
        seen = content;
        options.changed(files);
      } catch (error) {
        // The same mistake is told once.
        const told = error instanceof Error ? error.message : String(error);
        if (told !== failedWith) options.failed(error);
        failedWith = told;
      }
    }
  } finally {
    stopNotifying();
  }
}

function contentOf({ config, logging }: OperatorFiles): string {
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([sorted, logging]);
}

function notifyBySystem(directory: string, changed: () => void): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, changed);
    // Without a watch the interval has to do.
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
