import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';

/** Times of one start in seconds, from its beginning. */
export interface ByHandTimes {
  readonly restAnswers: number;
  readonly taskManagerRegistered: number;
  readonly tasksRunning: number;
}

/** What both ways of starting get: the same job, memory and parallelism. */
export interface Sizing {
  readonly jobManagerMemory: string;
  readonly taskManagerMemory: string;
  readonly slots: number;
  readonly parallelism: number;
  readonly checkpointInterval: string;
}

/**
 * Starts JobManager and TaskManager with Flink's own scripts on localhost, waits until all tasks run,
 * and ends them: what somebody without Drey does by hand.
 */
export async function startByHand(
  distribution: string,
  jar: string,
  entryClass: string,
  sizing: Sizing,
): Promise<ByHandTimes> {
  const dir = mkdtempSync(join(tmpdir(), 'drey-by-hand-'));
  // The embedded client connects to the blob server as localhost, so another loopback address would not do.
  const host = '127.0.0.1';
  const conf = join(dir, 'conf');
  cpSync(join(distribution, 'conf'), conf, { recursive: true });
  rmSync(join(conf, 'flink-conf.yaml'), { force: true });
  const entries: Record<string, string> = {
    'jobmanager.rpc.address': host,
    'jobmanager.bind-host': host,
    'rest.address': host,
    'rest.bind-address': host,
    'taskmanager.host': host,
    'taskmanager.bind-host': host,
    'blob.server.port': '6124',
    'jobmanager.memory.process.size': sizing.jobManagerMemory,
    'taskmanager.memory.process.size': sizing.taskManagerMemory,
    'taskmanager.numberOfTaskSlots': String(sizing.slots),
    'parallelism.default': String(sizing.parallelism),
    'execution.checkpointing.interval': sizing.checkpointInterval,
    'execution.checkpointing.dir': `file://${dir}/checkpoints`,
    'cluster.registration.error-delay': '500ms',
  };
  const yaml = Object.entries(entries).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  // The shipped file holds the module options that Java 17 needs; flat keys at its end win.
  appendFileSync(join(conf, 'config.yaml'), `\n${yaml.join('')}`);
  const env = { ...process.env, FLINK_CONF_DIR: conf, FLINK_LOG_DIR: dir, FLINK_PID_DIR: dir };
  const log = openSync(join(dir, 'flink.out'), 'a');
  const children: ChildProcess[] = [];
  const run = (script: string, ...args: string[]): void => {
    children.push(
      spawn(join(distribution, 'bin', script), ['start-foreground', ...args], {
        cwd: dir,
        env,
        stdio: ['ignore', log, log],
        detached: true,
      }),
    );
  };
  const started = performance.now();
  const since = (): number => (performance.now() - started) / 1000;
  try {
    run('standalone-job.sh', '--job-classname', entryClass, '--jars', `file://${jar}`);
    run('taskmanager.sh');
    const until = (condition: () => Promise<boolean>): Promise<void> =>
      waitUntil(
        condition,
        () => children.every((one) => one.exitCode === null),
        () => readFileSync(join(dir, 'flink.out'), 'utf8'),
      );
    const base = `http://${host}:8081`;
    await until(async () => (await json(`${base}/overview`)) !== undefined);
    const restAnswers = since();
    await until(async () => Number((await json(`${base}/overview`))?.taskmanagers ?? 0) > 0);
    const taskManagerRegistered = since();
    await until(async () => allRunning(await json(`${base}/jobs/overview`)));
    return { restAnswers, taskManagerRegistered, tasksRunning: since() };
  } finally {
    for (const child of children)
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    closeSync(log);
    rmSync(dir, { recursive: true, force: true });
  }
}

type Json = Record<string, unknown>;

async function json(url: string): Promise<Json | undefined> {
  try {
    const answer = await request(url, { headersTimeout: 2000, bodyTimeout: 2000 });
    const text = await answer.body.text();
    return answer.statusCode === 200 ? (JSON.parse(text) as Json) : undefined;
  } catch {
    return undefined; // not listening yet
  }
}

/** Whether there is a job and all of its tasks run. */
export function allRunning(overview: Json | undefined): boolean {
  const jobs = (overview?.jobs ?? []) as { state: string; tasks: { total: number; running: number } }[];
  return (
    jobs.length > 0 &&
    jobs.every((one) => one.state === 'RUNNING' && one.tasks.total > 0 && one.tasks.running === one.tasks.total)
  );
}

async function waitUntil(condition: () => Promise<boolean>, alive: () => boolean, output: () => string): Promise<void> {
  for (const end = performance.now() + 90_000; !(await condition()); ) {
    if (performance.now() > end || !alive()) throw new Error(`Flink did not start:\n${output().slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
