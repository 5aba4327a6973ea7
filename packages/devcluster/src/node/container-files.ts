import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Container, Pod, Volume } from '@drey/kube';
import { expandVariables } from './container-env.ts';
import {
  addressSettings,
  builtInPlugins,
  ENTRYPOINT_SCRIPT,
  entrypointSettings,
  FLINK_ENTRYPOINT,
  FLINK_HOME,
  flinkComponent,
  registrationSettings,
  withSettings,
} from './flink-image.ts';
import type { ResolvedImage } from './images.ts';
import type { HostView, MountRequest } from './root-plan.ts';
import { VolumeError, type VolumeFile } from './volume-files.ts';

/** Where the parts of a pod lie on the host. */
export interface PodDirectories {
  /** Everything of the pod; removed with it. */
  readonly pod: string;
  /** The node's own, which holds those of claims. */
  readonly data: string;
}

/** The directory that stands for a persistent volume claim; it outlives pods. */
export function claimDirectory(dataDirectory: string, namespace: string, name: string): string {
  return join(dataDirectory, 'claims', namespace, name);
}

/** A volume as it lies on the host. */
export interface HostVolume {
  readonly path: string;
  readonly kind: 'directory' | 'file';
  readonly owned: boolean;
}

/** The host's file system as the root planner asks for it. */
export const hostView: HostView = {
  kind(path) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return 'missing';
    if (stat.isDirectory()) return 'directory';
    if (stat.isSymbolicLink()) return 'symlink';
    return stat.isFile() ? 'file' : 'other';
  },
  entries: (path) => readdirSync(path),
  readlink: (path) => readlinkSync(path),
};

/** Writes the files of a volume, replacing what was there. */
export function writeVolumeFiles(directory: string, files: readonly VolumeFile[]): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const file of files) {
    const path = join(directory, file.path);
    if (!path.startsWith(`${directory}/`))
      throw new VolumeError(basename(directory), `path leaves the volume: ${file.path}`);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, file.data, { mode: file.mode });
  }
}

/** Makes the host side of volumes that are no files: emptyDir, hostPath, claims. */
export function hostVolume(pod: Pod, volume: Volume, directories: PodDirectories): HostVolume {
  if (volume.hostPath !== undefined) return hostPathVolume(volume.name, volume.hostPath);
  const claim = volume.persistentVolumeClaim?.claimName;
  if (claim !== undefined) {
    const path = claimDirectory(directories.data, pod.metadata.namespace ?? '', claim);
    mkdirSync(path, { recursive: true });
    return { path, kind: 'directory', owned: true };
  }
  if (volume.nfs !== undefined || volume.csi !== undefined) {
    throw new VolumeError(
      volume.name,
      'this node mounts no network volumes; use hostPath or a persistent volume claim',
    );
  }
  const path = join(directories.pod, 'volumes', volume.name);
  mkdirSync(path, { recursive: true });
  return { path, kind: 'directory', owned: true };
}

function hostPathVolume(name: string, source: { path: string; type?: string }): HostVolume {
  const { path, type = '' } = source;
  if (type === 'DirectoryOrCreate' || (type === '' && !existsSync(path))) mkdirSync(path, { recursive: true });
  if (type === 'FileOrCreate' && !existsSync(path)) writeFileSync(path, '');
  const kind = hostView.kind(path);
  if (kind === 'missing')
    throw new VolumeError(name, `hostPath type check failed: ${path} is not a ${type.toLowerCase()}`);
  return { path, kind: isDirectory(path) ? 'directory' : 'file', owned: false };
}

export interface ContainerView {
  readonly requests: readonly MountRequest[];
  /** The container's own directory on the host. */
  readonly directory: string;
  readonly workingDirectory: string;
  readonly command: readonly string[];
}

export interface ViewInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: ResolvedImage;
  readonly env: Readonly<Record<string, string>>;
  readonly podAddress: string;
  readonly hostname: string;
  readonly volumes: ReadonlyMap<string, HostVolume>;
  readonly directories: PodDirectories;
}

/**
 * Prepares the files of one container instance and says what it sees where: the image, a /tmp of its own, hosts file,
 * and its volume mounts.
 */
export function containerView(input: ViewInput): ContainerView {
  const { container, image, directories } = input;
  const directory = join(directories.pod, 'containers', container.name);
  rmSync(directory, { recursive: true, force: true });
  for (const name of ['root', 'tmp', 'var-tmp']) mkdirSync(join(directory, name), { recursive: true });
  const mounts = volumeMounts(input, directory);
  const requests: MountRequest[] = [
    request('/tmp', join(directory, 'tmp'), 'directory'),
    request('/var/tmp', join(directory, 'var-tmp'), 'directory'),
    request('/etc/hosts', join(directories.pod, 'hosts'), 'file'),
    ...(image.kind === 'flink' ? flinkRequests(input, image, directory) : []),
    ...mounts,
  ];
  const expand = (words: readonly string[]): string[] => words.map((word) => expandVariables(word, input.env));
  return {
    requests: dedupe(requests),
    directory,
    workingDirectory: container.workingDir ?? (image.kind === 'flink' ? FLINK_HOME : '/'),
    command: commandOf(image, expand(container.command ?? []), expand(container.args ?? [])),
  };
}

