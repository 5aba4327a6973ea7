import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject } from '@drey/kube';
import type { Beginning, Intent, Records, Sight } from './oracles.ts';
import type { Subject } from './scenario.ts';
import { keyOfSubject } from './wishes.ts';

const GROUP = 'flink.apache.org';
const plurals = {
  FlinkDeployment: 'flinkdeployments',
  FlinkSessionJob: 'flinksessionjobs',
  FlinkStateSnapshot: 'flinkstatesnapshots',
} as const;

type JobStatus = NonNullable<FlinkDeployment['status']>;

/** What is stored about jobs, read from the API server at this moment, without faults. */
export class StoredRecords implements Records {
  readonly #world: SimulatedWorld;
  /** Since when the operator can see what Flink says. */
  readonly #sightSince: () => number;

  constructor(world: SimulatedWorld, sightSince: () => number) {
    this.#world = world;
    this.#sightSince = sightSince;
  }

  object({ kind, namespace, name }: Subject): AnyObject | undefined {
    return this.#world.server.server.reader.get(GROUP, plurals[kind], namespace, name);
  }

  #list<T>(kind: Subject['kind'], namespace?: string): T[] {
    return this.#world.server.server.reader.list(GROUP, plurals[kind], namespace) as unknown as T[];
  }

  /** The FlinkStateSnapshots of a job. */
  snapshotsOf({ kind, namespace, name }: Subject): FlinkStateSnapshot[] {
    return this.#list<FlinkStateSnapshot>('FlinkStateSnapshot', namespace).filter(
      ({ spec }) => spec.jobReference?.kind === kind && spec.jobReference.name === name,
    );
  }

  beginning(owner: string): Beginning {
    const { status } = (this.#owned(owner) ?? {}) as Pick<FlinkDeployment, 'status'>;
    const recorded = JSON.parse(status?.reconciliationStatus?.lastReconciledSpec ?? '{}') as Partial<FlinkDeployment>;
    const { initialSavepointPath, savepointRedeployNonce, upgradeMode } = recorded.spec?.job ?? {};
    const restores = upgradeMode !== undefined && upgradeMode !== 'stateless';
    return { path: initialSavepointPath ?? undefined, nonce: savepointRedeployNonce ?? undefined, restores };
  }

  isGoing(owner: string, clusterId: string): boolean {
    const { metadata, status } = (this.#owned(owner) ?? {}) as Partial<FlinkDeployment>;
    // A start of which Flink was asked just before its object was deleted comes after that.
    if (metadata?.deletionTimestamp !== undefined || status?.operation?.phase === 'removing') return true;
    const [namespace, name = ''] = clusterId.split('/');
    const found = this.#world.server.server.reader.get('apps', 'deployments', namespace, name);
    return found === undefined || found.metadata.deletionTimestamp !== undefined;
  }

  #owned(owner: string): AnyObject | undefined {
    const [kind, namespace = '', name = ''] = owner.split('/');
    return this.object({ kind: kind as Subject['kind'], namespace, name });
  }

  owner(clusterId: string, jobId: string): string | undefined {
    const [namespace = '', name = ''] = clusterId.split('/');
    const knows = (status: unknown): boolean => JSON.stringify(status ?? null).includes(jobId);
    const cluster = this.#cluster(clusterId);
    if (cluster?.spec.job !== undefined && knows(cluster.status)) {
      return keyOfSubject({ kind: 'FlinkDeployment', namespace, name });
    }
    const job = this.#list<FlinkSessionJob>('FlinkSessionJob', namespace).find(
      (one) => one.spec.deploymentName === name && knows(one.status),
    );
    return job && keyOfSubject({ kind: 'FlinkSessionJob', namespace, name: job.metadata.name ?? '' });
  }

  stranger(clusterId: string, id: string): string | undefined {
    const [home] = clusterId.split('/');
    const all = (['FlinkDeployment', 'FlinkSessionJob', 'FlinkStateSnapshot'] as const).flatMap((kind) =>
      this.#list<AnyObject>(kind),
    );
    const found = all.find(
      ({ metadata, status }) => metadata.namespace !== home && JSON.stringify(status ?? null).includes(id),
    );
    return found && `${found.kind} ${found.metadata.namespace}/${found.metadata.name}`;
  }

  intent(owner: string, clusterId: string): Intent {
    const [kind, namespace = ''] = owner.split('/');
    const stored = this.#owned(owner) as FlinkDeployment | undefined;
    const [, cluster = ''] = clusterId.split('/');
    const restarts = this.#world.node.restartsOf(namespace, cluster, 'jobmanager') ?? 0;
    return {
      stateless: (stored?.spec.job?.upgradeMode ?? 'stateless') === 'stateless',
      // Without high availability a JobManager of a session cluster that is restarted knows no jobs.
      startedByOperator: kind === 'FlinkSessionJob' || restarts === 0,
      isRetaken: recordedMode(stored) === 'last-state',
      sight: this.sightOf(clusterId),
    };
  }

  /** Who can name the states of the cluster's jobs. */
  sightOf(clusterId: string): Sight {
    const isHa = this.#cluster(clusterId)?.spec.flinkConfiguration?.['high-availability.type'] !== undefined;
    return { since: this.#sightSince(), isHa };
  }

  isRecorded(clusterId: string, jobId: string, { id, what }: { readonly id: string; readonly what: string }): boolean {
    const [namespace = ''] = clusterId.split('/');
    const jobs = [
      ...this.#list<FlinkDeployment>('FlinkDeployment', namespace),
      ...this.#list<FlinkSessionJob>('FlinkSessionJob', namespace),
    ];
    const statuses: readonly unknown[] =
      what === 'stop'
        ? jobs.filter(({ status }) => status?.jobStatus?.jobId === jobId).map(({ status }) => operationOf(status))
        : [...jobs, ...this.#list<FlinkStateSnapshot>('FlinkStateSnapshot', namespace)].map(({ status }) => status);
    return id !== '' && statuses.some((one) => JSON.stringify(one ?? null).includes(id));
  }

  referrer(path: string): string | undefined {
    for (const kind of ['FlinkDeployment', 'FlinkSessionJob'] as const) {
      for (const { metadata, spec, status } of this.#list<FlinkDeployment>(kind)) {
        if (metadata.deletionTimestamp !== undefined) continue;
        const paths = [status?.jobStatus?.upgradeSavepointPath, spec.job?.initialSavepointPath];
        if (paths.includes(path)) return `${kind} ${metadata.namespace}/${metadata.name}`;
      }
    }
    const snapshots = this.#list<FlinkStateSnapshot>('FlinkStateSnapshot');
    const held = snapshots.find((one) => one.metadata.deletionTimestamp === undefined && one.status?.path === path);
    return held && `FlinkStateSnapshot ${held.metadata.namespace}/${held.metadata.name}`;
  }

  keeperOfResults(clusterId: string, path: string): string | undefined {
    const [namespace = ''] = clusterId.split('/');
    const { reader } = this.#world.server.server;
    const owners = new Set(reader.list('apps', 'deployments', namespace).map(({ metadata }) => metadata.uid));
    const map = reader
      .list('', 'configmaps', namespace)
      .find(
        ({ metadata, ...rest }) =>
          metadata.ownerReferences?.some(({ uid }) => owners.has(uid)) === true && JSON.stringify(rest).includes(path),
      );
    return map && `${map.metadata.namespace}/${map.metadata.name}`;
  }

  #cluster(clusterId: string): FlinkDeployment | undefined {
    const [namespace = '', name = ''] = clusterId.split('/');
    return this.object({ kind: 'FlinkDeployment', namespace, name }) as FlinkDeployment | undefined;
  }
}

/** The mode in which the cluster was started that is there, or that is being made. */
function recordedMode(stored: FlinkDeployment | undefined): string | undefined {
  const text = stored?.status?.reconciliationStatus?.lastReconciledSpec ?? '{}';
  return (JSON.parse(text) as { spec?: { job?: { upgradeMode?: string } } }).spec?.job?.upgradeMode;
}

function operationOf(status: FlinkDeployment['status'] | FlinkSessionJob['status']): unknown {
  return (status as Partial<JobStatus> | undefined)?.operation;
}
