import type { FlinkConfig } from '@drey/flink';
import type { Container } from '@drey/kube';
import { simulatedOptions as options } from './mounted-config.ts';
import { plainPath } from './plain-path.ts';
import type { SimulatedStorage } from './storage.ts';

/** Beginning of the command of a hook that deletes results, before the script and the directories. */
const SHELL = ['bash', '-c'];
const BEFORE_DIRECTORIES = 4;

/** Files of results in the simulated file system, by directory, and which processes have each directory open. */
export class ResultFiles {
  readonly directories = new Map<string, Set<string>>();
  readonly #users = new Map<string, Set<string>>();

  /** A JobManager that starts makes its directories. */
  open(paths: readonly string[], process: string): void {
    for (const path of paths) {
      if (!this.directories.has(path)) this.directories.set(path, new Set());
      this.#users.set(path, (this.#users.get(path) ?? new Set()).add(process));
    }
  }

  close(paths: readonly string[], process: string): void {
    for (const path of paths) this.#users.get(path)?.delete(process);
  }

  write(paths: readonly string[], jobId: string): void {
    for (const path of paths) this.directories.get(path)?.add(`${jobId}.json`);
  }

  /** Processes that have a directory open. */
  usersOf(path: string): readonly string[] {
    return [...(this.#users.get(path) ?? [])];
  }
}

/** Where a JobManager with this configuration keeps its results. */
export function resultDirectories(config: FlinkConfig): readonly string[] {
  if (config.get(options.ha).toUpperCase() === 'NONE') return [];
  return [config.get(options.jobResults), config.get(options.applicationResults)].flatMap((path) =>
    path === undefined ? [] : [plainPath(path)],
  );
}

/** What a container's hook deletes when it starts: results in the directories that it is given. */
export function runPostStart(
  storage: SimulatedStorage,
  { lifecycle }: Container,
  { clusterId, at }: { readonly clusterId: string; readonly at: number },
): void {
  const command = lifecycle?.postStart?.exec?.command ?? [];
  if (SHELL.some((word, index) => command[index] !== word)) return;
  for (const argument of command.slice(BEFORE_DIRECTORIES)) {
    const path = plainPath(argument);
    if (!storage.results.directories.delete(path)) continue;
    storage.record({ type: 'results-deleted', at, clusterId, path, users: storage.results.usersOf(path) });
  }
}
