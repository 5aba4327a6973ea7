import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ContainerView } from './container-files.ts';
import { FLINK_HOME } from './flink-image.ts';
import type { MountRequest } from './root-plan.ts';

/**
 * Containers on a machine that allows no mount namespaces: files stay where they are on the host, and the paths by which
 * the container knows them are replaced in its command, its variables and Flink's configuration.
 *
 * Limits, against the other modes: a program that builds such a path by itself does not find its file; names of Services
 * reach Java only (through its own hosts file); /tmp is the machine's; the service account token is handed over in a
 * kubeconfig and lives as long as it was requested for.
 */

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Seen by every process of the machine: not replaced. */
const SHARED = new Set(['/tmp', '/var/tmp', '/etc/hosts']);
const CONFIGURATION_FILES = ['config.yaml', 'flink-conf.yaml'];

export interface PathModeInput {
  readonly view: ContainerView;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly podDirectory: string;
  readonly apiServerUrl: string;
}

export interface PathModeResult {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

/** Lays links where mounts would be, and replaces paths. */
export function byPaths(input: PathModeInput): PathModeResult {
  const { view, podDirectory } = input;
  const top = linkMounts(view.requests);
  const replace = pathReplacer(top.filter((request) => !SHARED.has(request.destination)));
  const confDirectory = input.env.FLINK_CONF_DIR ?? `${FLINK_HOME}/conf`;
  rewriteConfiguration(replace(confDirectory), replace);
  const own = Object.fromEntries(Object.entries(input.env).map(([name, value]) => [name, replace(value)]));
  const tools = [
    `-Djdk.net.hosts.file=${join(podDirectory, 'hosts')}`,
    `-Djava.io.tmpdir=${join(view.directory, 'tmp')}`,
  ];
  const isFlink = view.requests.some((request) => request.destination === FLINK_HOME);
  return {
    command: input.command.map(replace),
    env: {
      ...own,
      TMPDIR: join(view.directory, 'tmp'),
      JAVA_TOOL_OPTIONS: [own.JAVA_TOOL_OPTIONS ?? '', ...tools].join(' ').trim(),
      ...(isFlink
        ? { FLINK_CONF_DIR: replace(confDirectory), FLINK_LOG_DIR: own.FLINK_LOG_DIR ?? replace(`${FLINK_HOME}/log`) }
        : {}),
      ...accountEnv(input, replace),
    },
    workingDirectory: replace(view.workingDirectory),
  };
}

/** Replaces container paths by host paths, each occurrence once, the longest first, at path boundaries only. */
export function pathReplacer(
  requests: readonly Pick<MountRequest, 'destination' | 'source'>[],
): (text: string) => string {
  const bySource = new Map(requests.map((request) => [request.destination.replace(/\/+$/, ''), request.source]));
  const paths = [...bySource.keys()].sort((a, b) => b.length - a.length);
  if (paths.length === 0) return (text) => text;
  const alternatives = paths.map((path) => path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  // After a path there is its end, a slash or a separator; before it a separator, or the slashes of a URL.
  const pattern = new RegExp(`(^|[^\\w./-]|(?<=:)//)(${alternatives})(?=$|/|[^\\w.-])`, 'g');
  return (text) =>
    text.replaceAll(pattern, (_, before: string, path: string) => `${before}${bySource.get(path) ?? path}`);
}

/** Mounts inside of other mounts become links in them. Returns the mounts that are in no other. */
function linkMounts(requests: readonly MountRequest[]): MountRequest[] {
  const byDepth = [...requests].sort((a, b) => a.destination.split('/').length - b.destination.split('/').length);
  const top: MountRequest[] = [];
  for (const request of byDepth) {
    const outer = top.find((other) => request.destination.startsWith(`${other.destination}/`));
    if (outer === undefined || SHARED.has(outer.destination)) top.push(request);
    else link(outer.source, request.destination.slice(outer.destination.length + 1), request.source);
  }
  return top;
}

function link(base: string, relative: string, target: string): void {
  let directory = base;
  for (const part of relative.split('/').slice(0, -1)) {
    directory = join(directory, part);
    openLink(directory);
    mkdirSync(directory, { recursive: true });
  }
  const path = join(base, relative);
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path);
}

/** A linked directory that gets an entry of its own becomes a directory of links. */
function openLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  const names = readdirSync(path);
  const original = join(dirname(path), `.${path.split('/').at(-1)}.original`);
  rmSync(original, { force: true });
  symlinkSync(readlinkSync(path), original);
  rmSync(path);
  mkdirSync(path);
  for (const name of names) symlinkSync(join(original, name), join(path, name));
}

function rewriteConfiguration(directory: string, replace: (text: string) => string): void {
  for (const name of CONFIGURATION_FILES) {
    const path = join(directory, name);
    if (existsSync(path)) writeFileSync(path, replace(readFileSync(path, 'utf8')));
  }
}

/** Kubernetes clients look for the token under a fixed path; a kubeconfig they find anywhere. */
function accountEnv(input: PathModeInput, replace: (text: string) => string): Record<string, string> {
  const directory = replace(SERVICE_ACCOUNT);
  if (directory === SERVICE_ACCOUNT || input.env.KUBECONFIG !== undefined) return {};
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const namespace = read('namespace');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'drey',
        cluster: {
          server: input.apiServerUrl,
          'certificate-authority-data': Buffer.from(read('ca.crt')).toString('base64'),
        },
      },
    ],
    users: [{ name: 'pod', user: { token: read('token') } }],
    contexts: [{ name: 'pod', context: { cluster: 'drey', user: 'pod', namespace } }],
    'current-context': 'pod',
  };
  const path = join(input.view.directory, 'kubeconfig');
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
  return { KUBECONFIG: path };
}
