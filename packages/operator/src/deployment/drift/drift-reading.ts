import type { FlinkDeployment } from '@drey/api';
import { FlinkError } from '@drey/flink';
import {
  type Cached,
  type ConfigMap,
  type Deployment,
  type Ingress,
  isKubeError,
  type KubeObject,
  type Service,
} from '@drey/kube';
import { ManifestError, taskManagersName } from '@drey/manifests';
import { currentOperation } from '../../job/operation.ts';
import { known, type Reading, unknown } from '../../job/reading.ts';
import { deployedSpec, type RecordedSpec } from '../../job/recorded-spec.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import type { ClusterObjects } from '../../runtime/ports.ts';
import type { ReadingScope } from '../observation/cluster-readings.ts';
import { observedDeployment } from '../observation/kube-readings.ts';
import { runningCluster } from '../start/running-cluster.ts';
import { kindOfTaskManagers, type Workload, workloadOf } from '../task-managers.ts';
import type { Drift, DriftedObject, RepairTries } from '../world.ts';
import {
  configMapDifferences,
  editorOf,
  ingressDifferences,
  replicasDiffer,
  serviceDifferences,
  templateDifferences,
  textDigest,
} from './drift-compare.ts';
import { type Edited, pathText } from './field-managers.ts';
import type { Repair } from './repair.ts';
import { withTries } from './repair-tries.ts';

/** What a comparison finds; how often it was repaired is not part of it. */
type Differences = Omit<Drift, 'tries'>;

/**
 * What was compared before: the versions of all objects involved, and what came of it. A cluster at rest is compared once,
 * and again only when one of its objects has changed.
 */
export class DriftMemory {
  readonly #seen = new Map<string, { readonly of: string; readonly differences: Differences }>();
  readonly #tries = new Map<string, readonly RepairTries[]>();

  recall(key: string, of: string): Differences | undefined {
    const seen = this.#seen.get(key);
    return seen?.of === of ? seen.differences : undefined;
  }

  remember(key: string, of: string, differences: Differences): void {
    this.#seen.set(key, { of, differences });
  }

