import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { before, type FlinkVersion, formatFlinkVersion } from '../versions/version.ts';
import { hashFile, SourceUnavailable } from './download.ts';
import type { InstallRecord } from './installed.ts';
import type { ReportProgress } from './progress.ts';
import { type Pip, pipDownload, withPip } from './python.ts';
import type { DistributionSystem } from './system.ts';

/** Where a source puts a distribution, and how it tells about it. */
export interface SourceRequest {
  readonly version: FlinkVersion & { readonly patch: number };
  /** An empty folder that becomes the distribution. */
  readonly target: string;
  /** A folder for files on their way, on the same file system. */
  readonly downloads: string;
  readonly signal?: AbortSignal;
}

/** The wheels for any one platform hold the same scripts and configuration files; this one exists for every release. */
const WHEEL_PLATFORMS = ['manylinux1_x86_64', 'manylinux2014_x86_64', 'manylinux_2_17_x86_64', 'manylinux_2_5_x86_64'];

/**
 * Makes a distribution from the Python packages of the same release: `apache-flink-libraries` brings `lib`, `opt` and
 * `plugins`, `apache-flink` brings `bin` and `conf`. Throws `SourceUnavailable`.
 */
export function installFromPython(
  system: DistributionSystem,
  request: SourceRequest,
  report: ReportProgress,
): Promise<InstallRecord['files']> {
  const options = request.signal === undefined ? {} : { signal: request.signal };
  return withPip(system, options, async (pip) => {
    const wheel = await obtain(pip, request, 'wheel', wheelArguments(request.version), report);
    const libraries = await obtain(pip, request, 'libraries', sourceArguments(request.version), report);
    report({ kind: 'step', text: 'unpacking' });
    await unpack(system, request, { wheel, libraries }, pip);
    const files = [];
    for (const path of [libraries, wheel]) {
      const sha256 = (await hashFile(path, 'sha256')) ?? '';
      files.push({ name: basename(path), sha256, verifiedBy: 'the hash that the package index publishes' });
    }
    await rm(folderOf(request), { recursive: true, force: true });
    return files;
  });
}

function wheelArguments(version: FlinkVersion): string[] {
  const python = before(version, '1.17') ? '38' : before(version, '1.19') ? '39' : '311';
  const platforms = WHEEL_PLATFORMS.flatMap((platform) => ['--platform', platform]);
  const target = ['--python-version', python, '--implementation', 'cp', ...platforms];
  return ['--only-binary', ':all:', ...target, `apache-flink==${formatFlinkVersion(version)}`];
}

function sourceArguments(version: FlinkVersion): string[] {
  const name = `apache-flink-libraries==${formatFlinkVersion(version)}`;
  return ['--no-binary', ':all:', '--no-build-isolation', name];
}

function folderOf(request: SourceRequest): string {
  return join(request.downloads, `python-${formatFlinkVersion(request.version)}`);
}

/** Downloads one of the two files, unless an interrupted installation has left it complete. */
async function obtain(
  pip: Pip,
  request: SourceRequest,
  what: 'wheel' | 'libraries',
  args: readonly string[],
  report: ReportProgress,
): Promise<string> {
  const kept = join(folderOf(request), what);
  const [complete] = await readdir(kept).catch(() => []);
  if (complete !== undefined) return join(kept, complete);
  await mkdir(folderOf(request), { recursive: true });
  const incoming = await mkdtemp(join(folderOf(request), 'incoming-'));
  try {
    const text = what === 'wheel' ? 'downloading scripts' : 'downloading libraries';
    const path = await pipDownload(pip, incoming, args, text, report);
    await rename(incoming, kept);
    return join(kept, basename(path));
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

async function unpack(
  system: DistributionSystem,
  request: SourceRequest,
  files: { readonly wheel: string; readonly libraries: string },
  pip: Pip,
): Promise<void> {
  const scratch = await mkdtemp(join(folderOf(request), 'incoming-'));
  try {
    const running = request.signal === undefined ? {} : { signal: request.signal };
    const tar = await system.run('tar', ['-xzf', files.libraries, '-C', scratch, '--strip-components=1'], running);
    if (tar.code !== 0)
      throw new SourceUnavailable(`tar cannot unpack ${basename(files.libraries)}: ${tar.output.trim()}`);
    const zip = await pip.python(['-m', 'zipfile', '-e', files.wheel, join(scratch, 'wheel')]);
    if (zip.code !== 0)
      throw new SourceUnavailable(`Python cannot unpack ${basename(files.wheel)}: ${zip.output.trim()}`);
    const deps = join(scratch, 'deps');
    for (const name of await readdir(deps)) await rename(join(deps, name), join(request.target, name));
    for (const name of ['bin', 'conf']) {
      await cp(join(scratch, 'wheel', 'pyflink', name), join(request.target, name), { recursive: true });
    }
    for (const name of ['LICENSE', 'NOTICE', 'README.txt']) {
      await rename(join(scratch, name), join(request.target, name)).catch(() => undefined);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  for (const name of await readdir(join(request.target, 'bin'))) await chmod(join(request.target, 'bin', name), 0o755);
}
