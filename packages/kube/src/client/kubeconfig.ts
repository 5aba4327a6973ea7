import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type CredentialSource, fixedCredentials, tokenFileCredentials, withHeaders } from './credentials.ts';
import { type ExecConfig, execCredentials, type RunProgram } from './exec-credentials.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import { proxyFor } from './proxy.ts';

/** How to reach one cluster as one user. */
export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path in front of every request's. */
  readonly server: string;
  /** PEM of the authorities to trust; the system's when absent. */
  readonly ca?: string;
  /** Accept any certificate. */
  readonly insecure: boolean;
  /** Name to expect in the certificate, where it differs from the host. */
  readonly serverName?: string;
  readonly proxyUrl?: string;
  readonly credentials: CredentialSource;
}

/** A chosen context: the access, and the names it was chosen by. */
export interface KubeContext {
  /** `in-cluster` when it comes from the pod's service account. */
  readonly name: string;
  readonly namespace: string;
  readonly access: ClusterAccess;
}

export interface KubeconfigOptions {
  /** A file that is used in place of KUBECONFIG and the default file. */
  readonly path?: string;
  /** A context other than the current one. */
  readonly context?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  readonly readText?: (path: string) => Promise<string>;
  readonly run?: RunProgram;
  readonly clock?: Clock;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MAX_FILE_CHARACTERS = 4 * 1024 * 1024;

interface Named {
  readonly name: string;
  /** The folder that relative paths of the entry start from. */
  readonly folder: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Merged {
  readonly clusters: Map<string, Named>;
  readonly users: Map<string, Named>;
  readonly contexts: Map<string, Named>;
  current: string | undefined;
}

type Deps = Required<Pick<KubeconfigOptions, 'env' | 'home' | 'readText' | 'clock'>> & Pick<KubeconfigOptions, 'run'>;

/**
 * Finds the cluster to talk to: the file asked for, else the files of KUBECONFIG, else `~/.kube/config`, else the service
 * account of the pod this process runs in.
 *
 * Guarantees: as kubectl reads it, of several files the first that defines an entry wins, and relative paths start from the
 * file they stand in; certificates are read once, tokens from files and plugins as {@link CredentialSource} says.
 * Failure: {@link KubeconfigError}.
 */
export async function loadKubeconfig(options: KubeconfigOptions = {}): Promise<KubeContext> {
  const deps: Deps = {
    env: options.env ?? process.env,
    home: options.home ?? homedir(),
    readText: options.readText ?? ((path) => readFile(path, 'utf8')),
    clock: options.clock ?? systemClock,
    ...(options.run !== undefined && { run: options.run }),
  };
  const { files, mustExist } = filesOf(options, deps);
  const merged: Merged = { clusters: new Map(), users: new Map(), contexts: new Map(), current: undefined };
  let found = 0;
  for (const file of files) if (await readInto(merged, file, mustExist, deps)) found++;
  if (found === 0) {
    const inCluster = await serviceAccountContext(deps);
    if (inCluster !== undefined) return inCluster;
    throw new KubeconfigError(
      'E_KUBECONFIG_NOT_FOUND',
      `no kubeconfig: looked at ${files.join(', ')}`,
      'Start a cluster with "drey up", or set KUBECONFIG or --kubeconfig to the file of the cluster to use.',
    );
  }
  return contextOf(merged, options.context, deps);
}

function filesOf(options: KubeconfigOptions, deps: Deps): { files: string[]; mustExist: boolean } {
  if (options.path !== undefined) return { files: [options.path], mustExist: true };
  const listed = (deps.env.KUBECONFIG ?? '').split(delimiter).filter((f) => f !== '');
  return { files: listed.length > 0 ? listed : [join(deps.home, '.kube', 'config')], mustExist: false };
}

async function readInto(merged: Merged, file: string, mustExist: boolean, deps: Deps): Promise<boolean> {
  let text: string;
  try {
    text = await deps.readText(file);
  } catch (cause) {
    if (!mustExist && (cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new KubeconfigError(
      'E_KUBECONFIG_NOT_FOUND',
      `cannot read the kubeconfig ${file} (${code})`,
      'Check the path and its permissions.',
      cause,
    );
  }
  const config = parseFile(text, file);
  const folder = dirname(resolve(file));
  for (const [list, member] of [
    ['clusters', 'cluster'],
    ['users', 'user'],
    ['contexts', 'context'],
  ] as const) {
    const entries = config[list] ?? [];
    if (!Array.isArray(entries)) throw invalid(file, `${list} is not a list`);
    for (const entry of entries as unknown[]) {
      if (!isRecord(entry) || typeof entry.name !== 'string') throw invalid(file, `an entry of ${list} has no name`);
      if (merged[list].has(entry.name)) continue;
      const value = entry[member];
      merged[list].set(entry.name, { name: entry.name, folder, value: isRecord(value) ? value : {} });
    }
  }
  const current = config['current-context'];
  if (merged.current === undefined && typeof current === 'string' && current !== '') merged.current = current;
  return true;
}

function parseFile(text: string, file: string): Record<string, unknown> {
  if (text.length > MAX_FILE_CHARACTERS) throw invalid(file, 'it is larger than 4 MB');
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    // The message of the parser quotes the line, which may hold a secret: its place is enough.
    const pos = (cause as { linePos?: readonly { line: number; col: number }[] }).linePos?.[0];
    throw invalid(file, pos === undefined ? 'it is not YAML' : `it is not YAML (line ${pos.line}, column ${pos.col})`);
  }
  if (value === null || value === undefined) return {};
  if (!isRecord(value)) throw invalid(file, 'it is not a mapping');
  return value;
}

async function contextOf(merged: Merged, wanted: string | undefined, deps: Deps): Promise<KubeContext> {
  const name = wanted ?? merged.current;
  const context = name === undefined ? undefined : merged.contexts.get(name);
  if (name === undefined || context === undefined) {
    const known = [...merged.contexts.keys()].slice(0, 20).join(', ') || 'none';
    throw new KubeconfigError(
      'E_KUBECONFIG_CONTEXT',
      name === undefined ? 'the kubeconfig has no current context' : `the kubeconfig has no context ${name}`,
      `Choose one of these contexts: ${known}; or set one with: kubectl config use-context NAME.`,
    );
  }
  const cluster = merged.clusters.get(text(context, 'cluster') ?? '');
  if (cluster === undefined) throw dangling(name, 'cluster', text(context, 'cluster'));
  const userName = text(context, 'user');
  const user = merged.users.get(userName ?? '');
  if (user === undefined && userName !== undefined) throw dangling(name, 'user', userName);
  const access = await clusterAccess(cluster, user, deps);
  return { name, namespace: text(context, 'namespace') ?? 'default', access };
}

async function clusterAccess(cluster: Named, user: Named | undefined, deps: Deps): Promise<ClusterAccess> {
  const server = text(cluster, 'server');
  if (server === undefined || !/^https?:\/\/[^/]/.test(server)) {
    throw new KubeconfigError(
      'E_KUBECONFIG_INVALID',
      `the cluster ${cluster.name} has no server address`,
      'Set server to https://HOST:PORT.',
    );
  }
  const ca = await pem(cluster, 'certificate-authority', deps);
  const serverName = text(cluster, 'tls-server-name');
  const proxyUrl = text(cluster, 'proxy-url') ?? proxyFor(server, deps.env);
  return {
    server,
    insecure: cluster.value['insecure-skip-tls-verify'] === true,
    ...(ca !== undefined && { ca }),
    ...(serverName !== undefined && { serverName }),
    ...(proxyUrl !== undefined && { proxyUrl }),
    credentials: user === undefined ? fixedCredentials({ headers: {} }) : await userCredentials(user, cluster, deps),
  };
}

async function userCredentials(user: Named, cluster: Named, deps: Deps): Promise<CredentialSource> {
  const headers = impersonation(user);
  const source = await plainCredentials(user, cluster, deps);
  return headers === undefined ? source : withHeaders(source, headers);
}

/** In kubectl's order: a token file before a token, either before a password; a plugin only where there is none of them. */
async function plainCredentials(user: Named, cluster: Named, deps: Deps): Promise<CredentialSource> {
  const cert = await pem(user, 'client-certificate', deps);
  const key = await pem(user, 'client-key', deps);
  const certificate = cert !== undefined && key !== undefined ? { cert, key } : {};
  const tokenFile = text(user, 'tokenFile');
  if (tokenFile !== undefined) {
    return tokenFileCredentials(pathOf(user, tokenFile), deps.readText, deps.clock, certificate);
  }
  const token = text(user, 'token');
  if (token !== undefined) return fixedCredentials({ headers: { authorization: `Bearer ${token}` }, ...certificate });
  const [username, password] = [text(user, 'username'), text(user, 'password')];
  if (username !== undefined && password !== undefined) {
    const basic = Buffer.from(`${username}:${password}`).toString('base64');
    return fixedCredentials({ headers: { authorization: `Basic ${basic}` }, ...certificate });
  }
  const { exec } = user.value;
  if (isRecord(exec)) {
    const config = exec as ExecConfig;
    // A relative command is looked up next to the kubeconfig only when it has a folder in it, as kubectl does.
    const command = config.command?.includes('/') ? pathOf(user, config.command) : config.command;
    return execCredentials({ ...config, ...(command !== undefined && { command }) }, execClusterInfo(cluster), {
      clock: deps.clock,
      ...(deps.run !== undefined && { run: deps.run }),
    });
  }
  if (isRecord(user.value['auth-provider'])) {
    throw new KubeconfigError(
      'E_KUBECONFIG_CREDENTIALS',
      `the user ${user.name} has an auth-provider, which kubectl no longer supports either`,
      'Replace it by the exec plugin of your provider (for example kubelogin, gke-gcloud-auth-plugin).',
    );
  }
  return fixedCredentials({ headers: {}, ...certificate });
}

function impersonation(user: Named): Record<string, string | string[]> | undefined {
  const as = text(user, 'as');
  if (as === undefined) return undefined;
  const groups = user.value['as-groups'];
  const uid = text(user, 'as-uid');
  return {
    'impersonate-user': as,
    ...(uid !== undefined && { 'impersonate-uid': uid }),
    ...(Array.isArray(groups) && groups.length > 0 && { 'impersonate-group': groups.map(String) }),
  };
}

async function serviceAccountContext(deps: Deps): Promise<KubeContext | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = deps.env;
  if (!host || !port) return undefined;
  const read = async (file: string): Promise<string> => {
    try {
      return await deps.readText(`${SERVICE_ACCOUNT}/${file}`);
    } catch (cause) {
      throw new KubeconfigError(
        'E_KUBECONFIG_CREDENTIALS',
        `this pod has no readable service account ${file}`,
        'Leave automountServiceAccountToken on for this pod, or give it a kubeconfig.',
        cause,
      );
    }
  };
  const [ca, namespace] = [await read('ca.crt'), (await read('namespace')).trim()];
  await read('token');
  const credentials = tokenFileCredentials(`${SERVICE_ACCOUNT}/token`, deps.readText, deps.clock);
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { name: 'in-cluster', namespace, access: { server, ca, insecure: false, credentials } };
}

function execClusterInfo(cluster: Named): Record<string, unknown> {
  const ca = text(cluster, 'certificate-authority-data');
  return {
    server: text(cluster, 'server'),
    ...(ca !== undefined && { 'certificate-authority-data': ca }),
    ...(cluster.value['insecure-skip-tls-verify'] === true && { 'insecure-skip-tls-verify': true }),
  };
}

/** `NAME-data` in base64, or the file that `NAME` names. */
async function pem(entry: Named, member: string, deps: Deps): Promise<string | undefined> {
  const inline = text(entry, `${member}-data`);
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8');
  const file = text(entry, member);
  if (file === undefined) return undefined;
  const path = pathOf(entry, file);
  try {
    return await deps.readText(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new KubeconfigError(
      'E_KUBECONFIG_CREDENTIALS',
      `cannot read ${path}, the ${member} of ${entry.name} (${code})`,
      'Check the path and its permissions, or renew the kubeconfig.',
      cause,
    );
  }
}

function pathOf(entry: Named, path: string): string {
  return isAbsolute(path) ? path : join(entry.folder, path);
}

function text(entry: Named, member: string): string | undefined {
  const value = entry.value[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(file: string, what: string): KubeconfigError {
  return new KubeconfigError(
    'E_KUBECONFIG_INVALID',
    `the kubeconfig ${file} cannot be used: ${what}`,
    'Correct the file, or choose another with KUBECONFIG.',
  );
}

function dangling(context: string, what: string, name: string | undefined): KubeconfigError {
  return new KubeconfigError(
    'E_KUBECONFIG_INVALID',
    `the context ${context} names the ${what} ${name ?? '(none)'}, which the kubeconfig does not define`,
    `Add the ${what}, or choose another context with: kubectl config use-context NAME.`,
  );
}
