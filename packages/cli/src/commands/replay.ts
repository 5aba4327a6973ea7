import type { DecisionFile } from '@drey/operator';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { examples, outputOption } from '../output/help.ts';
import { readUserFile } from '../render/files.ts';

interface ReplayOptions {
  readonly output: 'text' | 'json';
}

/** What `drey replay` ends with when something is decided otherwise now. */
const DIFFERENT = 1;

/** `drey replay`: makes recorded decisions of the operator again, and shows what is decided otherwise. */
export function register(program: Command): void {
  program
    .command('replay')
    .description(
      'Make decisions that an operator recorded again, with this version of Drey: what was seen, what was decided, and what would be decided otherwise now. Nothing but the file is read. The operator serves its last decisions about an object, without secrets, on its health port to callers of the same machine or pod. Exit code 1: something is decided otherwise.',
    )
    .argument('<file>', 'file of decisions, - for standard input')
    .addOption(outputOption('text', 'json'))
    .addHelpText(
      'after',
      `\nGet a file: curl HEALTH/debug/decisions/FlinkDeployment/NAMESPACE/NAME\nHEALTH is the address of --health-port; drey status tells that of drey up.\n${examples(
        ['drey replay decisions.json', 'each decision in a few lines'],
        ['curl -s http://127.0.0.1:8085/debug/decisions/FlinkDeployment/default/app | drey replay -', 'at once'],
        ['drey replay decisions.json -o json', 'with the whole plans'],
      )}`,
    )
    .action(async (file: string, options: ReplayOptions) => {
      const { replayDecisions } = await import('@drey/operator');
      const { replayText } = await import('../plan/replay-text.ts');
      const decisions = parsed(file);
      const replayed = refusals(file, () => replayDecisions(decisions));
      process.stdout.write(
        options.output === 'json' ? `${JSON.stringify({ replayed }, null, 2)}\n` : replayText(decisions, replayed),
      );
      if (replayed.some(({ differences }) => differences.length > 0)) process.exitCode = DIFFERENT;
    });
}

function parsed(file: string): DecisionFile {
  const name = file === '-' ? 'standard input' : file;
  const text = readUserFile(file, 'File');
  return refusals(name, () => {
    const value: unknown = JSON.parse(text);
    const { decisions } = (value ?? {}) as { decisions?: unknown };
    if (!Array.isArray(decisions)) throw new TypeError('it has no list "decisions"');
    return value as DecisionFile;
  });
}

/** What is no file of decisions is the user's to mend. */
function refusals<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
    throw new CliError(
      'E_REPLAY_FILE',
      `${name} is no file of decisions: ${error.message}`,
      'Get one from /debug/decisions of the operator; drey replay --help shows how.',
      'invalid',
      error,
    );
  }
}
