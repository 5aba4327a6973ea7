import { Option } from 'commander';

/** Examples for the end of a command's help: what to type, and what it does where that is not plain. */
export function examples(...lines: readonly (string | readonly [command: string, does: string])[]): string {
  const width = Math.max(0, ...lines.map((line) => (typeof line === 'string' ? 0 : line[0].length)));
  const shown = lines.map((line) => (typeof line === 'string' ? line : `${line[0].padEnd(width)}   ${line[1]}`));
  return `\nExamples:\n${shown.map((line) => `  ${line}`).join('\n')}`;
}

/** `-o`: one of some formats, the first of them by default. */
export function outputOption(...formats: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to print').choices([...formats]).default(formats[0]);
}
