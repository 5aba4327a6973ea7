import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArchiveKey,
  archivePath,
  type DistributionSystem,
  dataFolder,
  dataLayout,
  type FlinkDistribution,
  findArchive,
  formatFlinkVersion,
  type JavaRuntime,
  plainClasspath,
  publishArchive,
  type ReportProgress,
  withLock,
} from '@drey/flink';
import { recordArchives } from './archive-training.ts';

/** What archives are made for. */
export interface ArchiveRequest {
  readonly distribution: FlinkDistribution;
  readonly java: JavaRuntime;
  readonly signal?: AbortSignal;
  readonly report?: ReportProgress;
}

/**
 * Makes the class-data archives of a distribution for one JVM, unless they are there: a job runs on a small embedded cluster,
 * the way every job will, and both its JVMs write down the classes they had loaded when they end. About 20 seconds, once.
 *
 * Returns the paths that exist afterwards. Never throws but for an abort: being without archives only makes Flink start
 * more slowly, so every failure is reported as a warning.
 */
export async function ensureArchives(system: DistributionSystem, request: ArchiveRequest): Promise<string[]> {
  const { distribution, java, signal } = request;
  const report = request.report ?? (() => undefined);
  const keys: readonly ArchiveKey[] = (['standalonesession', 'taskexecutor'] as const).map((service) => ({
    distribution,
    java,
    service,
  }));
  const existing = async (): Promise<string[]> =>
    (await Promise.all(keys.map((key) => findArchive(system, key)))).filter((path) => path !== undefined);
  const [jobManager, taskManager] = await Promise.all(keys.map((key) => archivePath(system, key)));
  if (jobManager === undefined || taskManager === undefined) return [];
  const { archives } = dataLayout(dataFolder(system));
  const version = formatFlinkVersion(distribution.version);
  return withLock(system, join(archives, `.lock-${version}`), signal === undefined ? {} : { signal }, async () => {
    if ((await existing()).length === keys.length) return existing();
    report({ kind: 'step', text: 'making class-data archives' });
    const work = await freshFolder(archives, `.training-${version}-`);
    try {
      const recorded = await recordArchives(system, request, work);
      const jars = (await readdir(join(distribution.home, 'lib'))).filter((name) => name.endsWith('.jar'));
      const process = { executable: java.executable, classpath: plainClasspath(distribution.home, jars) ?? '' };
      const made = [
        await publishArchive(system, recorded.jobManager, jobManager, process),
        await publishArchive(system, recorded.taskManager, taskManager, process),
      ];
      if (made.includes(false)) throw new Error('the JVM made no archive that it accepts');
    } catch (error) {
      signal?.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      report({ kind: 'warning', text: `no class-data archives, Flink will start more slowly: ${reason}` });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return existing();
  });
}

/** A folder of its own; what a training run left that was killed is removed. */
async function freshFolder(parent: string, prefix: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
  return mkdtemp(join(parent, prefix));
}
