import { Command, type ParseOptionsResult } from 'commander';

/**
 * A command of the form `JAR [options] [args…]`: its options come before or after the jar, and from the first word after
 * the jar that is none of them, or from `--`, everything belongs to the job, dashes included.
 */
export class RunCommand extends Command {
  override parseOptions(words: string[]): ParseOptionsResult {
    const { operands, unknown } = super.parseOptions(words);
    const [jar, ...rest] = operands;
    // The jar came with what follows it untouched; with options in front, an unknown one among them is a mistake.
    if (jar === undefined || unknown.length > 0) return { operands, unknown };
    const after = super.parseOptions(rest);
    const [first = ''] = after.unknown;
    if (first === '--help' || first === '-h') return { operands: [jar], unknown: after.unknown };
    return { operands: [jar, ...after.operands, ...after.unknown], unknown: [] };
  }
}