/** As images have it: Flink's has an entrypoint, shell images have none and start a shell when nothing is said. */
function commandOf(image: ResolvedImage, command: readonly string[], args: readonly string[]): string[] {
  if (command.length > 0) return [...command, ...args];
  if (image.kind === 'flink') return [FLINK_ENTRYPOINT, ...args];
  return args.length > 0 ? [...args] : ['/bin/sh'];
}

function request(destination: string, source: string, kind: 'directory' | 'file'): MountRequest {
  return { destination, source, kind, readOnly: false, owned: true };
}

/** A volume mounted at /tmp takes the place of ours. */
function dedupe(requests: readonly MountRequest[]): MountRequest[] {
  return [...new Map(requests.map((r) => [r.destination.replace(/\/+$/, ''), r])).values()];
}

function volumeMounts(input: ViewInput, directory: string): MountRequest[] {
  const { container, env, image, volumes } = input;
  const confDirectory = env.FLINK_CONF_DIR ?? `${FLINK_HOME}/conf`;
  return (container.volumeMounts ?? []).map((mount) => {
    const volume = volumes.get(mount.name);
    if (volume === undefined) throw new VolumeError(mount.name, 'the pod has no volume of this name');
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expandVariables(mount.subPathExpr, env);
    const source = subPath === undefined || subPath === '' ? volume.path : subPathOf(volume, mount.name, subPath);
    const directoryMounted = isDirectory(source);
    const destination = expandVariables(mount.mountPath, env);
    if (image.kind === 'flink' && destination.replace(/\/+$/, '') === confDirectory && directoryMounted) {
      const copy = join(directory, 'conf');
      cpSync(source, copy, { recursive: true, dereference: true });
      changeConfiguration(copy, input, image, {});
      return request(destination, copy, 'directory');
    }
    return {
      destination,
      source,
      kind: directoryMounted ? 'directory' : 'file',
      readOnly: mount.readOnly === true,
      owned: volume.owned,
    } satisfies MountRequest;
  });
}

/** A missing subPath is made as a directory, as kubelets do. */
function subPathOf(volume: HostVolume, name: string, subPath: string): string {
  const path = join(volume.path, subPath);
  if (path !== volume.path && !path.startsWith(`${volume.path}/`)) {
    throw new VolumeError(name, `subPath "${subPath}" must not leave the volume`);
  }
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  return path;
}

/**
 * The distribution at /opt/flink: its directories read-only, except for conf, log and (when plugins are asked for)
 * plugins, which are the container's own.
 */
function flinkRequests(
  input: ViewInput,
  image: Extract<ResolvedImage, { kind: 'flink' }>,
  directory: string,
): MountRequest[] {
  const { home } = image.distribution;
  const own = join(directory, 'flink');
  mkdirSync(join(own, 'log'), { recursive: true });
  cpSync(join(home, 'conf'), join(own, 'conf'), { recursive: true });
  changeConfiguration(join(own, 'conf'), input, image, entrypointSettings(input.env, input.hostname));
  const entrypoint = join(directory, 'docker-entrypoint.sh');
  writeFileSync(entrypoint, ENTRYPOINT_SCRIPT, { mode: 0o755 });
  const shared = readdirSync(home, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !['conf', 'log'].includes(entry.name))
    .map((entry) => sharedDirectory(`${FLINK_HOME}/${entry.name}`, join(home, entry.name)));
  const plugins = builtInPlugins(input.env)
    .filter((plugin) => existsSync(join(home, 'opt', plugin.jar)))
    .map((plugin) => ({
      destination: `${FLINK_HOME}/plugins/${plugin.directory}/${plugin.jar}`,
      source: join(home, 'opt', plugin.jar),
      kind: 'file' as const,
      readOnly: true,
      owned: false,
    }));
  return [
    request(FLINK_HOME, own, 'directory'),
    request(FLINK_ENTRYPOINT, entrypoint, 'file'),
    ...shared,
    ...plugins,
    ...(image.usrlib === undefined ? [] : [sharedDirectory(`${FLINK_HOME}/usrlib`, image.usrlib)]),
  ];
}

function sharedDirectory(destination: string, source: string): MountRequest {
  return { destination, source, kind: 'directory', readOnly: true, owned: false };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Adds what a process of this pod needs to whichever configuration files the directory has. */
function changeConfiguration(
  directory: string,
  input: ViewInput,
  image: Extract<ResolvedImage, { kind: 'flink' }>,
  settings: Readonly<Record<string, string>>,
): void {
  const component = flinkComponent(input.pod, input.container);
  for (const name of ['config.yaml', 'flink-conf.yaml']) {
    const path = join(directory, name);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, 'utf8');
    const patience = component === undefined ? {} : registrationSettings(text, image.distribution.version);
    writeFileSync(
      path,
      withSettings(text, { ...settings, ...addressSettings(component, input.podAddress), ...patience }),
    );
  }
}
