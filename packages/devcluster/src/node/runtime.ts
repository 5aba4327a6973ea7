import type { Container, Pod, ProbeHandler } from '@drey/kube';
import type { DuplexBytes, ExecOptions, ExecSession } from '../apiserver/contract.ts';
import type { ContainerLog } from './container-log.ts';
import type { ServiceAddresses } from './hosts-file.ts';
import type { ProbeOutcome } from './probe.ts';

/**
 * What runs containers. The node (registration, pod life cycle, status, probes' timing, back-off) is the same for every
 * kind; a runtime says what "start" and "probe" mean.
 */
export interface PodRuntime {
  /** Called once before any pod. Ends what an earlier run left behind. */
  start(): Promise<void>;
  /** `image()` and `start()` of the sandbox work only after its `prepare()`. */
  sandbox(pod: Pod, podAddress: string): PodSandbox;
  /** The log of a pod that has no sandbox: it ended before this run of the node. */
  endedLog(pod: Pod, container: string, previous: boolean): ContainerLog | undefined;
  /** Removes what is left of a pod that has no sandbox. */
  forget(podUid: string): void;
  /** A claim was deleted: what it holds goes, once no pod uses it. */
  releaseClaim(namespace: string, name: string): void;
  /** Uids of pods of which something is left. */
  remembered(): string[];
  /** Every sandbox was destroyed before. */
  stop(): Promise<void>;
}

export interface PodSandbox {
  /** Makes volumes. Rejects with a VolumeError while something they need is missing; called again then. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Finds what stands for an image. */
  image(container: Container): Promise<{ ok: true; imageId: string } | { ok: false; message: string }>;
  /**
   * Starts an instance. Rejects with a ContainerConfigError when its environment cannot be made, and with a
   * {@link StartError} when the command cannot be run.
   */
  start(container: Container, instance: number): Promise<RunningContainer>;
  /** Runs a probe or hook against a running container. Never rejects; not answering in time is a failure. */
  probe(container: Container, handler: ProbeHandler, timeoutMs: number): Promise<ProbeOutcome>;
  exec(container: string, command: readonly string[], options: ExecOptions): Promise<ExecSession>;
  dial(port: number): Promise<DuplexBytes>;
  /** The log of the running or the last instance, or of the one before. */
  log(container: string, previous: boolean): ContainerLog | undefined;
  /** Names of Services changed. */
  updateServices(services: readonly ServiceAddresses[]): void;
  /** Kills what still runs; removes the pod's files unless the pod will be taken up again. */
  destroy(options: { readonly keepFiles: boolean }): Promise<void>;
}

export interface RunningContainer {
  readonly id: string;
  /** Resolves when nothing of the container is left. Never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** TERM goes to the main process, KILL to all. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ContainerExit {
  readonly exitCode: number;
  readonly signal: number | undefined;
  readonly oomKilled: boolean;
  /** What the container wrote to its termination message file. */
  readonly message: string;
}

/** A command that could not be run: `StartError` with exit code 128. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
