import { ConfigMap, isKubeError, type KubeClient } from '@drey/kube';
import type { HighAvailability } from './jobmanager.ts';

const labelsOf = (clusterId: string): Record<string, string> => ({
  app: clusterId,
  type: 'flink-native-kubernetes',
  'configmap-type': 'high-availability',
});

/**
 * Kubernetes high availability as Flink keeps it: a ConfigMap for the cluster with the stored job graph, and one for each
 * job with a key for every completed checkpoint. They have no owner, so they outlive the cluster. Writes are made in order.
 */
export class KubernetesHa implements HighAvailability {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #clusterId: string;
  readonly #known = new Map<string, string>();
  #writing: Promise<void> = Promise.resolve();
  #alive = true;

  constructor(client: KubeClient, namespace: string, clusterId: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#clusterId = clusterId;
  }

  /** Reads what an earlier process left for this job, and makes the ConfigMaps. */
  async open(jobId: string): Promise<void> {
    await this.#ensure(this.#clusterMap, { [`jobGraph-${jobId}`]: encode(`${jobId} graph`) });
    const map = await this.#ensure(this.#jobMap(jobId), { counter: '1' });
    const keys = Object.keys(map.data ?? {})
      .filter((key) => key.startsWith('checkpointID-'))
      .sort();
    const newest = keys.at(-1);
    const value = newest === undefined ? undefined : map.data?.[newest];
    if (value !== undefined) this.#known.set(jobId, decode(value));
  }

  checkpoint(jobId: string): string | undefined {
    return this.#known.get(jobId);
  }

  recordCheckpoint(jobId: string, checkpointId: number, path: string): void {
    this.#known.set(jobId, path);
    const key = `checkpointID-${String(checkpointId).padStart(19, '0')}`;
    this.#then(async () => {
      const map = await this.#client.get(ConfigMap, this.#namespace, this.#jobMap(jobId));
      const kept = Object.fromEntries(Object.entries(map.data ?? {}).filter(([k]) => !k.startsWith('checkpointID-')));
      await this.#client.replace(ConfigMap, {
        ...map,
        data: { ...kept, counter: String(checkpointId + 1), [key]: encode(path) },
      });
    });
  }

  jobEnded(jobId: string): void {
    this.#known.delete(jobId);
    this.#then(() => this.#client.delete(ConfigMap, this.#namespace, this.#jobMap(jobId)));
  }

  /** The process is dead: nothing more is written. */
  close(): void {
    this.#alive = false;
  }

  get #clusterMap(): string {
    return `${this.#clusterId}-cluster-config-map`;
  }

  #jobMap(jobId: string): string {
    return `${this.#clusterId}-${jobId}-config-map`;
  }

  async #ensure(name: string, data: Record<string, string>): Promise<ConfigMap> {
    const fresh: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: this.#namespace, labels: labelsOf(this.#clusterId) },
      data,
    };
    try {
      return await this.#client.create(ConfigMap, fresh);
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
    }
    const old = await this.#client.get(ConfigMap, this.#namespace, name);
    return this.#client.replace(ConfigMap, { ...old, data: { ...data, ...old.data } });
  }

  #then(write: () => Promise<unknown>): void {
    this.#writing = this.#writing.then(async () => {
      if (!this.#alive) return;
      try {
        await write();
      } catch (error) {
        // Flink gives up on a record it cannot write; the next checkpoint writes again.
        if (!isKubeError(error)) throw error;
      }
    });
  }
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();
