import { readFileSync, statSync } from 'node:fs';
import { CliError } from '../errors.ts';

/** Files larger than this are no configuration. */
const MAX_BYTES = 8 * 1024 * 1024;

/** The text of a file the user named. Throws `E_FILE` when it cannot be read, or is too large to be meant. */
export function readUserFile(path: string, what: string): string {
  try {
    if (path !== '-' && statSync(path).size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('E_FILE', `${what} ${path} cannot be read: ${reason}`, 'Check the path.', 'notFound', cause);
  }
}

/** Whether a path is a directory. */
export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
