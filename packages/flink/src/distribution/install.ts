import { chmod, mkdir, mkdtemp, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlinkError } from '../errors.ts';
import { resolveRelease } from '../versions/releases.ts';
import { type FlinkVersion, formatFlinkVersion } from '../versions/version.ts';
import { installFromApache } from './apache-source.ts';
import { SourceUnavailable } from './download.ts';
import { addExamples } from './examples.ts';
import {
  distributionAt,
  type FlinkDistribution,
  findDistribution,
  INSTALL_RECORD,
  type InstallRecord,
} from './installed.ts';
import { type DataLayout, dataFolder, dataLayout, distributionFolder } from './layout.ts';
import { withLock } from './lock.ts';
import type { ReportProgress } from './progress.ts';
import { installFromPython, type SourceRequest } from './pypi-source.ts';
import type { DistributionSystem } from './system.ts';

type Source = (
  system: DistributionSystem,
  request: SourceRequest,
  report: ReportProgress,
) => Promise<InstallRecord['files']>;

/** Sources of whole distributions, in the order in which they are tried. */
const SOURCES: readonly { readonly name: string; readonly install: Source }[] = [
  { name: "Apache's download site", install: installFromApache },
  { name: 'the Python package index', install: installFromPython },
];

/** A download, its unpacked content and the archives beside it. */
const NEEDED_BYTES = 1_500_000_000;

/** How an installation is made. */
export interface InstallOptions {
  /** Aborting ends the installation at once and leaves nothing half-made. */
  readonly signal?: AbortSignal;
  readonly report?: ReportProgress;
}

/**
 * The distribution for a version, installed when it is not there yet.
 *
 * Guarantees: a distribution appears under its name complete or not at all, also when the process is killed; a download
 * that was interrupted is continued; two processes never install the same version at once. A source that is out of reach
 * is skipped within 5 seconds.
 *
 * Throws `E_FLINK_VERSION` for a version Drey does not know, `E_FLINK_INSTALL` when no source has it or the disk is full,
 * `E_FLINK_CHECKSUM` when a download is not what was published, `E_FLINK_ABORTED` when `signal` was aborted.
 */
export async function ensureDistribution(
  system: DistributionSystem,
  versionText: string,
  options: InstallOptions = {},
): Promise<FlinkDistribution> {
  const version = resolveRelease(versionText);
  const wanted = versionText.split(/[._]/).length > 2 ? version : { major: version.major, minor: version.minor };
  const present = await findDistribution(system, wanted);
  if (present !== undefined) return present;
  const layout = dataLayout(dataFolder(system));
  const report = options.report ?? (() => undefined);
  const onWait = (holder: number): void =>
    report({ kind: 'step', text: `waiting for process ${holder}, which is installing the same version` });
  const waiting = { onWait, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  try {
    return await withLock(system, join(layout.flink, `.lock-${formatFlinkVersion(version)}`), waiting, async () => {
      const made = await findDistribution(system, wanted);
      return made ?? (await install(system, layout, version, { ...options, report }));
    });
  } catch (error) {
    throw explained(error, options.signal, layout);
  }
}

async function install(
  system: DistributionSystem,
  layout: DataLayout,
  version: FlinkVersion & { readonly patch: number },
  options: InstallOptions & { readonly report: ReportProgress },
): Promise<FlinkDistribution> {
  const { report, signal } = options;
  await checkSpace(layout);
  await mkdir(layout.downloads, { recursive: true });
  await removeLeftovers(layout, version);
  const target = await mkdtemp(join(layout.flink, `.staging-${formatFlinkVersion(version)}-`));
  try {
    const running = signal === undefined ? {} : { signal };
    const request = { version, target, downloads: layout.downloads, ...running };
    const { source, files } = await fromFirstSource(system, request, report);
    await chmod(target, 0o755);
    await mkdir(join(target, 'log'), { recursive: true });
    await mkdir(join(target, 'usrlib'), { recursive: true });
    const examples = await readdir(join(target, 'examples', 'streaming')).catch(() => []);
    if (examples.length === 0) await addExamples(system, { version, home: target, ...running }, report);
    const made = await distributionAt(target, 'drey');
    if (made === undefined) throw new Error(`${source} gave no complete distribution`);
    const installedAt = new Date(system.now()).toISOString();
    const record: InstallRecord = { version: formatFlinkVersion(version), source, files, installedAt };
    await writeFile(join(target, INSTALL_RECORD), `${JSON.stringify(record, null, 2)}\n`);
    signal?.throwIfAborted();
    const home = distributionFolder(layout, version);
    await rm(home, { recursive: true, force: true });
    await rename(target, home);
    return { ...made, home };
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

async function fromFirstSource(
  system: DistributionSystem,
  request: SourceRequest,
  report: ReportProgress,
): Promise<{ source: string; files: InstallRecord['files'] }> {
  const reasons: string[] = [];
  for (const source of SOURCES) {
    report({ kind: 'step', text: `asking ${source.name}` });
    try {
      return { source: source.name, files: await source.install(system, request, report) };
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      report({ kind: 'step', text: `skipped ${source.name}: ${error.message}` });
      reasons.push(`${source.name}: ${error.message}`);
      for (const name of await readdir(request.target)) {
        await rm(join(request.target, name), { recursive: true, force: true });
      }
    }
  }
  throw new FlinkError(
    'E_FLINK_INSTALL',
    `Flink ${formatFlinkVersion(request.version)} could not be had from any source. ${reasons.join('. ')}`,
    'Connect to one of them (Python 3 with pip is enough for the package index), or unpack a Flink distribution yourself ' +
      'and set FLINK_HOME to its folder.',
  );
}

/** Staging folders of processes that were killed; the lock says that nobody is using them. */
async function removeLeftovers(layout: DataLayout, version: FlinkVersion): Promise<void> {
  const prefix = `.staging-${formatFlinkVersion(version)}-`;
  for (const name of await readdir(layout.flink)) {
    if (name.startsWith(prefix)) await rm(join(layout.flink, name), { recursive: true, force: true });
  }
}

async function checkSpace(layout: DataLayout): Promise<void> {
  const { bavail, bsize } = await statfs(layout.flink);
  const free = bavail * bsize;
  if (free >= NEEDED_BYTES) return;
  throw new FlinkError(
    'E_FLINK_INSTALL',
    `The disk of ${layout.root} has ${Math.floor(free / 1e6)} MB left, an installation needs ${NEEDED_BYTES / 1e6} MB`,
    'Free some space, or set DREY_HOME to a folder on another disk.',
  );
}

function explained(error: unknown, signal: AbortSignal | undefined, layout: DataLayout): unknown {
  if (error instanceof FlinkError) return error;
  if (signal?.aborted) {
    return new FlinkError(
      'E_FLINK_ABORTED',
      'The installation was interrupted; nothing half-made was left',
      'Run it again: what was downloaded is kept and the rest continued.',
      error,
    );
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') {
    const next = 'Free some space, or set DREY_HOME to a folder on another disk, and run it again.';
    return new FlinkError('E_FLINK_INSTALL', `The disk of ${layout.root} is full`, next, error);
  }
  if (code === 'EACCES' || code === 'EROFS') {
    const next = 'Make the folder writable, or set DREY_HOME to one that is.';
    return new FlinkError('E_FLINK_INSTALL', `${layout.root} cannot be written (${code})`, next, error);
  }
  return error;
}