  tries(key: string, now: number): readonly RepairTries[] {
    return withTries(this.#tries.get(key) ?? [], [], now);
  }

  /** Objects are being put back; they count whether or not that succeeds. */
  noteRepairs(key: string, objects: Repair['objects'], now: number): void {
    this.#tries.set(key, withTries(this.#tries.get(key) ?? [], objects, now));
  }

  /** The object has gone. */
  forget(key: string): void {
    this.#seen.delete(key);
    this.#tries.delete(key);
  }

  get size(): number {
    return this.#seen.size;
  }
}

/**
 * How the objects of a running cluster differ from what they were made as. Read while the cluster is settled: nobody is
 * changing it, and its job is not over. Rejects only when `signal` aborts.
 */
export async function readDrift(scope: ReadingScope, memory: DriftMemory): Promise<Reading<Drift>> {
  const { env, deployment, namespace, name } = scope;
  const { clock, caches } = env;
  const recorded = settledSpec(deployment);
  const live = caches.deployments.get(namespace, name);
  if (recorded === undefined || live === undefined || live.metadata.deletionTimestamp !== undefined) {
    return unknown('the cluster is not at rest', clock.now());
  }
  if (observedDeployment(live).ownerUid !== deployment.metadata.uid) {
    return unknown('the JobManager belongs to another object', clock.now());
  }
  const stores = [caches.deployments, caches.services, caches.configMaps, caches.ingresses];
  if (stores.some((store) => store?.synced === false)) return unknown('the caches are not filled yet', clock.now());
  const of = fingerprint(scope);
  const key = `${namespace}/${name}`;
  const seen = memory.recall(key, of);
  const tries = memory.tries(key, clock.now());
  if (seen !== undefined) return known({ ...seen, tries }, clock.now());
  try {
    const objects = env.clusters(runningCluster(deployment, recorded, observedDeployment(live)));
    const differences = await compare(scope, recorded, objects, live);
    memory.remember(key, of, differences);
    return known({ ...differences, tries }, clock.now());
  } catch (error) {
    if (error instanceof ManifestError || error instanceof FlinkError) return unknown(error.message, clock.now());
    if (isKubeError(error)) return unknown(`the API server did not answer (${error.code})`, clock.now());
    throw error;
  }
}

/** The spec of a cluster that is as it should be; undefined while something is done to it, or when it is not wanted. */
export function settledSpec({ metadata, status }: FlinkDeployment): RecordedSpec | undefined {
  if (metadata.deletionTimestamp !== undefined || currentOperation(status?.operation) !== undefined) return undefined;
  if (status?.reconciliationStatus?.state !== 'DEPLOYED' && status?.reconciliationStatus?.state !== 'ROLLED_BACK') {
    return undefined;
  }
  const recorded = deployedSpec(status);
  if (recorded?.spec.job?.state === 'suspended' || isTerminal(status.jobStatus?.state ?? undefined)) return undefined;
  return recorded;
}

/** Everything a comparison rests on. */
function fingerprint({ env, deployment, namespace, name }: ReadingScope): string {
  const { caches } = env;
  const { status, metadata } = deployment;
  const versions = [
    caches.deployments.get(namespace, name)?.metadata,
    caches.deployments.get(namespace, taskManagersName(name))?.metadata,
    caches.statefulSets.get(namespace, taskManagersName(name))?.metadata,
  ].map((one) => `${one?.uid}/${one?.generation}`);
  const others = [
    ...[`${name}-rest`, name].map((service) => caches.services.get(namespace, service)),
    ...caches.configMaps.byIndex('cluster', `${namespace}/${name}`),
    caches.ingresses?.get(namespace, name),
  ].map((one) => `${one?.metadata.name}/${one?.metadata.resourceVersion}`);
  const record = status?.reconciliationStatus;
  // A digest, since the record is long and every object has one.
  return textDigest([metadata.uid, ...versions, ...others.sort(), record?.state, record?.lastReconciledSpec].join('|'));
}

async function compare(
  scope: ReadingScope,
  recorded: RecordedSpec,
  objects: ClusterObjects,
  live: Cached<Deployment> & Edited,
): Promise<Differences> {
  const { caches } = scope.env;
  const { namespace } = scope;
  const repairs: DriftedObject[] = [];
  const note = (kind: string, name: string, fields: readonly string[], by?: string): void => {
    repairs.push({ kind, name, fields, by });
  };
  const ownLogging = Object.keys(recorded.spec.logConfiguration ?? {}).length > 0;
  for (const object of objects.accompanying) {
    const name = object.metadata.name ?? '';
    const intent = {
      ...object,
      metadata: { ...object.metadata, ownerReferences: [{ ...OWNER, uid: live.metadata.uid ?? '' }] },
    };
    if (object.kind === 'Service') {
      const found = caches.services.get(namespace, name);
      const fields = found && serviceDifferences(intent as Service, found);
      if (isOpen(found, live.metadata.uid) && fields?.length !== 0) note('Service', name, fields ?? []);
    } else if (object.kind === 'ConfigMap') {
      const found: (Cached<ConfigMap> & Edited) | undefined = caches.configMaps.get(namespace, name);
      const fields = found && configMapDifferences(intent as ConfigMap, found, { ownLogging });
      if (isOpen(found, live.metadata.uid) && fields?.length !== 0) {
        note('ConfigMap', name, fields ?? [], found?.edits?.[0]?.manager);
      }
    }
  }
  const workloads = [objects.deployment, ...(objects.taskManagers ? [objects.taskManagers] : [])];
  for (const intent of workloads) {
    const name = intent.metadata.name ?? '';
    const kind = kindOfTaskManagers(intent);
    const found = workloadOf(kind).cache(caches).get(namespace, name);
    if (found === undefined || found.metadata.deletionTimestamp !== undefined || !replicasDiffer(intent, found))
      continue;
    note(kind, name, ['spec.replicas'], editorOf(found.edits, ['spec', 'replicas'])?.manager);
  }
  const ingress = compareIngress(scope, objects.ingress);
  return {
    repairs: [...repairs, ...ingress.repairs],
    surplus: ingress.surplus,
    reported: (await Promise.all(workloads.map((intent) => templateDrift(scope, intent)))).flat(),
  };
}

const OWNER = { apiVersion: 'apps/v1', kind: 'Deployment', name: '' };

/** An object that may be written: it is missing, or it stays, and nobody else controls it. */
function isOpen(object: Cached<KubeObject> | undefined, ownerUid: string | undefined): boolean {
  if (object === undefined) return true;
  if (object.metadata.deletionTimestamp !== undefined) return false;
  const controller = object.metadata.ownerReferences?.find((owner) => owner.controller === true);
  return controller === undefined || controller.uid === ownerUid;
}

function compareIngress(
  { env, deployment, namespace, name }: ReadingScope,
  wanted: Ingress | undefined,
): Pick<Drift, 'repairs' | 'surplus'> {
  const none = { repairs: [], surplus: undefined };
  if (env.caches.ingresses === undefined) return none;
  const found = env.caches.ingresses.get(namespace, name);
  const { uid } = deployment.metadata;
  if (wanted === undefined) {
    const isOurs = found?.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
    if (!isOurs || found.metadata.deletionTimestamp !== undefined) return none;
    return { repairs: [], surplus: { name, uid: found.metadata.uid ?? '' } };
  }
  const fields = found && ingressDifferences(wanted, found);
  if (!isOpen(found, uid) || fields?.length === 0) return none;
  return { repairs: [{ kind: 'Ingress', name, fields: fields ?? [], by: undefined }], surplus: undefined };
}

/** Asked of the API server itself, and only when somebody else is known to have changed a template. */
async function templateDrift({ env, namespace, signal }: ReadingScope, intent: Workload): Promise<DriftedObject[]> {
  const name = intent.metadata.name ?? '';
  const kind = kindOfTaskManagers(intent);
  const { cache, resource } = workloadOf(kind);
  const cached = cache(env.caches).get(namespace, name);
  const edits = (cached?.edits ?? []).map((edit) => ({
    ...edit,
    paths: edit.paths.filter((path) => path[1] === 'template'),
  }));
  if (!edits.some((edit) => edit.paths.length > 0)) return [];
  const live = await env.kube.get(resource, namespace, name, { signal });
  return templateDifferences(intent, live, edits).map(({ manager, paths }) => ({
    kind,
    name,
    fields: paths.map(pathText),
    by: manager,
  }));
}
