import { FlinkError, kubernetesOptions } from '@drey/flink';
import { type Decorator, mapInJavaOrder } from '../parameters.ts';
import { extend, type FlinkPod } from '../pod.ts';

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_CLAIM_NAME = 253;
const MAX_VOLUME_NAME = 63;

/** Existing PersistentVolumeClaims mounted as directories (Flink 2.3 and later). */
export const persistentVolumeClaims: Decorator = {
  concern: 'persistent-volume-claims',
  decorate(pod, p) {
    const claims = mapInJavaOrder(p, kubernetesOptions.persistentVolumeClaims);
    if (claims.length === 0) return pod;
    const readOnly = p.config.get(kubernetesOptions.persistentVolumeClaimReadOnly);
    check(claims, pod);
    return extend(
      pod,
      { volumeMounts: claims.map(([claim, mountPath]) => ({ name: volumeName(claim), mountPath, readOnly })) },
      claims.map(([claim]) => ({ name: volumeName(claim), persistentVolumeClaim: { claimName: claim, readOnly } })),
    );
  },
};

function volumeName(claim: string): string {
  return `${claim.replaceAll('.', '-')}-pvc`;
}

function check(claims: readonly (readonly [string, string])[], { pod, mainContainer }: FlinkPod): void {
  const volumes = new Set((pod.spec?.volumes ?? []).map((volume) => volume.name));
  const paths = new Set((mainContainer.volumeMounts ?? []).map((mount) => mount.mountPath));
  for (const [claim, path] of claims) {
    const volume = volumeName(claim);
    if (claim.length > MAX_CLAIM_NAME || !DNS_SUBDOMAIN.test(claim)) refuse(`"${claim}" is not a name of a claim`);
    if (volume.length > MAX_VOLUME_NAME) refuse(`the name of claim "${claim}" is too long for a volume`);
    if (!path.startsWith('/')) refuse(`the path "${path}" of claim "${claim}" is not absolute`);
    if (paths.has(path)) refuse(`the path "${path}" of claim "${claim}" is used twice`);
    if (volumes.has(volume)) refuse(`the volume "${volume}" of claim "${claim}" exists already`);
    volumes.add(volume);
    paths.add(path);
  }
}

function refuse(reason: string): never {
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `${kubernetesOptions.persistentVolumeClaims.key} is refused: ${reason}`,
    'Write it as claim:/absolute/path, pairs separated by commas, each claim and path once.',
  );
}
