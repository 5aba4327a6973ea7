import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The checkout. */
export const root = join(import.meta.dirname, '..');

export interface Finished {
  readonly code: number;
  /** Standard output; also passed through while it comes. */
  readonly stdout: string;
  readonly seconds: number;
}

/** Runs a program with the terminal's error stream, passing its output through; never rejects. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; quiet?: boolean } = {},
): Promise<Finished> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      stdout += text;
      if (!options.quiet) process.stdout.write(text);
    });
    const done = (code: number): void => resolve({ code, stdout, seconds: (performance.now() - started) / 1000 });
    child.on('error', (error) => {
      process.stderr.write(`${command}: ${error.message}\n`);
      done(127);
    });
    child.on('close', (code) => done(code ?? 1));
  });
}

/** Runs a script or a Node program on this very Node. */
export function runNode(
  args: readonly string[],
  options: { env?: Record<string, string>; quiet?: boolean } = {},
): Promise<Finished> {
  return runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], options);
}
