import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  commandLine,
  FlinkConfig,
  type FlinkDistribution,
  findArchive,
  findDistribution,
  findJava,
  installedDistributions,
  launchOf,
  loadConfigDirectory,
  systemDistribution,
  withArchive,
  withLaterOptimizer,
} from '@drey/flink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** One way to start Flink; every one is compared for every installed distribution. */
interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly config: Record<string, string>;
  readonly env?: Record<string, string>;
}

const sized = { 'jobmanager.memory.process.size': '1600m', 'taskmanager.memory.process.size': '1728m' };
const modules = '--add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED';
const native = (text: string): string[] => ['bash', '-c', text];

const cases: readonly Case[] = [
  {
    name: 'a native application cluster',
    argv: native('kubernetes-jobmanager.sh kubernetes-application '),
    config: { ...sized, 'env.java.opts.all': modules },
  },
  {
    name: 'a native session cluster with options, a direct memory limit and dynamic properties',
    argv: native(
      `kubernetes-jobmanager.sh kubernetes-session -D rest.port=9090 -Djobmanager.memory.off-heap.size='64m'`,
    ),
    config: {
      ...sized,
      'env.java.opts.all': `${modules} -Dx="a b" -Dpath=$FLINK_CONF_DIR/x`,
      'env.java.opts.jobmanager': '-XX:+UseSerialGC',
      'jobmanager.memory.enable-jvm-direct-memory-limit': 'true',
      'env.log.dir': '/tmp/flink-logs',
    },
  },
  {
    name: 'a native TaskManager',
    argv: native(
      `kubernetes-taskmanager.sh -Dtaskmanager.resource-id='tm-1-1' -D taskmanager.cpu.cores=2.0 -D external-resources=none `,
    ),
    config: { ...sized, 'env.java.opts.taskmanager': '-Dtm=1', 'env.java.default-opts.all': modules },
    env: { FLINK_TM_JVM_MEM_OPTS: '-Xmx100 -Xms100 -XX:MaxDirectMemorySize=7 -XX:MaxMetaspaceSize=9' },
  },
  {
    name: 'a standalone job with program arguments',
    argv: [
      'standalone-job.sh',
      'start-foreground',
      '--job-classname',
      'org.example.Main',
      '-Dparallelism.default=2',
      '--in',
      'a b',
    ],
    config: { ...sized, 'jobmanager.memory.heap.size': '700m' },
    env: { JVM_ARGS: '-Dfrom.env=1', HADOOP_CLASSPATH: '/opt/hadoop/a.jar' },
  },
  {
    name: 'a standalone session JobManager with a host',
    argv: ['jobmanager.sh', 'start-foreground', '127.0.0.9', '8099', '-D', 'jobmanager.memory.process.size=2g'],
    config: sized,
    env: { FLINK_IDENT_STRING: 'me', FLINK_LOG_DIR: '/tmp/flink-logs' },
  },
  {
    name: 'a standalone TaskManager',
    argv: [
      'taskmanager.sh',
      'start-foreground',
      '-D',
      'taskmanager.numberOfTaskSlots=3',
      '-Dtaskmanager.memory.managed.fraction=0.3',
    ],
    config: { ...sized, 'env.java.opts': '-Dold=1', 'env.java.opts.taskmanager': `-Dquoted='x'` },
  },
];

