import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock, Container } from '@drey/kube';
import type { ContainerView } from './container-files.ts';
import { STARTED_MARK } from './isolation.ts';
import type { SupervisedProcess } from './processes.ts';

/** What a container's process tells about itself beside its output. */

const MAX_TERMINATION_MESSAGE_BYTES = 4096;

/** What the start script says on descriptor 3: undefined when the command is about to run. */
export async function startReport(process: SupervisedProcess): Promise<string | undefined> {
  const stream = process.child.stdio[3] as Readable | null;
  let text = '';
  if (stream !== null) for await (const chunk of stream) text += String(chunk);
  if (text.endsWith(STARTED_MARK)) return undefined;
  return text.trim() || 'the start script ended early';
}

/** After the exit, output still in the pipes is read; a writer that escaped the session cannot hold this up for long. */
export function drained(process: SupervisedProcess, clock: Clock): Promise<void> {
  const open = [process.child.stdout, process.child.stderr].filter(
    (stream) => stream !== null && !stream.readableEnded,
  );
  return new Promise((resolve) => {
    let left = open.length;
    if (left === 0) resolve();
    const cancel = clock.after(500, resolve);
    for (const stream of open) {
      stream?.once('close', () => {
        left--;
        if (left > 0) return;
        cancel();
        resolve();
      });
    }
  });
}

export function terminationMessage(container: Container, view: ContainerView): string {
  const path = container.terminationMessagePath ?? '/dev/termination-log';
  const mount = view.requests
    .filter((r) => path.startsWith(`${r.destination}/`))
    .sort((a, b) => b.destination.length - a.destination.length)[0];
  if (mount === undefined || path.startsWith('/dev/')) return '';
  return readOrEmpty(join(mount.source, path.slice(mount.destination.length))).slice(0, MAX_TERMINATION_MESSAGE_BYTES);
}

export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
