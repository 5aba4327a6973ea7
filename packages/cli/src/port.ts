import { CliError } from './errors.ts';

/** Reads a port of 127.0.0.1; 0 picks a free one. Throws `E_CLI_PORT`. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new CliError(
    'E_CLI_PORT',
    `"${text}" is not a port`,
    'Give a number from 1 to 65535, or 0 for a free one.',
    'usage',
  );
}
