import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { exitCodes } from '../errors.ts';
import { examples } from '../output/help.ts';
import { parsePort } from '../port.ts';

interface ApiServerFlags {
  readonly dataDir?: string;
  readonly port: number;
  readonly token?: string;
  readonly anonymousAuth?: true;
  readonly caFile?: string;
}

const DEFAULT_PORT = 6443;
/** How long running calls may take to finish after Ctrl-C. */
const CLOSE_GRACE_MS = 1000;

/** `drey apiserver`: the Kubernetes API server alone, in the foreground. */
export function register(program: Command): void {
  program
    .command('apiserver')
    .description(
      'Run the Kubernetes API server of the development cluster alone, without nodes or workload controllers.',
    )
    .addOption(new Option('--memory', 'keep everything in memory (default)').conflicts('dataDir'))
    .option('--data-dir <folder>', 'keep objects, certificates and keys in this folder')
    .option('--port <number>', 'port on 127.0.0.1; 0 picks a free one', parsePort, DEFAULT_PORT)
    .option('--token <token>', 'bearer token of the administrator (default: a random one, in the kubeconfig)')
    .option('--anonymous-auth', 'let requests without credentials in, as system:anonymous')
    .option('--ca-file <file>', "write the authority's certificate to this file")
    .addHelpText(
      'after',
      examples(
        ['drey apiserver', 'in memory, on port 6443'],
        ['drey apiserver --port 0 --token secret --ca-file ca.crt', 'for a test: what a client needs is on disk'],
        ['drey apiserver --data-dir ./cluster', 'objects stay for the next start'],
      ),
    )
    .action((flags: ApiServerFlags) => run(flags));
}

async function run(flags: ApiServerFlags): Promise<void> {
  const [{ systemClock, systemRandom }, devcluster] = await Promise.all([
    import('@drey/kube'),
    import('@drey/devcluster'),
  ]);
  const token = flags.token ?? randomBytes(24).toString('base64url');
  const running = await devcluster.startApiServer({
    ...(flags.dataDir === undefined ? {} : { dataDir: resolve(flags.dataDir) }),
    port: flags.port,
    clock: systemClock,
    random: systemRandom,
    tokens: [{ token, user: { name: 'admin', groups: ['system:masters'] } }],
    anonymous: flags.anonymousAuth ?? false,
    serviceAccountAdmission: false,
    onFault: (error, request) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`fault in ${request.method} ${request.path}: ${text}\n`);
    },
  });
  const authority = running.certificates.authority.certificate;
  if (flags.caFile !== undefined) writeFileSync(flags.caFile, authority);
  const folder =
    flags.dataDir === undefined ? temporaryFolder() : { path: resolve(flags.dataDir), remove: () => undefined };
  const file = join(folder.path, 'kubeconfig');
  const config = devcluster.kubeconfig({ name: 'drey', url: running.url, authority, credential: { token } });
  writeFileSync(file, config, { mode: 0o600 });
  process.stdout.write(`API server on ${running.url}\nkubectl --kubeconfig ${file} get namespaces\n(Ctrl-C ends it)\n`);
  await interrupted();
  await running.close(CLOSE_GRACE_MS);
  folder.remove();
  process.exitCode = exitCodes.ok;
}

/** Private, and gone when the server ends. */
function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'drey-apiserver-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Resolves on the first SIGINT or SIGTERM; a second one ends the process at once. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    const stop = (): void => {
      process.once('SIGINT', () => process.exit(exitCodes.interrupted));
      done();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
