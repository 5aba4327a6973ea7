import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FlinkError } from '../errors.ts';
import type { DistributionSystem } from './system.ts';

const POLL_MS = 250;
const MAX_WAIT_MS = 30 * 60_000;

/**
 * Runs `body` while holding a lock file, so that two processes never install the same thing at once. A lock whose process
 * has ended is taken over. `onWait` is called once when somebody else holds the lock.
 */
export async function withLock<T>(
  system: DistributionSystem,
  path: string,
  options: { readonly signal?: AbortSignal; readonly onWait?: (holder: number) => void },
  body: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await acquire(system, path, options);
  try {
    return await body();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(
  system: DistributionSystem,
  path: string,
  options: { readonly signal?: AbortSignal; readonly onWait?: (holder: number) => void },
): Promise<void> {
  const deadline = system.now() + MAX_WAIT_MS;
  let told = false;
  while (!(await tryCreate(path, system.processId))) {
    const holder = await holderOf(path);
    if (holder !== undefined && !system.isAlive(holder)) {
      await rm(path, { force: true });
      continue;
    }
    if (system.now() > deadline) {
      throw new FlinkError(
        'E_FLINK_INSTALL',
        `Another process (${holder ?? 'unknown'}) has been installing for half an hour`,
        `End that process, or remove ${path} if it is not an installation.`,
      );
    }
    if (!told && holder !== undefined) options.onWait?.(holder);
    told = true;
    await system.sleep(POLL_MS, options.signal);
  }
}

async function tryCreate(path: string, processId: number): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(`${processId}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The process that holds a lock; undefined while it is being written or when it is gone. */
async function holderOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const holder = Number.parseInt(text, 10);
  return Number.isInteger(holder) && holder > 0 ? holder : undefined;
}
