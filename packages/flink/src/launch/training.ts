import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { configFileFor, loadConfigDirectory, writeConfigFile } from '../config/config-files.ts';
import type { FlinkDistribution } from '../distribution/installed.ts';
import type { JavaRuntime } from '../distribution/java.ts';
import { dataFolder, dataLayout } from '../distribution/layout.ts';
import { withLock } from '../distribution/lock.ts';
import type { ReportProgress } from '../distribution/progress.ts';
import type { DistributionSystem } from '../distribution/system.ts';
import { type Answer, answerValue } from '../rest/answer.ts';
import { type FlinkRest, flinkRest } from '../rest/client.ts';
import { httpTransport } from '../rest/transport.ts';
import { formatFlinkVersion } from '../versions/version.ts';
import { archivePath, findArchive, publishArchive, recordingArchive } from './archive.ts';
import { commandLine, type JavaLaunch, launchOf } from './launch.ts';

const START_LIMIT_MS = 90_000;
const EXIT_LIMIT_MS = 60_000;
const POLL_MS = 100;
const SETPRIV = '/usr/bin/setpriv';
const EXAMPLE = 'StateMachineExample.jar';
const EXAMPLE_CLASS = 'org.apache.flink.streaming.examples.statemachine.StateMachineExample';

/** What archives are made for. */
export interface ArchiveRequest {
  readonly distribution: FlinkDistribution;
  readonly java: JavaRuntime;
  readonly signal?: AbortSignal;
  readonly report?: ReportProgress;
}

/**
 * Makes the class-data archives of a distribution for one JVM, unless they are there: a small cluster on the loopback
 * address runs an example job with checkpoints, takes a savepoint, and ends normally, upon which both JVMs write down the
 * classes they had loaded. About 15 seconds, once.
 *
 * Returns the paths that exist afterwards. Never throws but for an abort: being without archives only makes Flink start
 * more slowly, so every failure is reported as a warning.
 */
