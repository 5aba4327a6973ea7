import { Deployment, isKubeError, Pod } from '@drey/kube';
import type { ProgramContext } from '../program.ts';

/** Pause after a refusal or a lost connection, before the pods are listed again. */
const RETRY_MS = 250;
/** `slotmanager.requirement-check-delay`: changes within it are answered together. */
const CHECK_DELAY_MS = 50;

export interface WorkerPodsOptions {
  readonly namespace: string;
  readonly clusterId: string;
  readonly slotsEach: number;
  readonly releases: (name: string) => void;
}

/** The TaskManager pods of one JobManager process, as Flink's resource manager makes them: it follows them by a watch. */
export class WorkerPods {
  readonly #context: ProgramContext;
  readonly #namespace: string;
  readonly #clusterId: string;
  readonly #slotsEach: number;
  readonly #releases: (name: string) => void;
  readonly #abort = new AbortController();
  /** By name; undefined before the first list. */
  #pods: Map<string, Pod> | undefined;
  #wanted = 0;
  #owner: string | undefined;
  /** Number of this process among those that made pods for the cluster, and of the next pod. */
  #attempt: number | undefined;
  #next = 1;
  #state: 'idle' | 'busy' | 'busy-and-changed' = 'idle';

  /** `releases` hears of each TaskManager before its pod is deleted: as in Flink, no job gets its slots from then on. */
  constructor(context: ProgramContext, { namespace, clusterId, slotsEach, releases }: WorkerPodsOptions) {
    this.#context = context;
    this.#namespace = namespace;
    this.#clusterId = clusterId;
    this.#slotsEach = slotsEach;
    this.#releases = releases;
    void this.#follow();
  }

  need(slots: number): void {
    this.#wanted = Math.ceil(slots / this.#slotsEach);
    this.#changed();
  }

  stop(): void {
    this.#abort.abort();
  }

  async #follow(): Promise<void> {
    const { client } = this.#context;
    const { signal } = this.#abort;
    const labelSelector = `app=${this.#clusterId},type=flink-native-kubernetes,component=taskmanager`;
    while (!signal.aborted) {
      try {
        const list = await client.list(Pod, { namespace: this.#namespace, labelSelector, signal });
        this.#pods = new Map(list.items.map((pod) => [pod.metadata.name ?? '', pod]));
        this.#attempt ??= 1 + Math.max(0, ...list.items.map(attemptOf));
        this.#changed();
        const resourceVersion = list.metadata.resourceVersion ?? '';
        for await (const event of client.watch(Pod, {
          namespace: this.#namespace,
          labelSelector,
          signal,
          resourceVersion,
        })) {
          if (event.type === 'BOOKMARK') continue;
          const name = event.object.metadata.name ?? '';
          if (event.type === 'DELETED') this.#pods.delete(name);
          else this.#pods.set(name, event.object);
          this.#changed();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isKubeError(error)) throw error;
      }
      await this.#pause(RETRY_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#context.clock.after(ms, resolve));
  }

  #changed(): void {
    if (this.#pods === undefined || this.#abort.signal.aborted) return;
    if (this.#state !== 'idle') {
      this.#state = 'busy-and-changed';
      return;
    }
    this.#state = 'busy';
    void this.#reconcile();
  }

  async #reconcile(): Promise<void> {
    do {
      await this.#pause(CHECK_DELAY_MS);
      this.#state = 'busy';
      if (this.#abort.signal.aborted) return;
      try {
        await this.#match([...(this.#pods?.values() ?? [])]);
      } catch (error) {
        if (!isKubeError(error)) throw error;
        await this.#pause(RETRY_MS);
        this.#state = 'busy-and-changed';
      }
    } while (this.#isChanged() && !this.#abort.signal.aborted);
    this.#state = 'idle';
  }

  #isChanged(): boolean {
    return this.#state === 'busy-and-changed';
  }

  async #match(pods: readonly Pod[]): Promise<void> {
    const ended = pods.filter(({ status }) => status?.phase === 'Failed' || status?.phase === 'Succeeded');
    const isGoing = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
    const live = pods.filter((pod) => !ended.includes(pod) && !isGoing(pod));
    for (const pod of ended) if (!isGoing(pod)) await this.#delete(pod);
    for (let missing = this.#wanted - live.length; missing > 0; missing--) await this.#create();
    for (const surplus of live.slice(this.#wanted)) {
      this.#releases(surplus.metadata.name ?? '');
      await this.#delete(surplus);
    }
  }

  async #delete(pod: Pod): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const name = pod.metadata.name ?? '';
    try {
      await this.#context.client.delete(Pod, this.#namespace, name, { propagation: 'Background' });
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
    }
  }

  async #create(): Promise<void> {
    const { client, container } = this.#context;
    // Flink reads its Deployment once: what it makes after that was deleted belongs to the old one, and goes with it.
    this.#owner ??= (await client.get(Deployment, this.#namespace, this.#clusterId)).metadata.uid ?? '';
    if (this.#abort.signal.aborted) return;
    const name = `${this.#clusterId}-taskmanager-${this.#attempt ?? 1}-${this.#next++}`;
    const pod = await client.create(Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: this.#namespace,
        labels: { app: this.#clusterId, type: 'flink-native-kubernetes', component: 'taskmanager' },
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: this.#clusterId,
            uid: this.#owner,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'flink-main-container',
            image: container.image ?? 'flink',
            command: container.command ?? [],
            args: [
              'bash',
              '-c',
              `kubernetes-taskmanager.sh -Dtaskmanager.resource-id=${name} -Dtaskmanager.numberOfTaskSlots=${this.#slotsEach}`,
            ],
          },
        ],
      },
    });
    if (!this.#pods?.has(name)) this.#pods?.set(name, pod);
  }
}

function attemptOf(pod: Pod): number {
  return Number(/-taskmanager-(\d+)-\d+$/.exec(pod.metadata.name ?? '')?.[1] ?? 0);
}
