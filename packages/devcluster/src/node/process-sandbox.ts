import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Clock, Container, KubeClient, Pod, ProbeHandler } from '@drey/kube';
import { sleep } from '@drey/kube';
import type { DuplexBytes, ExecOptions, ExecSession } from '../apiserver/contract.ts';
import { containerEnv } from './container-env.ts';
import {
  type ContainerView,
  containerView,
  type HostVolume,
  hostVolume,
  type PodDirectories,
  writeVolumeFiles,
} from './container-files.ts';
import type { ContainerLog } from './container-log.ts';
import { makeRoot } from './container-root.ts';
import { execSession } from './exec-session.ts';
import { type FastStart, fastStart } from './fast-start.ts';
import { FLINK_HOME } from './flink-image.ts';
import { httpGet, tcpConnect } from './handler-actions.ts';
import { hostsFile, type ServiceAddresses } from './hosts-file.ts';
import { type ImageOptions, type ResolvedImage, resolveImage } from './images.ts';
import { enterCommand, type Isolation, inDirectory, isolatedCommand, plainCommand } from './isolation.ts';
import { loadEnvObjects, loadVolumeObjects, requestToken } from './object-sources.ts';
import { byPaths } from './path-mode.ts';
import { PodLogs } from './pod-logs.ts';
import { httpActionUrl, type ProbeOutcome, portNumber } from './probe.ts';
import { drained, readOrEmpty, startReport, terminationMessage } from './process-reports.ts';
import { killGroup, killProcess, type ProcessTable, type SupervisedProcess } from './processes.ts';
import { type ContainerExit, type PodSandbox, type RunningContainer, StartError } from './runtime.ts';
import { type TokenNeed, volumeFiles, volumeReferences } from './volume-files.ts';
import { refreshVolumes } from './volume-refresh.ts';

/** What every sandbox of a process node shares. */
export interface SandboxEnv {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly isolation: Isolation;
  readonly images: ImageOptions;
  readonly dataDirectory: string;
  readonly hostAddress: string;
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly nodeAllocatable: Readonly<Record<string, string>>;
  /** Run Flink's commands as the JVM they end in. */
  readonly fastStart: boolean;
  readonly hostname: string;
  readonly services: () => readonly ServiceAddresses[];
  /** The sandbox was destroyed. */
  ended(sandbox: ProcessSandbox): void;
}

interface ViewCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

interface Instance {
  readonly process: SupervisedProcess;
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
  oomKilled: boolean;
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MAX_PROBE_OUTPUT = 4096;

/** A pod as a set of processes on this machine, each container in a mount namespace of its own. */
export class ProcessSandbox implements PodSandbox {
  readonly #env: SandboxEnv;
  readonly #pod: Pod;
  readonly #address: string;
  readonly #directories: PodDirectories;
  readonly #volumes = new Map<string, HostVolume>();
  readonly #instances = new Map<string, Instance>();
  readonly #logs: PodLogs;
  readonly #closed = new AbortController();

  constructor(env: SandboxEnv, pod: Pod, address: string) {
    this.#env = env;
    this.#pod = pod;
    this.#address = address;
    this.#directories = {
      pod: join(env.dataDirectory, 'pods', pod.metadata.uid ?? ''),
      data: env.dataDirectory,
    };
    this.#logs = new PodLogs(this.#directories.pod, env.clock);
  }

