import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FlinkDistribution } from '../distribution/installed.ts';
import type { JavaRuntime } from '../distribution/java.ts';
import { dataFolder, dataLayout } from '../distribution/layout.ts';
import type { DistributionSystem } from '../distribution/system.ts';
import { formatFlinkVersion } from '../versions/version.ts';
import type { FlinkService } from './command.ts';
import type { JavaLaunch } from './launch.ts';

/** Dynamic class-data archives exist since this version of Java. */
const FIRST_JAVA = 13;
/** How archives are recorded; a new number when that changes, so that archives of the old way are made anew. */
const RECIPE = 2;

/** What a class-data archive is tied to: the distribution's jars, the exact JVM, and the kind of process. */
export interface ArchiveKey {
  readonly distribution: FlinkDistribution;
  readonly java: JavaRuntime;
  readonly service: FlinkService;
}

/** Services that load the same classes share an archive. */
export function archiveGroup(service: FlinkService): 'jobmanager' | 'taskmanager' {
  return service === 'taskexecutor' || service === 'kubernetes-taskmanager' ? 'taskmanager' : 'jobmanager';
}

/**
 * Where the archive for a key belongs; undefined when this Java knows no such archives. The name changes with the JVM's
 * build, with every jar of the distribution and with the way archives are recorded, so that an archive is never used for anything but what it was made from.
 */
export async function archivePath(
  system: Pick<DistributionSystem, 'env' | 'homeDirectory'>,
  key: ArchiveKey,
): Promise<string | undefined> {
  if (key.java.major < FIRST_JAVA) return undefined;
  const lib = join(key.distribution.home, 'lib');
  const hash = createHash('sha256').update(`${RECIPE}\n${key.java.identity}\n`);
  for (const jar of (await readdir(lib)).sort()) {
    const { size, mtimeMs } = await stat(join(lib, jar));
    hash.update(`${jar} ${size} ${mtimeMs}\n`);
  }
  const version = formatFlinkVersion(key.distribution.version);
  const name = `flink-${version}-${archiveGroup(key.service)}-${hash.digest('hex').slice(0, 16)}.jsa`;
  return join(dataLayout(dataFolder(system)).archives, name);
}

/** The archive for a key, if it has been made and is complete. */
export async function findArchive(
  system: Pick<DistributionSystem, 'env' | 'homeDirectory'>,
  key: ArchiveKey,
): Promise<string | undefined> {
  const path = await archivePath(system, key);
  return path !== undefined && (await isComplete(path)) ? path : undefined;
}

/**
 * The JVM checks nearly everything about an archive itself, but it crashes on one that was cut short: its length is noted
 * beside it when it is made.
 */
async function isComplete(path: string): Promise<boolean> {
  const noted = await readFile(lengthFile(path), 'utf8').catch(() => undefined);
  const found = await stat(path).catch(() => undefined);
  return noted !== undefined && found?.size === Number(noted);
}

function lengthFile(path: string): string {
  return `${path}.length`;
}

/**
 * The same launch with an archive to take classes from. The JVM checks the archive itself and starts without it, silently,
 * when the file is gone, no archive, or made by another JVM or from other jars. Take `archive` from {@link findArchive},
 * which leaves out files that were cut short.
 */
export function withArchive(launch: JavaLaunch, archive: string): JavaLaunch {
  return {
    ...launch,
    jvmArgs: [...launch.jvmArgs, '-Xshare:auto', `-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off'],
  };
}

/** The same launch writing an archive to `target` when the JVM ends normally. */
export function recordingArchive(launch: JavaLaunch, target: string): JavaLaunch {
  return { ...launch, jvmArgs: [...launch.jvmArgs, `-XX:ArchiveClassesAtExit=${target}`, '-Xlog:cds=off'] };
}

/**
 * Puts a recorded archive in its place if the JVM accepts it for this class path; returns whether it did. A file that is
 * not accepted is removed.
 */
export async function publishArchive(
  system: DistributionSystem,
  recorded: string,
  target: string,
  { executable, classpath }: Pick<JavaLaunch, 'executable' | 'classpath'>,
): Promise<boolean> {
  const args = ['-Xshare:on', `-XX:SharedArchiveFile=${recorded}`, '-classpath', classpath, '-version'];
  const check = existsSync(recorded) ? await system.run(executable, args) : undefined;
  if (check?.code !== 0) {
    await rm(recorded, { force: true });
    return false;
  }
  await mkdir(dirname(target), { recursive: true });
  await rm(lengthFile(target), { force: true });
  await rename(recorded, target);
  await writeFile(lengthFile(target), String((await stat(target)).size));
  await removeOlder(target);
  return true;
}

/** Archives of earlier JVMs or jars for the same version and process are of no use any more. */
async function removeOlder(target: string): Promise<void> {
  const prefix = basename(target).replace(/[0-9a-f]{16}\.jsa$/, '');
  for (const name of await readdir(dirname(target))) {
    const same = name.startsWith(prefix) && /^[0-9a-f]{16}\.jsa(?:\.length)?$/.test(name.slice(prefix.length));
    if (same && !name.startsWith(basename(target))) await rm(join(dirname(target), name), { force: true });
  }
}