const work = mkdtempSync(join(tmpdir(), 'drey-launch-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A java that writes its arguments down, except for the helper runs of Flink's scripts, which the real one makes. */
function recordingJava(real: string): string {
  const home = join(work, 'java');
  mkdirSync(join(home, 'bin'), { recursive: true });
  const script = `#!/bin/bash
for word in "$@"; do
  case "$word" in *BashJavaUtils|-XshowSettings*) exec ${real} "$@";; esac
done
printf '%s\\0' "$0" "$@" > "$RECORDED_ARGV"
`;
  writeFileSync(join(home, 'bin', 'java'), script);
  chmodSync(join(home, 'bin', 'java'), 0o755);
  return home;
}

const system = systemDistribution();
const java = await findJava(system, { major: 1, minor: 20 });
const installed = (await installedDistributions(system)).filter((one) => one.origin === 'drey');
if (java === undefined || installed.length === 0) console.log('flink-launch: skipped, no Java or no installed Flink');

describe.skipIf(java === undefined || installed.length === 0)(
  'the computed JVM is the one that the scripts exec',
  () => {
    let javaHome = '';
    beforeAll(() => {
      javaHome = recordingJava(java?.executable ?? '');
    });

    const combinations = installed.flatMap((distribution) =>
      cases.map(
        (one) => [`${distribution.version.major}.${distribution.version.minor}`, one.name, distribution, one] as const,
      ),
    );
    test.each(combinations)('Flink %s: %s', async (_version, name, distribution, one) => {
      const confDir = mkdtempSync(join(work, 'conf-'));
      const file =
        distribution.version.major === 1 && distribution.version.minor < 19 ? 'flink-conf.yaml' : 'config.yaml';
      const quote = (text: string): string => (file === 'config.yaml' ? `'${text.replaceAll("'", "''")}'` : text);
      const lines = Object.entries(one.config).map(([key, value]) => `${key}: ${quote(value)}\n`);
      writeFileSync(join(confDir, file), lines.join(''));
      const pidDir = mkdtempSync(join(work, 'pid-'));
      const env = { FLINK_CONF_DIR: confDir, FLINK_PID_DIR: pidDir, USER: 'flink', JAVA_HOME: javaHome, ...one.env };
      const scripts = recordScripts(distribution, one, env);

      const config = loadConfigDirectory(
        new Map([[file, readFileSync(join(confDir, file), 'utf8')]]),
        distribution.version,
      );
      const launch = launchOf({
        argv: one.argv,
        env,
        config,
        version: distribution.version,
        flinkHome: distribution.home,
        libJars: readdirSync(join(distribution.home, 'lib')).filter((jar) => jar.endsWith('.jar')),
        java: { executable: join(javaHome, 'bin', 'java'), major: java?.major ?? 0 },
        hostname: hostname(),
        user: 'flink',
      });
      if (launch.kind !== 'java') throw new Error(`${name}: ${JSON.stringify(launch)}`);
      const ours = commandLine(launch);
      const main = ours.indexOf(launch.mainClass);
      expect(ours.slice(0, main + 1)).toEqual(scripts.slice(0, main + 1));
      expect(settled(ours.slice(main + 1))).toEqual(settled(scripts.slice(main + 1)));
    });
  },
);

/** Generated `-D` pairs come in the order of a hash map: they are compared sorted, all else in place. */
function settled(args: readonly string[]): string[] {
  const generated: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    if (args[at] === '-D') generated.push(args[++at] ?? '');
    else rest.push(args[at] ?? '');
  }
  return [...rest, ...generated.sort()];
}

function recordScripts(distribution: FlinkDistribution, one: Case, env: Record<string, string>): string[] {
  const recorded = join(work, `argv-${Math.abs(hash(JSON.stringify(one) + distribution.home))}`);
  const [command = '', ...args] = one.argv;
  const run = spawnSync(command, args, {
    env: {
      PATH: `${distribution.home}/bin:${process.env.PATH}`,
      HOSTNAME: hostname(),
      RECORDED_ARGV: recorded,
      ...env,
    },
    encoding: 'utf8',
  });
  try {
    return readFileSync(recorded, 'utf8').split('\0').slice(0, -1);
  } catch {
    throw new Error(`the script started no JVM: ${run.stdout}${run.stderr}`);
  }
}

function hash(text: string): number {
  return [...text].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) | 0, 7);
}

describe.skipIf(java === undefined || installed.length === 0)('a class-data archive never breaks a start', () => {
  const junk = join(work, 'junk.jsa');
  const missing = join(work, 'missing.jsa');

  test.each(['missing', 'junk', 'real'])('the JVM starts with a %s archive', async (kind) => {
    const [distribution] = installed;
    if (java === undefined || distribution === undefined) throw new Error('unreachable');
    const launch = launchOf({
      argv: ['taskmanager.sh', 'start-foreground'],
      env: {},
      config: FlinkConfig.of(sized),
      version: distribution.version,
      flinkHome: distribution.home,
      libJars: readdirSync(join(distribution.home, 'lib')).filter((jar) => jar.endsWith('.jar')),
      java,
      hostname: 'h',
      user: '',
    });
    if (launch.kind !== 'java') throw new Error(launch.kind);
    const real = await findArchive(system, { distribution, java, service: launch.service });
    writeFileSync(junk, 'junk'.repeat(10_000));
    const archive = { missing, junk, real: real ?? missing }[kind] ?? missing;
    const { jvmArgs, classpath } = withLaterOptimizer(withArchive(launch, archive));
    const run = spawnSync(java.executable, [...jvmArgs, '-classpath', classpath, '-version'], { encoding: 'utf8' });
    expect(run.status).toBe(0);
    expect(run.stdout).toBe('');
    expect(run.stderr).not.toMatch(/error|cds/i);
    if (kind === 'real' && real !== undefined) expect(run.stderr).toContain('sharing');
  });
});

test('a command that is none of Flink runs as it stands', async () => {
  expect(await findDistribution(system, { major: 0, minor: 1 })).toBeUndefined();
  const base = {
    env: {},
    config: FlinkConfig.of(sized),
    version: { major: 1, minor: 20 },
    flinkHome: '/opt/flink',
    libJars: ['flink-dist-1.20.5.jar'],
    java: { executable: 'java', major: 17 },
    hostname: 'h',
    user: '',
  };
  const kinds = (argv: string[], config = base.config) => launchOf({ ...base, argv, config }).kind;
  expect(kinds(['sleep', '1'])).toBe('as-it-stands');
  expect(kinds(['bash', '-c', 'kubernetes-jobmanager.sh kubernetes-application $(date)'])).toBe('as-it-stands');
  expect(kinds(['jobmanager.sh', 'start-foreground'], base.config.with('env.java.opts.all', '-Dx=`date`'))).toBe(
    'as-it-stands',
  );
  expect(kinds(['jobmanager.sh', 'start-foreground'], FlinkConfig.of({}))).toBe('refused');
  expect(kinds(['/docker-entrypoint.sh', 'jobmanager'])).toBe('java');
});
