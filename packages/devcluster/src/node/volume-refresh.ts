import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Clock, isKubeError, type KubeClient, type Pod, sleep, type Volume } from '@drey/kube';
import { FLINK_HOME } from './flink-image.ts';
import { loadVolumeObjects } from './object-sources.ts';
import { VolumeError, type VolumeFile, type VolumeSources, volumeFiles } from './volume-files.ts';

/** Between two looks; kubelets take up to about 90 s. */
const REFRESH_MS = 15_000;
/** Files of a Flink configuration directory that were changed for the pod and so are not brought in line. */
const CHANGED_FOR_POD: readonly string[] = ['config.yaml', 'flink-conf.yaml'];

export interface RefreshOptions {
  readonly clock: Clock;
  readonly client: KubeClient;
  readonly pod: Pod;
  /** The pod's own directory, with `volumes` and `containers` in it. */
  readonly directory: string;
  readonly places: Pick<VolumeSources, 'podAddress' | 'hostAddress' | 'nodeAllocatable'>;
  readonly signal: AbortSignal;
}

/**
 * Keeps the files of a pod's configMap and secret volumes as the objects are, as kubelets do, until the signal aborts: running
 * processes find new contents under the same name. A file mounted by itself (subPath) stays as it was at the start, as it does
 * there. What cannot be read now is looked at again the next time.
 */
export async function refreshVolumes(options: RefreshOptions): Promise<void> {
  const volumes = (options.pod.spec?.volumes ?? []).filter(
    (one) => one.configMap !== undefined || one.secret !== undefined,
  );
  if (volumes.length === 0) return;
  // Tokens are renewed on their own.
  const pod: Pod = { ...options.pod, spec: { containers: [], ...options.pod.spec, volumes } };
  while (!options.signal.aborted) {
    await sleep(options.clock, REFRESH_MS, options.signal);
    try {
      await refreshOnce(options, pod, volumes);
    } catch (error) {
      if (!options.signal.aborted && !isKubeError(error) && !(error instanceof VolumeError)) throw error;
    }
  }
}

async function refreshOnce(options: RefreshOptions, pod: Pod, volumes: readonly Volume[]): Promise<void> {
  const objects = await loadVolumeObjects(options.client, pod, options.signal);
  for (const volume of volumes) {
    const changed = changedFiles(join(options.directory, 'volumes', volume.name), filesOf(options, volume, objects));
    for (const { directory, files } of copiesOf(options, volume.name, changed)) replaceFiles(directory, files);
  }
}

function filesOf(
  { pod, places }: RefreshOptions,
  volume: Volume,
  objects: Omit<VolumeSources, keyof RefreshOptions['places']>,
): readonly VolumeFile[] {
  try {
    return volumeFiles(pod, volume, { ...objects, ...places }) ?? [];
  } catch (error) {
    // An object that is gone leaves what the pod has of it.
    if (error instanceof VolumeError) return [];
    throw error;
  }
}

/** Replaces the files that differ, and returns them. */
function changedFiles(directory: string, files: readonly VolumeFile[]): readonly VolumeFile[] {
  const changed = files.filter((file) => !isSame(join(directory, file.path), file));
  replaceFiles(directory, changed);
  return changed;
}

function isSame(path: string, { data }: VolumeFile): boolean {
  return existsSync(path) && readFileSync(path).equals(Buffer.from(data));
}

/** In one step each, so that nobody reads half a file. */
function replaceFiles(directory: string, files: readonly VolumeFile[]): void {
  for (const { path, data, mode } of files) {
    const target = join(directory, path);
    if (!target.startsWith(`${directory}/`)) continue;
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    writeFileSync(`${target}.new`, data, { mode });
    renameSync(`${target}.new`, target);
  }
}

/** Containers see a Flink configuration directory as a copy of their own. */
function copiesOf(
  { pod, directory }: RefreshOptions,
  volume: string,
  changed: readonly VolumeFile[],
): { readonly directory: string; readonly files: readonly VolumeFile[] }[] {
  const files = changed.filter((file) => !CHANGED_FOR_POD.includes(file.path));
  if (files.length === 0) return [];
  return (pod.spec?.containers ?? []).flatMap(({ name, volumeMounts = [] }) => {
    const copy = join(directory, 'containers', name, 'conf');
    const isMounted = volumeMounts.some(
      (mount) => mount.name === volume && mount.mountPath.startsWith(`${FLINK_HOME}/`),
    );
    return isMounted && existsSync(copy) ? [{ directory: copy, files }] : [];
  });
}
