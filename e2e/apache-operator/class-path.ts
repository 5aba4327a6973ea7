import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The newest version of the Apache operator whose jar is on Maven Central. */
const operatorVersion = '1.7.0';

export type ClassPath =
  | { readonly found: true; readonly jars: readonly string[] }
  | { readonly found: false; readonly why: string };

/**
 * The jars of the Apache operator: those that DREY_APACHE_OPERATOR_CLASSPATH names (a folder, or a class path), else version
 * 1.7.0 with its dependencies from Maven Central, kept in the cache folder.
 */
export function apacheOperatorClassPath(): ClassPath {
  const given = process.env.DREY_APACHE_OPERATOR_CLASSPATH;
  if (given) {
    const jars =
      given.includes(':') || given.endsWith('.jar')
        ? given.split(':')
        : readdirSync(given).map((name) => join(given, name));
    return { found: true, jars };
  }
  const folder = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'drey',
    `apache-operator-${operatorVersion}`,
  );
  if (!existsSync(folder)) {
    if (spawnSync('mvn', ['--version']).status !== 0) return { found: false, why: 'Maven is not installed' };
    const problem = download(folder);
    if (problem !== undefined) return { found: false, why: problem };
  }
  return { found: true, jars: readdirSync(folder).map((name) => join(folder, name)) };
}

function download(folder: string): string | undefined {
  const work = mkdtempSync(join(tmpdir(), 'drey-apache-operator-'));
  const dependency = (artifact: string): string =>
    `<dependency><groupId>org.apache.flink</groupId><artifactId>${artifact}</artifactId><version>${operatorVersion}</version></dependency>`;
  try {
    writeFileSync(
      join(work, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>drey</groupId><artifactId>jars</artifactId><version>1</version><dependencies>${dependency('flink-kubernetes-operator')}${dependency('flink-kubernetes-standalone')}</dependencies></project>`,
    );
    const args = [
      '-q',
      '-B',
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${join(work, 'jars')}`,
    ];
    const done = spawnSync('mvn', args, { cwd: work, encoding: 'utf8', timeout: 300_000 });
    if (done.status !== 0)
      return `Maven could not fetch the operator: ${(done.stdout + done.stderr).split('\n').find((line) => line.includes('ERROR')) ?? 'no reason given'}`;
    mkdirSync(join(folder, '..'), { recursive: true });
    renameSync(join(work, 'jars'), folder);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
