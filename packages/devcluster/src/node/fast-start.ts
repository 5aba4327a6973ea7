import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, launchOf, loadConfigDirectory, tryParseFlinkVersion } from '@drey/flink';
import { FLINK_HOME } from './flink-image.ts';
import type { FlinkDistribution } from './images.ts';
import type { MountRequest } from './root-plan.ts';

export interface FastStartInput {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly requests: readonly MountRequest[];
  readonly distribution: FlinkDistribution;
  readonly hostname: string;
  /** A class-data archive for a main class, as the container sees it. */
  archiveFor(mainClass: string): string | undefined;
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
    const archive = input.archiveFor(launch.mainClass);
    const shared =
      archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
    const [executable = '', ...args] = commandLine(launch);
    return { command: [executable, ...shared, ...args], env: { ...input.env, ...launch.env } };
  } catch {
    // A configuration that cannot be read: the scripts report it in Flink's words.
    return undefined;
  }
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
