import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flinkRest, httpTransport, parseFlinkVersion } from '@drey/flink';
import type { FlinkTarget } from './suite.ts';

const START_LIMIT_MS = 90_000;
const STEP_MS = 100;
const HOST = '127.0.0.1';

/**
 * Starts a session cluster of an installed distribution as plain processes on loopback, as Flink's own scripts do it: one
 * JobManager and one TaskManager with four slots. Everything ends and is removed with `close`.
 */
export async function openSessionCluster(home: string, version: string): Promise<FlinkTarget> {
  const dir = mkdtempSync(join(tmpdir(), 'drey-flink-contract-'));
  const [restPort, rpcPort] = [await freePort(), await freePort()];
  const conf = writeConfiguration(home, dir, restPort, rpcPort);
  const env = { ...process.env, FLINK_CONF_DIR: conf, FLINK_LOG_DIR: dir, FLINK_PID_DIR: dir };
  const log = openSync(join(dir, 'flink.out'), 'a');
  const run = (script: string, ...args: string[]): ChildProcess =>
    spawn(join(home, 'bin', script), [...args], { cwd: dir, env, stdio: ['ignore', log, log], detached: true });
  const jobManager = run('jobmanager.sh', 'start-foreground');
  let taskManager = run('taskmanager.sh', 'start-foreground');
  const http = httpTransport();
  const close = async (): Promise<void> => {
    await Promise.all([kill(jobManager), kill(taskManager)]);
    await http.close();
    closeSync(log);
    rmSync(dir, { recursive: true, force: true });
  };
  const endpoint = {
    baseUrl: `http://${HOST}:${restPort}`,
    transport: http.transport,
    timeoutMs: 30_000,
    maxBytes: 8 * 1024 * 1024,
  };
  const rest = flinkRest(endpoint, parseFlinkVersion(version));
  try {
    await until(
      async () => {
        const overview = await rest.overview();
        return overview.kind === 'ok' && overview.value.taskManagers === 1;
      },
      () => `Flink did not start:\n${readFileSync(join(dir, 'flink.out'), 'utf8').slice(-2000)}`,
    );
    const jar = await rest.uploadJar('job.jar', readFileSync(join(home, 'examples/streaming/StateMachineExample.jar')));
    if (jar.kind !== 'ok') throw new Error(`the example was not uploaded: ${JSON.stringify(jar)}`);
    return {
      rest,
      jar: { id: jar.value, entryClass: 'org.apache.flink.streaming.examples.statemachine.StateMachineExample' },
      savepoints: `file://${dir}/savepoints`,
      // Nobody can make a folder there, root neither.
      unwritable: 'file:///proc/savepoints',
      sleep,
      killTaskManager: () => kill(taskManager),
      startTaskManager: async () => {
        taskManager = run('taskmanager.sh', 'start-foreground');
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function writeConfiguration(home: string, dir: string, restPort: number, rpcPort: number): string {
  const conf = join(dir, 'conf');
  cpSync(join(home, 'conf'), conf, { recursive: true });
  mkdirSync(join(dir, 'savepoints'));
  const entries: Record<string, string> = {
    'jobmanager.rpc.address': HOST,
    'jobmanager.rpc.port': String(rpcPort),
    'jobmanager.bind-host': HOST,
    'rest.address': HOST,
    'rest.bind-address': HOST,
    'rest.port': String(restPort),
    'taskmanager.host': HOST,
    'taskmanager.bind-host': HOST,
    'jobmanager.memory.process.size': '1000m',
    'taskmanager.memory.process.size': '1200m',
    'taskmanager.numberOfTaskSlots': '4',
    'execution.checkpointing.interval': '1 s',
    'execution.checkpointing.dir': `file://${dir}/checkpoints`,
    // Answers are otherwise up to three seconds old.
    'web.refresh-interval': '100',
    // The loss of a TaskManager is seen by its broken connection, else after 50 s.
    'heartbeat.interval': '1000',
    'heartbeat.timeout': '5000',
    'cluster.registration.error-delay': '500ms',
  };
  const yaml = Object.entries(entries).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  // The shipped file holds the module options that Java 17 needs; flat keys at its end win.
  appendFileSync(join(conf, 'config.yaml'), `\n${yaml.join('')}`);
  return conf;
}

/** kill -9 of a process and everything it started. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => Promise<boolean>, failure: () => string): Promise<void> {
  for (const end = performance.now() + START_LIMIT_MS; !(await condition()); await sleep(STEP_MS)) {
    if (performance.now() > end) throw new Error(failure());
  }
}
