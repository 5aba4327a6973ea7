import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fetch } from 'undici';

/** What a child process left behind. `code` is null when a signal ended it, and `started` false when it never ran. */
export interface RunResult {
  readonly started: boolean;
  readonly code: number | null;
  readonly output: string;
}

/** How a child process is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** Set on top of the environment of the system. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the process and everything it started. */
  readonly signal?: AbortSignal;
  /** Called with every line of both outputs, also those ended by a carriage return. */
  readonly onLine?: (line: string) => void;
}

/** An answer of a web server whose body is a stream. */
export interface DownloadResponse {
  readonly status: number;
  readonly contentLength: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** The machine, as far as installing Flink needs it. Tests bring their own. */
export interface DistributionSystem {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly processId: number;
  readonly platform: string;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs a program to its end; rejects only when `signal` is aborted. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a download; rejects when no answer came within `timeoutMs`. */
  download(
    url: string,
    options: { readonly from: number; readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<DownloadResponse>;
  /** Whether a process with this id exists. */
  isAlive(processId: number): boolean;
}

const MAX_OUTPUT = 256 * 1024;

/** The machine this process runs on. */
export function systemDistribution(
  env: Readonly<Record<string, string | undefined>> = process.env,
): DistributionSystem {
  return {
    env,
    homeDirectory: homedir(),
    processId: process.pid,
    platform: process.platform,
    now: () => Date.now(),
    sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
    run: (command, args, options = {}) => runProcess(command, args, env, options),
    download: startDownload,
    isAlive,
  };
}

function runProcess(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  options: RunOptions,
): Promise<RunResult> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    let rest = '';
    const take = (chunk: string): void => {
      output = (output + chunk).slice(-MAX_OUTPUT);
      const lines = (rest + chunk).split(/\r\n|\n|\r/);
      rest = (lines.pop() ?? '').slice(-MAX_OUTPUT);
      for (const line of lines) options.onLine?.(line);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
    const onAbort = (): void => endGroup(child.pid);
    signal?.addEventListener('abort', onAbort, { once: true });
    const finish = (started: boolean, code: number | null): void => {
      signal?.removeEventListener('abort', onAbort);
      if (signal?.aborted) reject(signal.reason);
      else resolve({ started, code, output });
    };
    child.on('error', () => finish(false, null));
    child.on('close', (code) => finish(true, code));
  });
}

/** Ends a process and all that it started: it was made the leader of its own process group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function startDownload(
  url: string,
  options: { readonly from: number; readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<DownloadResponse> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error(`no answer within ${options.timeoutMs} ms`)), options.timeoutMs);
  const signal = options.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, options.signal]);
  try {
    const headers: Record<string, string> = options.from > 0 ? { range: `bytes=${options.from}-` } : {};
    const response = await fetch(url, { headers, signal, redirect: 'follow' });
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    return {
      status: response.status,
      contentLength: Number.isFinite(length) ? length : undefined,
      body: (response.body ?? []) as AsyncIterable<Uint8Array>,
    };
  } finally {
    clearTimeout(timer);
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
