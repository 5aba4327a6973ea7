import { atLeast, type FlinkVersion } from '@drey/flink';
import { ConfigMap, isKubeError, type KubeClient } from '@drey/kube';
import type { HighAvailability } from './jobmanager.ts';

/**
 * Kubernetes high availability as Flink keeps it: a ConfigMap for the cluster with the stored job graph, and one for each
 * job with a key for every completed checkpoint. They have no owner, so they outlive the cluster. Writes are made in order.
 */
export class KubernetesHa implements HighAvailability {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #clusterId: string;
  readonly #version: FlinkVersion;
  readonly #known = new Map<string, string>();
  /** As they were written or read last. */
  readonly #maps = new Map<string, ConfigMap>();
  #writing: Promise<void> = Promise.resolve();
  #alive = true;

  constructor(client: KubeClient, namespace: string, clusterId: string, version: FlinkVersion) {
    this.#client = client;
    this.#namespace = namespace;
    this.#clusterId = clusterId;
    this.#version = version;
  }

  /** The jobs whose graphs an earlier process left. */
  async recover(): Promise<string[]> {
    try {
      const { data } = await this.#client.get(ConfigMap, this.#namespace, this.#clusterMap);
      const prefix = `${this.#graphKey('')}`;
      return Object.keys(data ?? {}).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return [];
      throw error;
    }
  }

  /** Reads what an earlier process left for this job, and makes the ConfigMaps. */
  async open(jobId: string): Promise<void> {
    await this.#ensure(this.#clusterMap, { [this.#graphKey(jobId)]: encode(`${jobId} graph`) });
    const map = await this.#ensure(this.#jobMap(jobId), { counter: '1' });
    const keys = Object.keys(map.data ?? {})
      .filter((key) => key.startsWith('checkpointID-'))
      .sort();
    const newest = keys.at(-1);
    const value = newest === undefined ? undefined : map.data?.[newest];
    if (value !== undefined) this.#known.set(jobId, decode(value));
  }

  jobAdded(jobId: string): void {
    if (!this.#maps.has(this.#jobMap(jobId))) this.#then(() => this.open(jobId));
  }

  checkpoint(jobId: string): string | undefined {
    return this.#known.get(jobId);
  }

  recordCheckpoint(jobId: string, checkpointId: number, path: string): void {
    this.#known.set(jobId, path);
    const key = `checkpointID-${String(checkpointId).padStart(19, '0')}`;
    this.#change(this.#jobMap(jobId), (data) => ({
      ...Object.fromEntries(Object.entries(data).filter(([k]) => !k.startsWith('checkpointID-'))),
      counter: String(checkpointId + 1),
      [key]: encode(path),
    }));
  }

  jobEnded(jobId: string): void {
    this.#known.delete(jobId);
    this.#then(() => this.#client.delete(ConfigMap, this.#namespace, this.#jobMap(jobId)));
    this.#change(this.#clusterMap, ({ [this.#graphKey(jobId)]: _, ...kept }) => kept);
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

  #graphKey(jobId: string): string {
    return `${atLeast(this.#version, '2.0') ? 'executionPlan' : 'jobGraph'}-${jobId}`;
  }

  /** Flink 2 does not mark its records any more. */
  #labels(): Record<string, string> {
    return {
      ...{ app: this.#clusterId, type: 'flink-native-kubernetes' },
      ...(atLeast(this.#version, '2.0') ? {} : { 'configmap-type': 'high-availability' }),
    };
  }

  async #ensure(name: string, data: Record<string, string>): Promise<ConfigMap> {
    const fresh: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: this.#namespace, labels: this.#labels() },
      data,
    };
    try {
      return this.#keep(await this.#client.create(ConfigMap, fresh));
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
    }
    const old = await this.#client.get(ConfigMap, this.#namespace, name);
    return this.#keep(await this.#client.replace(ConfigMap, { ...old, data: { ...data, ...old.data } }));
  }

  #keep(map: ConfigMap): ConfigMap {
    this.#maps.set(map.metadata.name ?? '', map);
    return map;
  }

  /** Replaces the map that is known; one that somebody else changed or removed is read again first. */
  #change(name: string, change: (data: Record<string, string>) => Record<string, string>): void {
    const write = async (map: ConfigMap): Promise<void> => {
      this.#keep(await this.#client.replace(ConfigMap, { ...map, data: change(map.data ?? {}) }));
    };
    this.#then(async () => {
      const known = this.#maps.get(name);
      try {
        if (known !== undefined) return await write(known);
      } catch (error) {
        if (!isKubeError(error, 'E_KUBE_CONFLICT')) throw error;
      }
      await write(await this.#client.get(ConfigMap, this.#namespace, name));
    });
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
