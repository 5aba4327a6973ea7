import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  archiveGroup,
  commandLine,
  type JavaLaunch,
  launchOf,
  loadConfigDirectory,
  recordingArchive,
  tryParseFlinkVersion,
  withArchive,
  withLaterOptimizer,
} from '@drey/flink';
import { FLINK_HOME } from './flink-image.ts';
import type { FlinkDistribution } from './images.ts';
import type { MountRequest } from './root-plan.ts';

export interface FastStartInput {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly requests: readonly MountRequest[];
  readonly distribution: FlinkDistribution;
  readonly hostname: string;
}

export interface FastStart {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const SYSTEM_DIRECTORIES = ['/etc/hadoop/conf', '/etc/hbase/conf'];

/**
 * The JVM that a Flink command would end in, to be run in its place. Undefined when the command is not one of Flink's, or
 * Flink's own scripts should say what is wrong with it.
 */
export function fastStart(input: FastStartInput): FastStart | undefined {
  const version = tryParseFlinkVersion(input.distribution.version);
  const confDirectory = hostPath(input.requests, input.env.FLINK_CONF_DIR ?? `${FLINK_HOME}/conf`);
  if (version === undefined || confDirectory === undefined) return undefined;
  try {
    const launch = launchOf({
      argv: input.command,
      env: input.env,
      config: loadConfigDirectory(configFiles(confDirectory), version),
      version,
      flinkHome: FLINK_HOME,
      libJars: libJars(input.requests),
      java: { executable: `${input.distribution.javaHome}/bin/java`, major: input.distribution.javaMajor },
      hostname: input.hostname,
      user: input.env.USER ?? '',
      systemDirectories: SYSTEM_DIRECTORIES.filter((path) => existsSync(path)),
    });
    if (launch.kind !== 'java') return undefined;
    const ready = archived(launch, input);
    return { command: commandLine(ready), env: { ...input.env, ...ready.env } };
  } catch {
    // A configuration that cannot be read: the scripts report it in Flink's words.
    return undefined;
  }
}

/**
 * An archive belongs to one class path, word by word: that of the distribution where it lies on the host. The container sees
 * the same files there too, so the class path can name them so, unless the container has other jars.
 */
function archived(launch: JavaLaunch, { distribution, requests }: FastStartInput): JavaLaunch {
  const group = archiveGroup(launch.service);
  const archive = distribution.archives[group];
  const record = distribution.record?.[group];
  const lib = `${FLINK_HOME}/lib`;
  const ownLib = hostPath(requests, lib) === join(distribution.home, 'lib');
  const changed = requests.some((request) => request.destination.startsWith(`${lib}/`));
  if (!ownLib || changed) return launch;
  const classpath = launch.classpath
    .split(':')
    .map((entry) => (entry.startsWith(`${lib}/`) ? join(distribution.home, 'lib', entry.slice(lib.length)) : entry));
  const named = { ...launch, classpath: classpath.join(':') };
  if (record !== undefined) return recordingArchive(named, record);
  return archive === undefined ? launch : withLaterOptimizer(withArchive(named, archive));
}

function configFiles(directory: string): Map<string, string> {
  const names = ['config.yaml', 'flink-conf.yaml'].filter((name) => existsSync(join(directory, name)));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

/** Jars below lib, those mounted into it included. */
function libJars(requests: readonly MountRequest[]): string[] {
  const lib = `${FLINK_HOME}/lib`;
  const directory = hostPath(requests, lib);
  const own = directory === undefined ? [] : readdirSync(directory, { recursive: true }).map(String);
  const mounted = requests
    .filter((r) => r.destination.startsWith(`${lib}/`))
    .flatMap((r) => {
      const name = r.destination.slice(lib.length + 1);
      return r.kind === 'file' ? [name] : readdirSync(r.source, { recursive: true }).map((entry) => `${name}/${entry}`);
    });
  return [...new Set([...own, ...mounted])].filter((name) => name.endsWith('.jar'));
}

/** Where a path of the container lies on the host. */
function hostPath(requests: readonly MountRequest[], path: string): string | undefined {
  const cover = requests
    .filter((r) => path === r.destination || path.startsWith(`${r.destination}/`))
    .sort((a, b) => b.destination.length - a.destination.length)[0];
  if (cover === undefined) return undefined;
  const found = join(cover.source, path.slice(cover.destination.length));
  return existsSync(found) ? found : undefined;
}
