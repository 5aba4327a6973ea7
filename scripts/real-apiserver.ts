import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';

/**
 * A real kube-apiserver with etcd, for judging the embedded one. Binaries come from KUBEBUILDER_ASSETS, or are built from
 * their Go modules once and kept in the cache folder.
 */
const kubernetesVersion = '1.34.4';
const etcdVersion = '3.6.6';

export type Binaries =
  | { readonly found: true; readonly folder: string }
  | { readonly found: false; readonly why: string };

function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(base, 'drey', `kubernetes-${kubernetesVersion}`);
}

function hasBoth(folder: string): boolean {
  return ['kube-apiserver', 'etcd'].every((name) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false; // not there or not executable: the same to us
    }
  });
}

/** Finds or builds kube-apiserver and etcd; `progress` gets a line for each slow step. */
export function findOrBuild(progress: (line: string) => void): Binaries {
  const given = process.env.KUBEBUILDER_ASSETS;
  if (given) {
    return hasBoth(given)
      ? { found: true, folder: given }
      : { found: false, why: `KUBEBUILDER_ASSETS (${given}) lacks kube-apiserver or etcd` };
  }
  const folder = cacheFolder();
  if (hasBoth(folder)) return { found: true, folder };
  if (spawnSync('go', ['version']).status !== 0) {
    return { found: false, why: 'no kube-apiserver: set KUBEBUILDER_ASSETS, or install Go to have it built' };
  }
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'drey-kubernetes-'));
  try {
    progress(`building kube-apiserver ${kubernetesVersion} from its Go module (some minutes, once)`);
    build(work, 'kube-apiserver', apiserverModule(work), ['k8s.io/kubernetes/cmd/kube-apiserver'], folder);
    progress(`building etcd ${etcdVersion} from its Go module`);
    const etcd = `module drey.example/etcd\n\ngo 1.24.0\n\nrequire go.etcd.io/etcd/server/v3 v${etcdVersion}\n`;
    build(work, 'etcd', etcd, ['go.etcd.io/etcd/server/v3'], folder);
    return { found: true, folder };
  } catch (error) {
    return { found: false, why: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** k8s.io/kubernetes refers to its staging modules by placeholder versions: a module that builds it must replace them. */
function apiserverModule(work: string): string {
  writeFileSync(join(work, 'go.mod'), 'module drey.example/probe\n\ngo 1.24.0\n');
  const info = JSON.parse(go(work, ['mod', 'download', '-json', `k8s.io/kubernetes@v${kubernetesVersion}`])) as {
    GoMod: string;
  };
  const theirs = readFileSync(info.GoMod, 'utf8');
  const staging = new Set([...theirs.matchAll(/^\s*(k8s\.io\/[a-z0-9-]+) v0\.0\.0$/gm)].map((m) => m[1] ?? ''));
  const goLine = /^go (\S+)/m.exec(theirs)?.[1] ?? '1.24.0';
  const stagingVersion = `v0.${kubernetesVersion.split('.').slice(1).join('.')}`;
  const replace = [...staging].sort().map((m) => `replace ${m} => ${m} ${stagingVersion}`);
  return `module drey.example/apiserver\n\ngo ${goLine}\n\nrequire k8s.io/kubernetes v${kubernetesVersion}\n\n${replace.join('\n')}\n`;
}

function build(work: string, name: string, goMod: string, packages: readonly string[], folder: string): void {
  const dir = join(work, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'go.mod'), goMod);
  const imports = packages.map((p) => `import _ "${p}"`).join('\n');
  writeFileSync(join(dir, 'tools.go'), `//go:build tools\n\npackage tools\n\n${imports}\n`);
  go(dir, ['mod', 'tidy']);
  const versionFlags = `-X k8s.io/component-base/version.gitVersion=v${kubernetesVersion}`;
  go(dir, ['build', '-ldflags', versionFlags, '-o', join(dir, name), packages[0] ?? '']);
  renameSync(join(dir, name), `${join(folder, name)}.new`);
  renameSync(`${join(folder, name)}.new`, join(folder, name));
}

function go(cwd: string, args: readonly string[]): string {
  const done = spawnSync('go', args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  });
  if (done.status !== 0)
    throw new Error(`go ${args.slice(0, 2).join(' ')} failed: ${done.stderr.split('\n').slice(-4).join(' ')}`);
  return done.stdout;
}

export interface RealServer {
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

/** Starts etcd and kube-apiserver on free loopback ports, with the settings the recorded vectors were made with. */
export async function startReal(folder: string): Promise<RealServer> {
  const dir = mkdtempSync(join(tmpdir(), 'drey-apiserver-'));
  const [clientPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const token = randomBytes(16).toString('hex');
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
  writeFileSync(join(dir, 'sa.key'), key, { mode: 0o600 });
  writeFileSync(join(dir, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const children: ChildProcess[] = [];
  const run = (name: string, args: readonly string[]): void => {
    children.push(spawn(join(folder, name), args, { stdio: 'ignore' }));
  };
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  run('etcd', [
    ...['--data-dir', join(dir, 'etcd'), '--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`, '--unsafe-no-fsync'],
  ]);
  run('kube-apiserver', [
    ...[
      `--etcd-servers=${etcdUrl}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
    ],
    ...[
      `--cert-dir=${join(dir, 'certs')}`,
      `--token-auth-file=${join(dir, 'tokens.csv')}`,
      '--authorization-mode=RBAC',
    ],
    ...['--service-cluster-ip-range=10.0.0.0/16', '--service-account-issuer=https://kubernetes.default.svc'],
    ...[
      `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
      `--service-account-key-file=${join(dir, 'sa.key')}`,
    ],
    ...['--disable-admission-plugins=ServiceAccount', '--endpoint-reconciler-type=none'],
  ]);
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await ended(child);
    rmSync(dir, { recursive: true, force: true });
  };
  const url = `https://127.0.0.1:${port}`;
  if (!(await ready(url, token))) {
    await stop();
    throw new Error('kube-apiserver did not become ready within 60 s');
  }
  return { url, token, stop };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('exit', () => resolve());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  });
}

async function ready(url: string, token: string): Promise<boolean> {
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  try {
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const answer = await request(`${url}/readyz`, {
        dispatcher: agent,
        headers: { authorization: `Bearer ${token}` },
      }).catch(() => undefined); // not listening yet
      const text = await answer?.body.text();
      if (answer?.statusCode === 200 && text === 'ok') return true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return false;
  } finally {
    await agent.close();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** True when a folder for the cache exists already, for messages. */
export function isCached(): boolean {
  return existsSync(cacheFolder()) && hasBoth(cacheFolder());
}
