import type { ConfigMap, DownwardApiItem, KeyToPath, Pod, Secret, Volume } from '@drey/kube';
import { type EnvSources, podField, resourceField } from './container-env.ts';

/** A file of a volume. */
export interface VolumeFile {
  /** Relative, may have directories. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: number;
}

/** A volume that cannot be made now, with the kubelet's wording. The node tries again. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
  constructor(volume: string, cause: string) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${cause}`);
  }
}

/** What files of volumes are made from. Maps hold only what exists. */
export interface VolumeSources extends Pick<EnvSources, 'podAddress' | 'hostAddress' | 'nodeAllocatable'> {
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Tokens by {@link tokenKey}. */
  readonly tokens: ReadonlyMap<string, string>;
}

export interface TokenNeed {
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

export function tokenKey(need: TokenNeed): string {
  return `${need.audience ?? ''}/${need.expirationSeconds}`;
}

/** Names of the objects that a volume is made from. */
export function volumeReferences(volume: Volume): {
  configMaps: string[];
  secrets: string[];
  tokens: TokenNeed[];
} {
  const configMaps: string[] = [];
  const secrets: string[] = [];
  const tokens: TokenNeed[] = [];
  if (volume.configMap?.name !== undefined) configMaps.push(volume.configMap.name);
  if (volume.secret?.secretName !== undefined) secrets.push(volume.secret.secretName);
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap?.name !== undefined) configMaps.push(source.configMap.name);
    if (source.secret?.name !== undefined) secrets.push(source.secret.name);
    if (source.serviceAccountToken !== undefined) tokens.push(tokenNeed(source.serviceAccountToken));
  }
  return { configMaps, secrets, tokens };
}

/**
 * The files of a configMap, secret, projected or downwardAPI volume; undefined for other kinds.
 * Throws {@link VolumeError} for what is missing and not optional.
 */
export function volumeFiles(pod: Pod, volume: Volume, sources: VolumeSources): VolumeFile[] | undefined {
  const ns = pod.metadata.namespace ?? '';
  if (volume.configMap !== undefined) {
    return configMapFiles(volume.name, ns, volume.configMap, sources, volume.configMap.defaultMode ?? 0o644);
  }
  if (volume.secret !== undefined) {
    const { secretName, ...rest } = volume.secret;
    const source = { ...rest, ...(secretName === undefined ? {} : { name: secretName }) };
    return secretFiles(volume.name, ns, source, sources, volume.secret.defaultMode ?? 0o644);
  }
  if (volume.downwardAPI !== undefined) {
    return downwardFiles(
      volume.name,
      pod,
      volume.downwardAPI.items ?? [],
      sources,
      volume.downwardAPI.defaultMode ?? 0o644,
    );
  }
  if (volume.projected === undefined) return undefined;
  const mode = volume.projected.defaultMode ?? 0o644;
  return (volume.projected.sources ?? []).flatMap((source) => {
    if (source.configMap !== undefined) return configMapFiles(volume.name, ns, source.configMap, sources, mode);
    if (source.secret !== undefined) return secretFiles(volume.name, ns, source.secret, sources, mode);
    if (source.downwardAPI !== undefined)
      return downwardFiles(volume.name, pod, source.downwardAPI.items ?? [], sources, mode);
    if (source.serviceAccountToken === undefined) return [];
    const token = sources.tokens.get(tokenKey(tokenNeed(source.serviceAccountToken)));
    if (token === undefined) throw new VolumeError(volume.name, 'failed to fetch token');
    return [{ path: source.serviceAccountToken.path, data: Buffer.from(token), mode: 0o600 }];
  });
}

function tokenNeed(source: { audience?: string; expirationSeconds?: number }): TokenNeed {
  return { audience: source.audience, expirationSeconds: source.expirationSeconds ?? 3600 };
}

interface KeyedSource {
  readonly name?: string;
  readonly items?: KeyToPath[];
  readonly optional?: boolean;
}

function configMapFiles(
  volume: string,
  ns: string,
  source: KeyedSource,
  sources: VolumeSources,
  mode: number,
): VolumeFile[] {
  const found = sources.configMaps.get(source.name ?? '');
  if (found === undefined) {
    if (source.optional === true) return [];
    throw new VolumeError(volume, `configmap "${source.name}" not found`);
  }
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(found.data ?? {})) data.set(key, Buffer.from(text));
  for (const [key, text] of Object.entries(found.binaryData ?? {})) data.set(key, Buffer.from(text, 'base64'));
  return keyedFiles(volume, `configmap ${ns}/${source.name}`, data, source, mode);
}

function secretFiles(
  volume: string,
  ns: string,
  source: KeyedSource,
  sources: VolumeSources,
  mode: number,
): VolumeFile[] {
  const found = sources.secrets.get(source.name ?? '');
  if (found === undefined) {
    if (source.optional === true) return [];
    throw new VolumeError(volume, `secret "${source.name}" not found`);
  }
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(found.data ?? {})) data.set(key, Buffer.from(text, 'base64'));
  return keyedFiles(volume, `secret ${ns}/${source.name}`, data, source, mode);
}

function keyedFiles(
  volume: string,
  what: string,
  data: ReadonlyMap<string, Uint8Array>,
  source: KeyedSource,
  mode: number,
): VolumeFile[] {
  if (source.items === undefined || source.items.length === 0) {
    return [...data].map(([path, bytes]) => ({ path, data: bytes, mode }));
  }
  return source.items.flatMap((item) => {
    const bytes = data.get(item.key);
    if (bytes === undefined) {
      if (source.optional === true) return [];
      throw new VolumeError(volume, `${what} references non-existent config key: ${item.key}`);
    }
    return [{ path: item.path, data: bytes, mode: item.mode ?? mode }];
  });
}

function downwardFiles(
  volume: string,
  pod: Pod,
  items: readonly DownwardApiItem[],
  sources: VolumeSources,
  mode: number,
): VolumeFile[] {
  return items.map((item) => {
    const value =
      item.fieldRef !== undefined
        ? podField(pod, item.fieldRef.fieldPath, sources)
        : item.resourceFieldRef !== undefined
          ? resourceField(pod, undefined, item.resourceFieldRef, sources.nodeAllocatable)
          : undefined;
    if (value === undefined) throw new VolumeError(volume, `unsupported field for "${item.path}"`);
    return { path: item.path, data: Buffer.from(value), mode: item.mode ?? mode };
  });
}
