import {
  ConfigMap,
  isKubeError,
  type KubeClient,
  type KubeObject,
  type Pod,
  type Resource,
  Secret,
  type TokenRequest,
} from '@drey/kube';
import { envReferences } from './container-env.ts';
import { type TokenNeed, tokenKey, volumeReferences } from './volume-files.ts';

/** The ConfigMaps, Secrets and tokens that a pod refers to. What does not exist is absent. */
export interface PodObjects {
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly tokens: ReadonlyMap<string, string>;
}

/** Reads everything that volumes of a pod refer to. Rejects with a KubeError when the API server cannot be asked. */
export async function loadVolumeObjects(client: KubeClient, pod: Pod, signal: AbortSignal): Promise<PodObjects> {
  const references = (pod.spec?.volumes ?? []).map(volumeReferences);
  const needs = references.flatMap((r) => r.tokens);
  const [configMaps, secrets, tokens] = await Promise.all([
    loadAll(client, ConfigMap, pod, new Set(references.flatMap((r) => r.configMaps)), signal),
    loadAll(client, Secret, pod, new Set(references.flatMap((r) => r.secrets)), signal),
    Promise.all(needs.map(async (need) => [tokenKey(need), await requestToken(client, pod, need, signal)] as const)),
  ]);
  return { configMaps, secrets, tokens: new Map(tokens) };
}

/** Reads everything that a container's environment refers to. */
export async function loadEnvObjects(
  client: KubeClient,
  pod: Pod,
  container: Parameters<typeof envReferences>[0],
  signal: AbortSignal,
): Promise<Pick<PodObjects, 'configMaps' | 'secrets'>> {
  const references = envReferences(container);
  const [configMaps, secrets] = await Promise.all([
    loadAll(client, ConfigMap, pod, references.configMaps, signal),
    loadAll(client, Secret, pod, references.secrets, signal),
  ]);
  return { configMaps, secrets };
}

/** A token of the pod's service account, bound to the pod. */
export async function requestToken(
  client: KubeClient,
  pod: Pod,
  need: TokenNeed,
  signal: AbortSignal,
): Promise<string> {
  const account = pod.spec?.serviceAccountName ?? 'default';
  const answer = await client.raw<TokenRequest>(
    'POST',
    `/api/v1/namespaces/${pod.metadata.namespace}/serviceaccounts/${account}/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        expirationSeconds: need.expirationSeconds,
        ...(need.audience === undefined ? {} : { audiences: [need.audience] }),
        boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: pod.metadata.name, uid: pod.metadata.uid },
      },
    },
    { signal },
  );
  return answer.status?.token ?? '';
}

async function loadAll<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  pod: Pod,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, T>> {
  const found = await Promise.all(
    [...names].map(async (name) => {
      try {
        return [name, await client.get(resource, pod.metadata.namespace, name, { signal })] as const;
      } catch (error) {
        if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
        throw error;
      }
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}
