import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@drey/kube';
import { sleep } from '@drey/kube';

/**
 * Every process a node starts, so that none outlives the cluster.
 *
 * Guarantees: a process is started as leader of its own session and recorded (pid and start time) in `directory` before
 * `spawn` returns; when it ends, what is left of its session is killed and the record removed. When this Node process
 * dies in any way, a guard (a shell that waits for the end of a pipe) kills every recorded group; {@link endLeftovers}
 * does the same at the next start, for the case that the guard died too.
 * Assumptions: Linux's /proc for start times; elsewhere groups are killed by number alone.
 */
export class ProcessTable {
  readonly #directory: string;
  readonly #clock: Clock;
  #guard: ChildProcess | undefined;

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Kills what an earlier instance left behind and waits until it is gone. Returns how many process groups that were. */
  async endLeftovers(): Promise<number> {
    let ended = 0;
    for (const file of readdirSync(this.#directory)) {
      const pid = Number(file);
      const recorded = readFileSync(join(this.#directory, file), 'utf8').trim();
      const current = processStat(pid);
      if (Number.isInteger(pid) && pid > 1 && (current === undefined || current.startTime === recorded)) {
        if (sessionMembers(pid).length > 0) ended++;
        await this.#killSession(pid);
      }
      rmSync(join(this.#directory, file), { force: true });
    }
    return ended;
  }

  /** Starts the guard. Called once, before the first `spawn`. */
  startGuard(): void {
    if (this.#guard !== undefined || process.platform === 'win32') return;
    const guard = spawn('/bin/sh', ['-c', GUARD_SCRIPT, 'drey-guard', this.#directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    });
    guard.on('error', () => undefined);
    guard.unref();
    (guard.stdin as { unref?: () => void } | null)?.unref?.();
    this.#guard = guard;
  }

  /**
   * Starts `file` as leader of its own session. Rejects when the program cannot be started at all.
   * `stdio` is passed through; file descriptor 3 can carry a report of the start script.
   */
  spawn(file: string, args: readonly string[], options: SpawnOptions): Promise<SupervisedProcess> {
    return new Promise((resolve, reject) => {
      const child = spawn(file, [...args], {
        cwd: options.cwd,
        env: { ...options.env },
        detached: true,
        stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
      });
      child.once('error', reject);
      child.once('spawn', () => {
        const pid = child.pid ?? 0;
        const record = join(this.#directory, String(pid));
        writeFileSync(record, `${processStat(pid)?.startTime ?? '0'}\n`, { mode: 0o600 });
        const exited = new Promise<ProcessExit>((done) => {
          child.once('exit', (code, signal) => {
            void this.#killSession(pid).then(() => {
              rmSync(record, { force: true });
              done({ code: code ?? 128 + signalNumber(signal), signal: signal ?? undefined });
            });
          });
        });
        resolve({ pid, child, exited });
      });
    });
  }

  /** Ends the guard. Everything spawned must have ended before. */
  close(): void {
    this.#guard?.stdin?.end();
    this.#guard = undefined;
  }

  /** Kills every process of the session `sid`, its leader included, and waits until they are gone. */
  async #killSession(sid: number): Promise<void> {
    for (let round = 0; round < KILL_ROUNDS; round++) {
      const groupKilled = killGroup(sid, 'SIGKILL');
      const members = sessionMembers(sid);
      for (const pid of members) killProcess(pid, 'SIGKILL');
      // A group of zombies still takes signals; only what /proc shows alive counts where there is a /proc.
      if (members.length === 0 && (!groupKilled || HAS_PROC)) return;
      await sleep(this.#clock, round === 0 ? 2 : 20);
    }
  }
}

const KILL_ROUNDS = 100;
const HAS_PROC = existsSync('/proc/self/stat');

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: boolean;
}

export interface ProcessExit {
  /** As a shell reports it: 128 + n for signal n. */
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
}

export interface SupervisedProcess {
  /** Process, group and session id at once. */
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when the leader ended and nothing of its session is left. Never rejects. */
  readonly exited: Promise<ProcessExit>;
}

/** Sends a signal to one process. False when it is gone. */
export function killProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Sends a signal to a process group. False when nothing is left of it. */
export function killGroup(pgid: number, signal: NodeJS.Signals): boolean {
  return killProcess(-pgid, signal);
}

/** Start time (clock ticks since boot, as text), session and resident pages of a process that is not a zombie. */
export function processStat(pid: number): { startTime: string; session: number; residentPages: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { session: Number(fields[3]), startTime: fields[19] ?? '0', residentPages: Number(fields[21]) };
  } catch {
    return undefined;
  }
}

/** Processes of a session, zombies left out. */
export function sessionMembers(sid: number): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => processStat(pid)?.session === sid);
  } catch {
    return [];
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = {
    SIGHUP: 1,
    SIGINT: 2,
    SIGQUIT: 3,
    SIGILL: 4,
    SIGTRAP: 5,
    SIGABRT: 6,
    SIGBUS: 7,
    SIGFPE: 8,
    SIGKILL: 9,
    SIGUSR1: 10,
    SIGSEGV: 11,
    SIGUSR2: 12,
    SIGPIPE: 13,
    SIGALRM: 14,
    SIGTERM: 15,
  };
  return signal === null ? 0 : (numbers[signal] ?? 0);
}

/**
 * Waits for the end of standard input, then kills each recorded group whose leader is still the recorded process, or is
 * gone (its number cannot have been given to another group while members remain).
 */
const GUARD_SCRIPT = `
while read -r _; do :; done
for record in "$1"/*; do
  pid=\${record##*/}
  read -r recorded < "$record" 2>/dev/null || continue
  if read -r line < "/proc/$pid/stat" 2>/dev/null; then
    set -f
    set -- "$1" \${line##*) }
    [ "\${21}" = "$recorded" ] || { [ "$recorded" = 0 ] || continue; }
  fi
  kill -s KILL -- "-$pid" 2>/dev/null
done
`;
