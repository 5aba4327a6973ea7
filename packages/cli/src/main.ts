#!/usr/bin/env node
import { CommanderError } from 'commander';
import { describeError, exitCodes } from './errors.ts';
import { programFor, withoutHelpCommand } from './program.ts';

/**
 * A reader that went away (`drey logs … | head`) is no error: what only prints ends quietly, and what runs until a signal
 * goes on without its output.
 */
function quietWithoutReader(): void {
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error;
    if (process.listenerCount('SIGTERM') === 0) process.exit(exitCodes.ok);
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', onError);
}

async function main(given: readonly string[]): Promise<number> {
  const argv = withoutHelpCommand(given);
  try {
    const program = await programFor(argv);
    if (argv.length === 0) {
      program.outputHelp();
      return exitCodes.ok;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { text, exitCode } = describeError(error);
    process.stderr.write(text);
    return exitCode;
  }
}

quietWithoutReader();
process.exitCode = await main(process.argv.slice(2));