  async prepare(signal: AbortSignal): Promise<void> {
    mkdirSync(this.#directories.pod, { recursive: true, mode: 0o755 });
    this.updateServices(this.#env.services());
    const objects = await loadVolumeObjects(this.#env.client, this.#pod, signal);
    const places = {
      podAddress: this.#address,
      hostAddress: this.#env.hostAddress,
      nodeAllocatable: this.#env.nodeAllocatable,
    };
    const sources = { ...objects, ...places };
    for (const volume of this.#pod.spec?.volumes ?? []) {
      const files = volumeFiles(this.#pod, volume, sources);
      if (files === undefined) {
        this.#volumes.set(volume.name, hostVolume(this.#pod, volume, this.#directories));
        continue;
      }
      const path = join(this.#directories.pod, 'volumes', volume.name);
      rmSync(path, { recursive: true, force: true });
      writeVolumeFiles(path, files);
      this.#volumes.set(volume.name, { path, kind: 'directory', owned: true });
      for (const need of volumeReferences(volume).tokens) this.#refreshToken(volume.name, need);
    }
    const { clock, client } = this.#env;
    const closed = this.#closed.signal;
    refreshVolumes({ clock, client, pod: this.#pod, directory: this.#directories.pod, places, signal: closed }).catch(
      () => undefined, // the sandbox was closed
    );
  }

  async image(container: Container): Promise<{ ok: true; imageId: string } | { ok: false; message: string }> {
    const outcome = await resolveImage(container.image ?? '', this.#env.images);
    return outcome.ok ? { ok: true, imageId: outcome.imageId } : outcome;
  }

  async start(container: Container, instance: number): Promise<RunningContainer> {
    const outcome = await resolveImage(container.image ?? '', this.#env.images);
    if (!outcome.ok) throw new StartError(outcome.message);
    const env = await this.#environment(container, outcome.image);
    const view = containerView({
      pod: this.#pod,
      container,
      image: outcome.image,
      env,
      podAddress: this.#address,
      hostname: this.#hostname(),
      volumes: this.#volumes,
      directories: this.#directories,
    });
    const fast = this.#fastStart(outcome.image, view, env);
    const run = this.#inView(view, fast?.command ?? view.command, fast?.env ?? env);
    const process = await this.#env.processes.spawn(run.file, run.args, { env: run.env, stdin: false });
    const log = this.#logs.create(container.name, instance);
    process.child.stdout?.on('data', (chunk: Uint8Array) => log.write('stdout', chunk));
    process.child.stderr?.on('data', (chunk: Uint8Array) => log.write('stderr', chunk));
    const state: Instance = { process, workingDirectory: run.workingDirectory, env: run.env, oomKilled: false };
    const failure = await startReport(process);
    if (failure !== undefined) {
      await process.exited;
      log.close();
      throw new StartError(failure);
    }
    this.#instances.set(container.name, state);
    return {
      id: `drey://${this.#pod.metadata.uid}/${container.name}/${instance}`,
      exited: this.#exit(container, state, log, view),
      kill: (signal) => {
        if (signal === 'SIGKILL') killGroup(process.pid, 'SIGKILL');
        else killProcess(process.pid, 'SIGTERM');
      },
    };
  }

  async probe(container: Container, handler: ProbeHandler, timeoutMs: number): Promise<ProbeOutcome> {
    if (handler.httpGet !== undefined) {
      const url = httpActionUrl(container, handler.httpGet, this.#address);
      if (url === undefined) return { ok: false, message: `no port named ${handler.httpGet.port}` };
      return httpGet(url, handler.httpGet, timeoutMs);
    }
    const port = handler.tcpSocket?.port ?? handler.grpc?.port;
    if (port !== undefined) {
      const number = portNumber(container, port);
      if (number === undefined) return { ok: false, message: `no port named ${port}` };
      return tcpConnect(handler.tcpSocket?.host ?? this.#address, number, timeoutMs);
    }
    return this.#runToEnd(container.name, handler.exec?.command ?? [], timeoutMs);
  }

  async exec(container: string, command: readonly string[], options: ExecOptions): Promise<ExecSession> {
    const instance = this.#instances.get(container);
    if (instance === undefined) throw new Error(`container "${container}" is not running`);
    const words = options.tty
      ? ['script', '--quiet', '--return', '--command', command.map(shellQuote).join(' '), '/dev/null']
      : command;
    const running = await this.#enter(instance, words, options.stdin);
    return execSession(running, options.tty);
  }

  async dial(port: number): Promise<DuplexBytes> {
    const socket = connect({ host: this.#address, port });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('error', () => undefined);
    return {
      readable: socket,
      write: (data) => new Promise((resolve) => socket.write(data, () => resolve())),
      end: () => socket.end(),
      destroy: () => socket.destroy(),
    };
  }

  log(container: string, previous: boolean): ContainerLog | undefined {
    return this.#logs.find(container, previous);
  }

  /** Written in place: containers have this very file mounted. */
  updateServices(services: readonly ServiceAddresses[]): void {
    const spec = this.#pod.spec;
    const image = spec?.containers.some((container) => /(^|\/)flink[:@]?/.test(container.image ?? ''));
    const text = hostsFile({
      podAddress: this.#address,
      podNamespace: this.#pod.metadata.namespace ?? '',
      hostname: this.#hostname(),
      ...(spec?.subdomain === undefined ? {} : { subdomain: spec.subdomain }),
      localhostIsPod: image === true,
      hostAliases: [
        ...(spec?.hostAliases ?? []).map((alias) => ({ address: alias.ip, names: alias.hostnames ?? [] })),
        { address: '127.0.0.1', names: [this.#env.hostname] },
      ],
      services,
    });
    const path = join(this.#directories.pod, 'hosts');
    mkdirSync(this.#directories.pod, { recursive: true });
    if (readOrEmpty(path) !== text) writeFileSync(path, text);
  }

  async destroy({ keepFiles }: { readonly keepFiles: boolean }): Promise<void> {
    this.#closed.abort();
    for (const instance of this.#instances.values()) killGroup(instance.process.pid, 'SIGKILL');
    await Promise.all([...this.#instances.values()].map((instance) => instance.process.exited));
    this.#logs.close();
    if (!keepFiles) rmSync(this.#directories.pod, { recursive: true, force: true });
    this.#env.ended(this);
  }

  /** Process ids of running containers with what they belong to, for the memory watch. */
  running(): { container: string; pid: number; oomKill: () => void }[] {
    return [...this.#instances].map(([container, instance]) => ({
      container,
      pid: instance.process.pid,
      oomKill: () => {
        instance.oomKilled = true;
        killGroup(instance.process.pid, 'SIGKILL');
      },
    }));
  }

  async #environment(container: Container, image: ResolvedImage): Promise<Record<string, string>> {
    const { apiServer } = this.#env;
    const objects = await loadEnvObjects(this.#env.client, this.#pod, container, this.#closed.signal);
    const path =
      image.kind === 'flink' ? `${FLINK_HOME}/bin:${image.distribution.javaHome}/bin:${SYSTEM_PATH}` : SYSTEM_PATH;
    return containerEnv(this.#pod, container, {
      ...objects,
      podAddress: this.#address,
      hostAddress: this.#env.hostAddress,
      nodeAllocatable: this.#env.nodeAllocatable,
      defaults: {
        PATH: path,
        HOME: '/tmp',
        HOSTNAME: this.#hostname(),
        KUBERNETES_SERVICE_HOST: apiServer.host,
        KUBERNETES_SERVICE_PORT: String(apiServer.port),
        KUBERNETES_SERVICE_PORT_HTTPS: String(apiServer.port),
        ...(image.kind === 'flink' ? { FLINK_HOME, JAVA_HOME: image.distribution.javaHome } : {}),
      },
    });
  }

  #fastStart(image: ResolvedImage, view: ContainerView, env: Readonly<Record<string, string>>): FastStart | undefined {
    if (image.kind !== 'flink' || !this.#env.fastStart) return undefined;
    const { distribution } = image;
    return fastStart({
      command: view.command,
      env,
      requests: view.requests,
      distribution,
      hostname: this.#hostname(),
    });
  }

  /** How a command is run so that it sees its files: in a root of its own, or with paths replaced. */
  #inView(view: ContainerView, command: readonly string[], env: Readonly<Record<string, string>>): ViewCommand {
    const { isolation, apiServer } = this.#env;
    if (isolation.type === 'paths') {
      const apiServerUrl = `https://${apiServer.host}:${apiServer.port}`;
      const replaced = byPaths({ view, command, env, podDirectory: this.#directories.pod, apiServerUrl });
      const [file, ...args] = plainCommand(replaced.workingDirectory, replaced.command);
      return { file, args, env: replaced.env, workingDirectory: replaced.workingDirectory };
    }
    const { workingDirectory } = view;
    const table = join(view.directory, 'fstab');
    const root = makeRoot(view, table, { allowReadOnly: !isolation.user });
    const hostname = this.#hostname();
    const [file, ...args] = isolatedCommand(isolation, { fstab: table, root, hostname, workingDirectory, command });
    return { file, args, env, workingDirectory };
  }

  async #exit(container: Container, state: Instance, log: ContainerLog, view: ContainerView): Promise<ContainerExit> {
    const exit = await state.process.exited;
    await drained(state.process, this.#env.clock);
    log.close();
    if (this.#instances.get(container.name) === state) this.#instances.delete(container.name);
    const fallback = container.terminationMessagePolicy === 'FallbackToLogsOnError' && exit.code !== 0;
    const message = terminationMessage(container, view) || (fallback ? log.tail(80, 2048) : '');
    return {
      exitCode: state.oomKilled ? 137 : exit.code,
      signal: exit.signal === undefined || exit.code < 128 ? undefined : exit.code - 128,
      oomKilled: state.oomKilled,
      message,
    };
  }

  async #runToEnd(container: string, command: readonly string[], timeoutMs: number): Promise<ProbeOutcome> {
    const instance = this.#instances.get(container);
    if (instance === undefined) return { ok: false, message: 'container is not running' };
    const running = await this.#enter(instance, command, false);
    let output = '';
    const collect = (chunk: Uint8Array): void => {
      if (output.length < MAX_PROBE_OUTPUT) output += Buffer.from(chunk).toString('utf8');
    };
    running.child.stdout?.on('data', collect);
    running.child.stderr?.on('data', collect);
    let late = false;
    const cancel = this.#env.clock.after(timeoutMs, () => {
      late = true;
      killGroup(running.pid, 'SIGKILL');
    });
    const exit = await running.exited;
    cancel();
    if (late) return { ok: false, message: `command timed out after ${timeoutMs / 1000}s` };
    return exit.code === 0 ? { ok: true } : { ok: false, message: output.trim() || `exit code ${exit.code}` };
  }

  #enter(instance: Instance, command: readonly string[], stdin: boolean): Promise<SupervisedProcess> {
    const target = { pid: instance.process.pid, workingDirectory: instance.workingDirectory };
    const { isolation } = this.#env;
    const [file, ...args] =
      isolation.type === 'paths'
        ? inDirectory(instance.workingDirectory, command)
        : enterCommand(isolation, target, command);
    return this.#env.processes.spawn(file, args, { env: { TERM: 'xterm', ...instance.env }, stdin });
  }

  #hostname(): string {
    return (this.#pod.spec?.hostname ?? this.#pod.metadata.name ?? '').slice(0, 63);
  }

  /** Writes a new token into the volume when four fifths of the old one's life are over. */
  #refreshToken(volume: string, need: TokenNeed): void {
    const source = this.#pod.spec?.volumes
      ?.find((v) => v.name === volume)
      ?.projected?.sources?.find((s) => s.serviceAccountToken !== undefined)?.serviceAccountToken;
    const { signal } = this.#closed;
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        await sleep(this.#env.clock, need.expirationSeconds * 800, signal);
        const token = await requestToken(this.#env.client, this.#pod, need, signal);
        writeFileSync(join(this.#directories.pod, 'volumes', volume, source?.path ?? 'token'), token, { mode: 0o600 });
      }
    };
    run().catch(() => {
      if (!signal.aborted)
        this.#refreshToken(volume, { ...need, expirationSeconds: Math.max(60, need.expirationSeconds / 4) });
    });
  }
}

function shellQuote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
