import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ANSWER_TIMEOUT_MS, SourceUnavailable } from './download.ts';
import { withPip } from './python.ts';
import type { DistributionSystem, RunResult } from './system.ts';

/** Coordinates of one file in a Maven repository. */
export interface MavenArtifact {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  /**
   * A parent POM that the public repository lacks, as `artifact`. Maven cannot resolve such an artifact by itself, so a stub
   * is laid into a private local repository.
   */
  readonly missingParent?: string;
}

/**
 * Copies an artifact's jar to `target`: through `mvn`, which knows the user's mirrors and checks checksums, else through a
 * Maven client in Python, whose result is checked against the published sha1. Throws `SourceUnavailable` with both reasons.
 */
export async function fetchMavenJar(
  system: DistributionSystem,
  artifact: MavenArtifact,
  target: string,
  signal?: AbortSignal,
): Promise<'mvn' | 'python'> {
  const reasons: string[] = [];
  const ways = [
    ['mvn', throughMaven],
    ['python', throughPython],
  ] as const;
  // With a private local repository Maven has to fetch its own plugins first, which takes much longer.
  for (const [way, fetch] of artifact.missingParent === undefined ? ways : ways.toReversed()) {
    const scratch = await mkdtemp(`${target}.incoming-`);
    try {
      await copyFile(await fetch(system, artifact, scratch, signal), target);
      return way;
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(error.message);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  throw new SourceUnavailable(reasons.join('; '));
}

async function throughMaven(
  system: DistributionSystem,
  artifact: MavenArtifact,
  scratch: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const out = join(scratch, 'out');
  const args = [
    '--batch-mode',
    'dependency:copy',
    `-Dartifact=${artifact.group}:${artifact.artifact}:${artifact.version}:jar`,
    `-DoutputDirectory=${out}`,
    '-Dmdep.useBaseVersion=true',
  ];
  if (artifact.missingParent !== undefined)
    args.push(`-Dmaven.repo.local=${await privateRepository(artifact, scratch)}`);
  const run = await runMaven(system, args, scratch, signal);
  if (!run.started) throw new SourceUnavailable('mvn is not installed');
  const [jar] = (await readdir(out).catch(() => [])).filter((name) => name.endsWith('.jar'));
  if (run.code === 0 && jar !== undefined) return join(out, jar);
  const line = run.output.split('\n').find((one) => one.includes('[ERROR]'));
  throw new SourceUnavailable(`mvn failed: ${line?.replace(/^.*\[ERROR\]\s*/, '').slice(0, 300) ?? 'no message'}`);
}

/**
 * Runs mvn, giving up when nothing has come within 5 seconds of its first request: left alone, it waits for minutes where
 * the repository is out of reach.
 */
async function runMaven(
  system: DistributionSystem,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<RunResult> {
  const silent = new AbortController();
  const settled = new AbortController();
  let asked = false;
  const onLine = (line: string): void => {
    if (/Downloaded from /.test(line)) settled.abort();
    if (asked || !/Downloading from /.test(line)) return;
    asked = true;
    system.sleep(ANSWER_TIMEOUT_MS, settled.signal).then(
      () => silent.abort(),
      () => undefined,
    );
  };
  try {
    const limits = signal === undefined ? silent.signal : AbortSignal.any([silent.signal, signal]);
    return await system.run('mvn', args, { cwd, onLine, signal: limits });
  } catch (error) {
    if (!silent.signal.aborted || signal?.aborted) throw error;
    throw new SourceUnavailable('the Maven repository does not answer');
  } finally {
    settled.abort();
  }
}

/** A local repository that holds nothing but a stub of the missing parent. */
async function privateRepository(artifact: MavenArtifact, scratch: string): Promise<string> {
  const repository = join(scratch, 'repository');
  const name = artifact.missingParent ?? '';
  const folder = join(repository, ...artifact.group.split('.'), name, artifact.version);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, `${name}-${artifact.version}.pom`),
    `<project><modelVersion>4.0.0</modelVersion><groupId>${artifact.group}</groupId><artifactId>${name}</artifactId>` +
      `<version>${artifact.version}</version><packaging>pom</packaging></project>\n`,
  );
  return repository;
}

/** The Python package that fetches single artifacts of the public repository without a JVM. */
const PYTHON_CLIENT = 'maven-artifact==0.3.5';
const PYTHON_ENTRY = 'import sys; from maven_artifact.main import main; sys.argv[0] = "maven-artifact"; main()';

async function throughPython(
  system: DistributionSystem,
  artifact: MavenArtifact,
  scratch: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const options = { extra: [PYTHON_CLIENT], ...(signal === undefined ? {} : { signal }) };
  return withPip(system, options, async (pip) => {
    const jar = join(scratch, 'artifact.jar');
    const coordinates = `${artifact.group}:${artifact.artifact}:${artifact.version}`;
    const args = ['-c', PYTHON_ENTRY, '--hash-type', 'sha1', coordinates, jar];
    const first = await pip.python(args);
    if (first.code !== 0) throw new SourceUnavailable(`the Maven client in Python cannot fetch ${coordinates}`);
    // Asked for a file that is there already, the client compares it with the published checksum and says so.
    const second = await pip.python(args);
    if (second.code === 0 && second.output.includes('is already up to date')) return jar;
    throw new SourceUnavailable(`the checksum of ${coordinates} differs from the published one`);
  });
}
