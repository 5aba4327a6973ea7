import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { request } from 'undici';
import { root } from '../../scripts/process.ts';

/** A cluster of `drey up`, started as a user would, with kubectl to talk to it. */
export interface TestCluster {
  readonly name: string;
  readonly kubeconfig: string;
  /** Process id of `drey up`. */
  readonly pid: () => number;
  kubectl(...args: string[]): string;
  /** The FlinkDeployment as it is now. */
  deployment(name: string): FlinkDeployment;
  /** Waits for a state of a FlinkDeployment; rejects with its status when it does not come. */
  reach(
    name: string,
    what: string,
    holds: (object: FlinkDeployment) => boolean,
    timeoutMs?: number,
  ): Promise<FlinkDeployment>;
  /** Resolves with the first line of a kubectl that keeps printing (`get -w`) that satisfies `holds`; sees every version. */
  line(args: readonly string[], holds: (line: string) => boolean, timeoutMs?: number): Promise<string>;
  /** Applies YAML or an object. */
  apply(object: unknown): void;
  /** A GET on a job cluster's REST API, through its Service. */
  flink<T>(name: string, path: string): Promise<T>;
  /** kill -9 of `drey up` itself. */
  crash(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const dreyMain = join(root, 'packages', 'cli', 'src', 'main.ts');

/** Whether kubectl is there; tests that need it say so when it is not. */
export const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

export async function startDrey(name: string, ...flags: string[]): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), `drey-e2e-${name}-`));
  const kubeconfig = join(folder, 'kubeconfig');
  const args = [
    dreyMain,
    'up',
    '--name',
    name,
    '--kubeconfig',
    kubeconfig,
    '--data-dir',
    join(folder, 'data'),
    ...flags,
  ];
  let child: ChildProcess;
  let output = '';
  const start = async (): Promise<void> => {
    output = '';
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        output += chunk.toString();
        if (output.includes('is ready at')) resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.on('exit', (code) => reject(new Error(`drey up ended with ${code}:\n${output}`)));
    });
    await ready;
  };
  await start();
  const kubectl = (...words: string[]): string => {
    const done = spawnSync('kubectl', ['--kubeconfig', kubeconfig, ...words], { encoding: 'utf8', timeout: 60_000 });
    if (done.status !== 0) throw new Error(`kubectl ${words.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  const deployment = (one: string): FlinkDeployment =>
    JSON.parse(kubectl('get', 'flinkdeployment', one, '-o', 'json')) as FlinkDeployment;
  const end = (signal: NodeJS.Signals): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.removeAllListeners('exit');
      child.on('exit', () => resolve());
      child.kill(signal);
    });
  return {
    name,
    kubeconfig,
    pid: () => child.pid ?? 0,
    kubectl,
    deployment,
    async reach(one, what, holds, timeoutMs = 90_000) {
      let last: FlinkDeployment | undefined;
      for (const limit = performance.now() + timeoutMs; performance.now() < limit; ) {
        last = deployment(one);
        if (holds(last)) return last;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      throw new Error(
        `${one} did not reach "${what}" within ${timeoutMs} ms: ${JSON.stringify(last?.status, null, 1)}`,
      );
    },
    line(args, holds, timeoutMs = 60_000) {
      const watching = spawn('kubectl', ['--kubeconfig', kubeconfig, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
      return new Promise<string>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`kubectl ${args.join(' ')}: not within ${timeoutMs} ms`)),
          timeoutMs,
        );
        let rest = '';
        watching.stdout.on('data', (chunk: Buffer) => {
          const parts = (rest + chunk.toString()).split('\n');
          rest = parts.pop() ?? '';
          const found = parts.find(holds);
          if (found === undefined) return;
          clearTimeout(timer);
          resolve(found);
        });
      }).finally(() => watching.kill('SIGKILL'));
    },
    apply(object) {
      const input = typeof object === 'string' ? object : JSON.stringify(object);
      const done = spawnSync('kubectl', ['--kubeconfig', kubeconfig, 'apply', '-f', '-'], { input, encoding: 'utf8' });
      if (done.status !== 0) throw new Error(done.stderr);
    },
    async flink(one, path) {
      const ip = kubectl('get', 'service', `${one}-rest`, '-o', 'jsonpath={.spec.clusterIP}');
      const answer = await request(`http://${ip}:8081${path}`);
      return (await answer.body.json()) as never;
    },
    crash: () => end('SIGKILL'),
    restart: start,
    async stop() {
      await end('SIGTERM');
      for (const one of [folder, ...stateFolders]) rmSync(one, { recursive: true, force: true });
      stateFolders.clear();
    },
  };
}

export const isStable = (object: FlinkDeployment): boolean =>
  object.status?.lifecycleState === 'STABLE' &&
  object.status.jobStatus?.state === 'RUNNING' &&
  object.status.observedGeneration === object.metadata.generation;

/** What the examples of this file have written; gone with its cluster. */
const stateFolders = new Set<string>();

/** The example with a name, and with a state folder that no other test uses. */
export function example(name: string, change: (object: FlinkDeployment) => void = () => undefined): FlinkDeployment {
  const folder = mkdtempSync(join(tmpdir(), `drey-state-${name}-`));
  stateFolders.add(folder);
  const state = { name: 'state', mountPath: folder };
  const object: FlinkDeployment = {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace: 'default' },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        'execution.checkpointing.interval': '2 s',
        'execution.checkpointing.dir': `file://${folder}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `file://${folder}/savepoints`,
        'cluster.registration.error-delay': '500 ms',
      },
      podTemplate: {
        spec: {
          containers: [{ name: 'flink-main-container', volumeMounts: [state] }],
          volumes: [{ name: 'state', hostPath: { path: folder, type: 'DirectoryOrCreate' } }],
        },
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: { resource: { memory: '1536m', cpu: 1 } },
      job: {
        jarURI: 'local:///opt/flink/examples/streaming/StateMachineExample.jar',
        entryClass: 'org.apache.flink.streaming.examples.statemachine.StateMachineExample',
        parallelism: 2,
        upgradeMode: 'savepoint',
      },
    },
  };
  change(object);
  return object;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [
          { pid: Number(entry), parent, args: readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ') },
        ];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** The JVMs below a process whose command line contains `text`. */
export function jvmsBelow(ancestor: number, text: string): number[] {
  const all = processes();
  const parentOf = new Map(all.map((one) => [one.pid, one.parent]));
  const isBelow = (pid: number): boolean => {
    for (
      let at: number | undefined = pid, steps = 0;
      at !== undefined && at > 1 && steps < 50;
      at = parentOf.get(at), steps++
    )
      if (at === ancestor) return true;
    return false;
  };
  return all
    .filter((one) => one.args.includes(text) && one.args.includes('java') && isBelow(one.pid))
    .map((one) => one.pid);
}

/** Processes of this machine whose command line contains `text`. */
export function processesWith(text: string): number[] {
  return processes()
    .filter((one) => one.args.includes(text))
    .map((one) => one.pid);
}
