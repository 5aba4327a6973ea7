import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that is still running. */
export interface Running {
  /** Everything printed so far. */
  readonly output: () => string;
  readonly write: (text: string) => void;
  readonly stop: () => Promise<void>;
  readonly ended: Promise<Ran>;
}

/** A real kubectl with its own kubeconfig and discovery cache. */
export interface Kubectl {
  /** Runs to the end; `input` is what `-f -` reads. */
  run(args: string, input?: unknown): Promise<Ran>;
  /** Runs to the end and resolves with standard output; rejects with what kubectl says when it fails. */
  ok(args: string, input?: unknown): Promise<string>;
  start(args: string): Running;
  close(): void;
}

/** The path of kubectl, or undefined when there is none. */
export async function findKubectl(): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const child = spawn('kubectl', ['version', '--client'], { stdio: 'ignore' });
  child.on('error', () => resolve(undefined));
  child.on('exit', (code) => resolve(code === 0 ? 'kubectl' : undefined));
  return promise;
}

export function kubectlFor(kubeconfig: string): Kubectl {
  const folder = mkdtempSync(join(tmpdir(), 'drey-kubectl-'));
  const config = join(folder, 'kubeconfig');
  writeFileSync(config, kubeconfig, { mode: 0o600 });
  const env = { ...process.env, KUBECONFIG: config, HOME: folder, KUBECACHEDIR: join(folder, 'cache') };

  const start = (args: string, input?: unknown): Running => {
    const child = spawn('kubectl', splitWords(args), { env, cwd: folder });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
    const ended = new Promise<Ran>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? -1, stdout: text(out), stderr: text(err) }));
    });
    if (input !== undefined) child.stdin.end(typeof input === 'string' ? input : JSON.stringify(input));
    return {
      output: () => text(out) + text(err),
      write: (data) => child.stdin.write(data),
      ended,
      async stop() {
        child.kill('SIGTERM');
        await ended;
      },
    };
  };

  const run = (args: string, input?: unknown): Promise<Ran> => start(args, input ?? '').ended;
  return {
    run,
    start,
    async ok(args, input) {
      const { code, stdout, stderr } = await run(args, input);
      if (code !== 0) throw new Error(`kubectl ${args}: exit ${code}\n${stderr}${stdout}`);
      return stdout;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Words separated by spaces; single quotes keep spaces. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
}
