import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ExecSession } from '../apiserver/contract.ts';
import { killGroup, killProcess, type SupervisedProcess } from './processes.ts';

/** A command that runs in a container, as the API server's exec sees it. */
export function execSession(running: SupervisedProcess, terminal: boolean): ExecSession {
  const { child } = running;
  return {
    stdout: bytes(child.stdout),
    stderr: bytes(child.stderr),
    write(data) {
      if (child.stdin?.writable) child.stdin.write(data);
    },
    closeStdin() {
      child.stdin?.end();
    },
    resize(columns, rows) {
      if (terminal) resizeTerminal(child, columns, rows);
    },
    exit: running.exited.then((exit) => ({ code: exit.code })),
    kill() {
      killGroup(running.pid, 'SIGKILL');
      killProcess(running.pid, 'SIGKILL');
    },
  };
}

async function* bytes(stream: Readable | null): AsyncIterable<Uint8Array> {
  if (stream === null) return;
  for await (const chunk of stream) yield chunk as Uint8Array;
}

/** `script` holds the terminal's master side; the size is set on the slave that its child has as standard input. */
function resizeTerminal(child: ChildProcess, columns: number, rows: number): void {
  const pids = child.pid === undefined ? [] : descendants(child.pid);
  const terminal = pids.map(terminalOf).find((path) => path !== undefined);
  if (terminal === undefined) return;
  execFile('stty', ['-F', terminal, 'rows', String(rows), 'cols', String(columns)], () => undefined);
}

function terminalOf(pid: number): string | undefined {
  try {
    const path = readlinkSync(`/proc/${pid}/fd/0`);
    return path.startsWith('/dev/pts/') ? path : undefined;
  } catch {
    return undefined;
  }
}

function descendants(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendants)];
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
