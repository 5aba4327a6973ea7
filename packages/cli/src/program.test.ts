import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { programFor, wholeProgram, withoutHelpCommand } from './program.ts';

const execute = promisify(execFile);
const main = join(import.meta.dirname, 'main.ts');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real command in a process of its own. */
async function drey(...args: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await execute(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      main,
      ...args,
    ]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as Ended;
  }
}

function helpOf(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (part) => parts.push(part) }).outputHelp();
  return parts.join('');
}

/** A command with all commands below it, by the words one types. */
function flat(command: Command, above = ''): [string, Command][] {
  const words = `${above} ${command.name()}`.trim();
  return [[words, command], ...command.commands.flatMap((one) => flat(one, words))];
}

const all = flat(await wholeProgram()).filter(([words]) => words !== 'drey');

describe('the help', () => {
  it('knows every command', () => {
    expect(all.map(([words]) => words.replace('drey ', ''))).toEqual([
      ...[
        'up',
        'down',
        'status',
        'run',
        'get',
        'logs',
        'render',
        'render native',
        'plan',
        'replay',
        'operator',
        'operator run',
      ],
      ...['apiserver', 'crds', 'flink', 'flink ls', 'flink install', 'flink path', 'flink config', 'version'],
    ]);
  });

  it.each(all)('of %s describes every option and shows an example', (words, command) => {
    const text = helpOf(command);
    expect(text).toMatch(/^Usage: drey /);
    expect(text.slice(text.indexOf('Examples:'))).toContain(words);
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });

  it('of a command is what drey help COMMAND shows', async () => {
    expect(withoutHelpCommand(['help', 'flink', 'ls'])).toEqual(['flink', 'ls', '--help']);
    const { code, stdout } = await drey('help', 'crds');
    expect(code).toBe(0);
    expect(stdout).toContain('drey crds | kubectl apply');
  });

  it('of the whole program names every command and loads none', async () => {
    const program = await programFor(['--help']);
    expect(program.commands.map((one) => one.name())).toEqual((await wholeProgram()).commands.map((one) => one.name()));
    expect(program.commands.flatMap((one) => one.options)).toEqual([]);
  });
});

describe('drey run', () => {
  async function parsed(...words: string[]): Promise<{ jar: string; args: string[]; parallelism: number }> {
    const program = await programFor(['run']);
    const seen: { jar: string; args: string[]; parallelism: number }[] = [];
    program.commands[0]?.action((jar: string, args: string[], options: { parallelism: number }) => {
      seen.push({ jar, args, parallelism: options.parallelism });
    });
    await program.parseAsync(['run', ...words], { from: 'user' });
    return seen[0] as (typeof seen)[0];
  }

  it('takes its options before and after the jar', async () => {
    const expected = { jar: 'job.jar', args: ['in', '--out', 'x'], parallelism: 2 };
    expect(await parsed('-p', '2', 'job.jar', 'in', '--out', 'x')).toEqual(expected);
    expect(await parsed('job.jar', '-p', '2', 'in', '--out', 'x')).toEqual(expected);
  });

  it("leaves to the job what follows the job's first word", async () => {
    expect(await parsed('job.jar', '--input', 'x', '-p', '7')).toMatchObject({
      args: ['--input', 'x', '-p', '7'],
      parallelism: 1,
    });
    expect(await parsed('job.jar', '--', '-p', '7')).toMatchObject({ args: ['-p', '7'], parallelism: 1 });
  });
});

describe('the command line', () => {
  it('suggests the command that was meant, and ends with 2', async () => {
    const { code, stderr } = await drey('staus');
    expect(code).toBe(2);
    expect(stderr).toBe(`error: unknown command 'staus' [E_USAGE]\n  next: Did you mean "status"?\n`);
  });

  it('ends with 2 for options it does not know, in the form of every other error', async () => {
    const { code, stderr } = await drey('crds', '--bogus');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*--bogus.* \[E_USAGE\]\n {2}next: .*\n$/);
  });

  it('ends quietly when nobody reads on', async () => {
    const command = `"${process.execPath}" "${main}" crds 2>&1 | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout } = await execute('bash', ['-c', command]);
    expect(stdout).toBe('apiVersion: apiextensions.k8s.io/v1\n0\n');
  });
});
