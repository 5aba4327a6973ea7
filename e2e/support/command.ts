import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/process.ts';

/** A command that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs on. */
export interface Running {
  /** Everything it wrote so far, both streams. */
  readonly output: () => string;
  /** Resolves with the match when the output has one; rejects when the command ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  end(signal?: NodeJS.Signals): Promise<Ended>;
  readonly ended: Promise<Ended>;
}

/** A folder of one test with the command line in it: clusters, records and files are the test's own. */
export interface Workshop {
  readonly folder: string;
  readonly path: (...names: string[]) => string;
  /** Runs `drey …` to its end. */
  drey(...args: string[]): Promise<Ended>;
  /** Starts `drey …`. */
  start(...args: string[]): Running;
  /** Ends what still runs, and removes the folder. */
  close(): Promise<void>;
}

const main = join(root, 'packages', 'cli', 'src', 'main.ts');

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'drey-workshop-'));
  const children = new Set<Running>();
  const start = (...args: string[]): Running => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      cwd: folder,
      env: { ...process.env, DREY_HOME: join(folder, 'home') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running = observe(child);
    children.add(running);
    void running.ended.then(() => children.delete(running));
    return running;
  };
  return {
    folder,
    path: (...names) => join(folder, ...names),
    drey: (...args) => start(...args).ended,
    start,
    async close() {
      await Promise.all([...children].map((one) => one.end('SIGTERM')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function observe(child: ChildProcess): Running {
  const text = { stdout: '', stderr: '', both: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (part: string) => {
      text[name] += part;
      text.both += part;
      for (const listener of [...listeners]) listener();
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout: text.stdout, stderr: text.stderr }));
  });
  return {
    output: () => text.both,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(text.both);
          if (match === null) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        void ended.then(({ code }) => reject(new Error(`ended with ${code} before saying ${pattern}:\n${text.both}`)));
        look();
      }),
    end(signal = 'SIGINT') {
      child.kill(signal);
      return ended;
    },
  };
}
