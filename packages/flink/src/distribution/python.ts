import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANSWER_TIMEOUT_MS, SourceUnavailable } from './download.ts';
import type { ReportProgress } from './progress.ts';
import type { DistributionSystem, RunResult } from './system.ts';

/**
 * pip in a throw-away folder: a version that reports progress, with what old source packages need to be built. The user's
 * own environment stays as it is, and no virtual environment is needed, which small machines often cannot make.
 */
export interface Pip {
  /** Runs pip; throws {@link SourceUnavailable} with pip's last error line when it fails. */
  pip(args: readonly string[], onLine?: (line: string) => void): Promise<RunResult>;
  /** Runs another module that was installed next to pip. */
  python(args: readonly string[]): Promise<RunResult>;
}

/** What the throw-away folder is filled with. */
const TOOLS = ['pip>=24.1', 'wheel', 'setuptools<80'];

/**
 * Prepares pip, hands it to `body`, and removes it again. Throws {@link SourceUnavailable} when there is no Python 3 with
 * pip, or when the package index does not answer within 5 seconds.
 */
export async function withPip<T>(
  system: DistributionSystem,
  options: { readonly extra?: readonly string[]; readonly signal?: AbortSignal },
  body: (pip: Pip) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const running = signal === undefined ? {} : { signal };
  const python = await findPython(system, signal);
  await checkIndex(system, python, signal);
  const tools = await mkdtemp(join(tmpdir(), 'drey-pip-'));
  const pipEnv = { PYTHONPATH: tools, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' };
  try {
    const packages = [...TOOLS, ...(options.extra ?? [])];
    const args = ['-m', 'pip', 'install', '--quiet', '--target', tools, ...packages];
    checkRun(await system.run(python, args, { ...running, env: { ...pipEnv, PYTHONPATH: '' } }));
    return await body({
      pip: async (pipArgs, onLine) => {
        const run = { ...running, env: pipEnv, ...(onLine === undefined ? {} : { onLine }) };
        return checkRun(await system.run(python, ['-m', 'pip', ...pipArgs], run));
      },
      python: (pythonArgs) => system.run(python, pythonArgs, { ...running, env: pipEnv }),
    });
  } finally {
    await rm(tools, { recursive: true, force: true });
  }
}

async function findPython(system: DistributionSystem, signal: AbortSignal | undefined): Promise<string> {
  for (const name of ['python3', 'python']) {
    const probe = await system.run(name, ['-m', 'pip', '--version'], signal === undefined ? {} : { signal });
    if (probe.started && probe.code === 0 && /\(python 3\./.test(probe.output)) return name;
  }
  throw new SourceUnavailable('there is no Python 3 with pip');
}

/** pip retries for minutes when its index is out of reach, so a connection is tried first. */
async function checkIndex(system: DistributionSystem, python: string, signal: AbortSignal | undefined): Promise<void> {
  const asked = [
    'from pip._internal.models.index import PyPI',
    'from pip._internal.configuration import Configuration',
    'c = Configuration(isolated=False); c.load()',
    'd = dict(c.items())',
    'd = {k: v for f in d.values() for k, v in f.items()} if any(isinstance(v, dict) for v in d.values()) else d',
    'g = lambda n: d.get(":env:." + n) or d.get("install." + n) or d.get("global." + n)',
    'print("index=" + str(g("index-url") or PyPI.simple_url))',
    'print("proxy=" + str(g("proxy") or ""))',
  ].join('\n');
  const { output } = await system.run(python, ['-c', asked], signal === undefined ? {} : { signal });
  const index = /^index=(\S+)$/m.exec(output)?.[1];
  if (index === undefined || !URL.canParse(index)) return;
  const url = new URL(index);
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = /^proxy=(\S+)$/m.exec(output)?.[1] ?? system.env[variable] ?? system.env[variable.toLowerCase()];
  const target = proxy !== undefined && URL.canParse(proxy) ? new URL(proxy) : url;
  if (target.protocol === 'file:') return;
  const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
  await connect(target.hostname.replace(/^\[|\]$/g, ''), port, signal);
}

function connect(host: string, port: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, timeout: ANSWER_TIMEOUT_MS });
    const end = (error?: Error): void => {
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => end(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => end());
    socket.once('timeout', () => end(new SourceUnavailable('the Python package index does not answer')));
    socket.once('error', (error) =>
      end(new SourceUnavailable(`the Python package index is out of reach (${(error as NodeJS.ErrnoException).code})`)),
    );
  });
}

function checkRun(run: RunResult): RunResult {
  if (run.code === 0) return run;
  const lines = run.output.split(/[\r\n]+/);
  const error = lines.findLast((line) => /^ERROR: /.test(line)) ?? lines.findLast((line) => line.trim() !== '');
  throw new SourceUnavailable(`pip failed: ${(error ?? 'no message').replace(/^ERROR: /, '')}`);
}

/**
 * Downloads one package file with pip into an empty folder and returns its path. pip checks the hash that the index
 * publishes for it.
 */
export async function pipDownload(
  pip: Pip,
  folder: string,
  args: readonly string[],
  text: string,
  report: ReportProgress,
): Promise<string> {
  const onLine = (line: string): void => {
    const bytes = /^Progress (\d+) of (\d+)$/.exec(line.trim());
    if (bytes !== null) report({ kind: 'bytes', text, done: Number(bytes[1]), total: Number(bytes[2]) });
  };
  await pip.pip(['download', '--no-deps', '--progress-bar', 'raw', '--dest', folder, ...args], onLine);
  const [name, ...more] = await readdir(folder);
  if (name === undefined || more.length > 0) throw new SourceUnavailable('pip left no single file');
  return join(folder, name);
}