export async function ensureArchives(system: DistributionSystem, request: ArchiveRequest): Promise<string[]> {
  const { distribution, java, signal } = request;
  const report = request.report ?? (() => undefined);
  const keys = (['standalonesession', 'taskexecutor'] as const).map((service) => ({ distribution, java, service }));
  const existing = async (): Promise<string[]> =>
    (await Promise.all(keys.map((key) => findArchive(system, key)))).filter((path) => path !== undefined);
  const targets = await Promise.all(keys.map((key) => archivePath(system, key)));
  const [jobManager, taskManager] = targets;
  if (jobManager === undefined || taskManager === undefined) return [];
  const layout = dataLayout(dataFolder(system));
  const lock = join(layout.archives, `.lock-${formatFlinkVersion(distribution.version)}`);
  return withLock(system, lock, signal === undefined ? {} : { signal }, async () => {
    if ((await existing()).length === keys.length) return existing();
    report({ kind: 'step', text: 'making class-data archives' });
    const prefix = `.training-${formatFlinkVersion(distribution.version)}-`;
    for (const name of await readdir(layout.archives)) {
      if (name.startsWith(prefix)) await rm(join(layout.archives, name), { recursive: true, force: true });
    }
    const work = await mkdtemp(join(layout.archives, prefix));
    try {
      await train(system, request, work, { jobManager, taskManager });
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

async function train(
  system: DistributionSystem,
  request: ArchiveRequest,
  work: string,
  targets: { readonly jobManager: string; readonly taskManager: string },
): Promise<void> {
  const { distribution } = request;
  const ports = await freePorts(2);
  const conf = await writeConfiguration(distribution, work, ports);
  const launches = {
    jobManager: await launchFor(request, conf, 'jobmanager'),
    taskManager: await launchFor(request, conf, 'taskmanager'),
  };
  const recorded = { jobManager: join(work, 'jobmanager.jsa'), taskManager: join(work, 'taskmanager.jsa') };
  const http = httpTransport();
  const jobManager = start(recordingArchive(launches.jobManager, recorded.jobManager), work, 'jobmanager');
  const processes = [jobManager];
  try {
    const endpoint = { baseUrl: `http://127.0.0.1:${ports[0]}`, transport: http.transport };
    const rest = flinkRest(endpoint, distribution.version);
    const taskManager = start(recordingArchive(launches.taskManager, recorded.taskManager), work, 'taskmanager');
    processes.push(taskManager);
    const wait = <T>(what: string, ask: () => Promise<T | undefined>): Promise<T> =>
      waitFor(system, { what, ask, processes, ...(request.signal === undefined ? {} : { signal: request.signal }) });
    await wait('the TaskManager', async () =>
      (answerValue(await rest.overview())?.taskManagers ?? 0) > 0 ? true : undefined,
    );
    await runExample(distribution, rest, work, wait);
    taskManager.child.kill('SIGTERM');
    await rest.shutDownCluster();
    await ended(system, processes);
  } finally {
    for (const one of processes) one.child.kill('SIGKILL');
    await http.close();
  }
  const made = [
    await publishArchive(system, recorded.jobManager, targets.jobManager, launches.jobManager),
    await publishArchive(system, recorded.taskManager, targets.taskManager, launches.taskManager),
  ];
  if (made.includes(false)) throw new Error('the JVM made no archive that it accepts');
}

type Wait = <T>(what: string, ask: () => Promise<T | undefined>) => Promise<T>;

/** Runs the example job up to its first checkpoint and stops it with a savepoint; without the example, does nothing. */
async function runExample(distribution: FlinkDistribution, rest: FlinkRest, work: string, wait: Wait): Promise<void> {
  const jar = await readFile(join(distribution.home, 'examples', 'streaming', EXAMPLE)).catch(() => undefined);
  if (jar === undefined) return;
  const jarId = valueOrThrow(await rest.uploadJar(EXAMPLE, jar), 'uploading the example');
  const run = { entryClass: EXAMPLE_CLASS, programArgs: ['--error-rate', '0.1', '--sleep', '50'] };
  const jobId = valueOrThrow(await rest.runJar(jarId, run), 'running the example');
  await wait('the first checkpoint', async () => answerValue(await rest.checkpoints(jobId))?.latest.completed);
  await Promise.all([
    rest.job(jobId),
    rest.jobsOverview(),
    rest.exceptions(jobId, 5),
    rest.taskManagers(),
    rest.dashboardConfig(),
  ]);
  const request = {
    targetDirectory: `file://${join(work, 'savepoints')}`,
    formatType: 'NATIVE',
    drain: false,
  } as const;
  const trigger = valueOrThrow(await rest.stopWithSavepoint(jobId, request), 'stopping the example');
  await wait('the savepoint', async () => {
    const operation = answerValue(await rest.savepointOperation(jobId, trigger));
    return operation === undefined || operation.kind === 'in-progress' ? undefined : operation;
  });
}

function valueOrThrow<T>(answer: Answer<T>, what: string): T {
  if (answer.kind === 'ok') return answer.value;
  throw new Error(`${what} failed: ${answer.message}`);
}

async function writeConfiguration(
  distribution: FlinkDistribution,
  work: string,
  ports: readonly number[],
): Promise<string> {
  const conf = join(work, 'conf');
  await mkdir(conf);
  const shipped = new Map<string, string>();
  for (const name of await readdir(join(distribution.home, 'conf'))) {
    const path = join(distribution.home, 'conf', name);
    if (name.endsWith('.yaml')) shipped.set(name, await readFile(path, 'utf8'));
    else await copyFile(path, join(conf, name));
  }
  // The shipped file brings the module flags that this version needs.
  const own = loadConfigDirectory(shipped, distribution.version).withAll({
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.bind-host': '127.0.0.1',
    'jobmanager.rpc.port': String(ports[1]),
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': String(ports[0]),
    'rest.bind-port': String(ports[0]),
    'taskmanager.host': '127.0.0.1',
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.numberOfTaskSlots': '2',
    'parallelism.default': '2',
    'execution.checkpointing.interval': '500 ms',
    'state.checkpoints.dir': `file://${join(work, 'checkpoints')}`,
    'io.tmp.dirs': work,
    'web.tmpdir': work,
  });
  const written = writeConfigFile(own, distribution.version);
  await writeFile(join(conf, configFileFor(distribution.version)), written.text);
  return conf;
}

async function launchFor(
  request: ArchiveRequest,
  conf: string,
  word: 'jobmanager' | 'taskmanager',
): Promise<JavaLaunch> {
  const { distribution, java } = request;
  const file = configFileFor(distribution.version);
  const config = loadConfigDirectory(new Map([[file, await readFile(join(conf, file), 'utf8')]]), distribution.version);
  const lib = await readdir(join(distribution.home, 'lib'));
  const launch = launchOf({
    argv: ['docker-entrypoint.sh', word],
    env: { FLINK_CONF_DIR: conf, FLINK_LOG_DIR: conf },
    config,
    version: distribution.version,
    flinkHome: distribution.home,
    libJars: lib.filter((name) => name.endsWith('.jar')),
    java,
    hostname: hostname(),
    user: '',
  });
  if (launch.kind === 'java') return launch;
  throw launch.kind === 'refused' ? launch.error : new Error(launch.reason);
}

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
}

function start(launch: JavaLaunch, work: string, name: string): Running {
  const output = openSync(join(work, `${name}.out`), 'w');
  const [executable = '', ...args] = [...diesWithParent(), ...commandLine(launch)];
  const child = spawn(executable, args, {
    cwd: work,
    env: { ...process.env, ...launch.env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  child.on('error', () => undefined);
  return { name, child };
}

/** A prefix that has the system end a process when this one is killed, where there is such a program. */
function diesWithParent(): string[] {
  return existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--'] : [];
}

async function waitFor<T>(
  system: DistributionSystem,
  options: {
    readonly what: string;
    readonly ask: () => Promise<T | undefined>;
    readonly processes: readonly Running[];
    readonly signal?: AbortSignal;
  },
): Promise<T> {
  const deadline = system.now() + START_LIMIT_MS;
  while (system.now() < deadline) {
    const value = await options.ask();
    if (value !== undefined) return value;
    const dead = options.processes.find((one) => hasEnded(one));
    if (dead !== undefined) throw new Error(`the ${dead.name} of the training run ended early`);
    await system.sleep(POLL_MS, options.signal);
  }
  throw new Error(`${options.what} did not come within ${START_LIMIT_MS / 1000} s`);
}

async function ended(system: DistributionSystem, processes: readonly Running[]): Promise<void> {
  const deadline = system.now() + EXIT_LIMIT_MS;
  while (system.now() < deadline) {
    if (processes.every(hasEnded)) return;
    await system.sleep(POLL_MS);
  }
  throw new Error('the training run did not end');
}

function hasEnded({ child }: Running): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  return ports;
}
