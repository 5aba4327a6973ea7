import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock, KubeClient, Pod } from '@drey/kube';
import { claimDirectory } from './container-files.ts';
import type { ContainerLog } from './container-log.ts';
import type { ServiceAddresses } from './hosts-file.ts';
import type { ImageOptions } from './images.ts';
import { detectIsolation, type Isolation } from './isolation.ts';
import { PodLogs } from './pod-logs.ts';
import { ProcessSandbox } from './process-sandbox.ts';
import { ProcessTable, sessionMembers } from './processes.ts';
import { parseQuantity } from './quantity.ts';
import type { PodRuntime, PodSandbox } from './runtime.ts';

export interface ProcessRuntimeOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly images: ImageOptions;
  readonly dataDirectory: string;
  readonly hostAddress: string;
  /** What containers find in KUBERNETES_SERVICE_HOST and _PORT. */
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly nodeAllocatable: Readonly<Record<string, string>>;
  /** Run Flink's commands as the JVM they end in. Default true; false runs Flink's own scripts. */
  readonly fastStart?: boolean;
  /** Default: the strongest that works here. */
  readonly isolation?: Isolation;
}

const MEMORY_WATCH_MS = 3000;

/** Runs pods as processes of this machine. */
export class ProcessRuntime implements PodRuntime {
  readonly #options: ProcessRuntimeOptions;
  readonly #processes: ProcessTable;
  readonly #sandboxes = new Map<ProcessSandbox, Pod>();
  #isolation: Isolation | undefined;
  #services: readonly ServiceAddresses[] = [];
  /** Directories of claims that were deleted. */
  readonly #released = new Set<string>();
  #cancelWatch: (() => void) | undefined;

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.#isolation = options.isolation;
    this.#processes = new ProcessTable(join(options.dataDirectory, 'processes'), options.clock);
  }

  async start(): Promise<void> {
    await this.#processes.endLeftovers();
    this.#processes.startGuard();
    this.#isolation ??= await detectIsolation();
    this.#watchMemory();
  }

  sandbox(pod: Pod, podAddress: string): PodSandbox {
    const isolation = this.#isolation;
    if (isolation === undefined) throw new Error('the runtime has not been started');
    const { client, clock, images, dataDirectory, hostAddress, apiServer, nodeAllocatable } = this.#options;
    const sandbox = new ProcessSandbox(
      {
        client,
        clock,
        processes: this.#processes,
        isolation,
        images,
        dataDirectory,
        hostAddress,
        apiServer,
        nodeAllocatable,
        fastStart: this.#options.fastStart ?? true,
        hostname: hostname(),
        services: () => this.#services,
        ended: (ended) => {
          this.#sandboxes.delete(ended);
          this.#removeReleased();
        },
      },
      pod,
      podAddress,
    );
    this.#sandboxes.set(sandbox, pod);
    // A claim of the same name was made meanwhile.
    for (const directory of this.#claimsOf(pod)) this.#released.delete(directory);
    return sandbox;
  }

  endedLog(pod: Pod, container: string, previous: boolean): ContainerLog | undefined {
    return new PodLogs(this.#podDirectory(pod.metadata.uid ?? ''), this.#options.clock).find(container, previous);
  }

  forget(podUid: string): void {
    if (podUid !== '') rmSync(this.#podDirectory(podUid), { recursive: true, force: true });
  }

  releaseClaim(namespace: string, name: string): void {
    this.#released.add(claimDirectory(this.#options.dataDirectory, namespace, name));
    this.#removeReleased();
  }

  #removeReleased(): void {
    const used = new Set([...this.#sandboxes.values()].flatMap((pod) => this.#claimsOf(pod)));
    for (const directory of this.#released) {
      if (used.has(directory)) continue;
      rmSync(directory, { recursive: true, force: true });
      this.#released.delete(directory);
    }
  }

  #claimsOf({ metadata, spec }: Pod): string[] {
    const names = (spec?.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
    return names.map((name) => claimDirectory(this.#options.dataDirectory, metadata.namespace ?? '', name));
  }

  remembered(): string[] {
    const directory = join(this.#options.dataDirectory, 'pods');
    return existsSync(directory) ? readdirSync(directory) : [];
  }

  #podDirectory(uid: string): string {
    return join(this.#options.dataDirectory, 'pods', uid);
  }

  /** Names of Services changed: every running pod's hosts file is written again. */
  updateServices(services: readonly ServiceAddresses[]): void {
    this.#services = services;
    for (const sandbox of this.#sandboxes.keys()) sandbox.updateServices(services);
  }

  async stop(): Promise<void> {
    this.#cancelWatch?.();
    this.#processes.close();
  }

  /** Kills containers that use more memory than their limit, as the kernel does for real ones. */
  #watchMemory(): void {
    this.#cancelWatch = this.#options.clock.after(MEMORY_WATCH_MS, () => {
      for (const [sandbox, pod] of this.#sandboxes) {
        for (const { container, pid, oomKill } of sandbox.running()) {
          const limit = memoryLimit(pod, container);
          if (limit !== undefined && sessionMemory(pid) > limit) oomKill();
        }
      }
      this.#watchMemory();
    });
  }
}

function memoryLimit(pod: Pod, container: string): number | undefined {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return parseQuantity(all.find((c) => c.name === container)?.resources?.limits?.memory);
}

/**
 * Memory that cannot be given back without swapping, of every process of a container. File pages are left out: the kernel
 * frees them before it kills.
 */
function sessionMemory(sid: number): number {
  return sessionMembers(sid).reduce((sum, pid) => sum + anonymousBytes(pid), 0);
}

function anonymousBytes(pid: number): number {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
