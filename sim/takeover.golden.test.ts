import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import type { FlinkTransport } from '@drey/flink';
import type { AnyObject, Transport } from '@drey/kube';
import { createOperator, type OperatorEnv } from '@drey/operator';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type GoldenArea, goldenArea } from '../golden/golden.ts';
import { type OperatorWorld, operatorWorld } from './operator-world.ts';

/**
 * Clusters as the Apache operator left them, native and standalone, at rest: Drey takes them over without a write to
 * anything of the cluster, says of them what was said before, and carries out the next change.
 */
interface Moment {
  readonly area: GoldenArea;
  /** The folder of the recorded objects. */
  readonly folder: string;
}

const atRest = goldenArea('apache-operator');
const running = goldenArea('apache-operator-running');
const moments: Moment[] = [
  ...foldersOf(atRest, 'flinkdeployments.yaml').map((folder) => ({ area: atRest, folder })),
  ...foldersOf(running, 'flinkdeployments.yaml')
    .filter((folder) => running.files.includes(`${folder}/jm-rest.json`) || /suspended/.test(folder))
    .map((folder) => ({ area: running, folder })),
].filter((moment) => deploymentsOf(moment).some(isQuiet));

let taken = 0;
afterAll(() => console.log(`takeover: ${taken} of ${moments.length}`));

describe('A recorded cluster', () => {
  test.each(moments)('$folder', async (moment) => {
    const sim = await operatorWorld([], { workloads: false });
    const objects = recorded(moment);
    await restore(sim, objects);
    const before = statuses(sim);
    const asked: string[] = [];
    const writes: string[] = [];
    const env: OperatorEnv = {
      ...sim.env('operator', ['system:masters'], (transport) => recording(transport, writes)),
      flink: recordedFlink(moment, asked),
    };
    const operator = createOperator(env);
    await sim.drive(operator.start());
    await sim.until(() => false, 20_000);

    expect(
      writes.filter((write) => !/flinkdeployments|flinksessionjobs|flinkstatesnapshots|events/.test(write)),
    ).toEqual([]);
    // A periodic savepoint may be due; nothing else is asked of a job.
    expect(asked.filter((request) => !/^GET |^POST .*\/savepoints$/.test(request))).toEqual([]);
    const told = deploymentsOf(moment).filter((deployment) => isQuiet(deployment) && isAnswered(moment, deployment));
    for (const deployment of told) {
      const { name = '', namespace = '' } = deployment.metadata;
      const after = statusOf(sim, namespace, name);
      expect(essence(after), name).toEqual(essence(before.get(`${namespace}/${name}`)));
      // Looking is all that was done; from now on nothing is written at all.
      expect(after?.operation, name).toBeUndefined();
    }

    const [first] = told;
    if (first !== undefined) await expectNextChange(sim, first, { writes, asked });
    await sim.drive(operator.stop());
    sim.world.stop();
    taken += 1;
  });
});

/** A cluster that runs is brought down as its upgrade mode says; one that never came up is replaced. */
async function expectNextChange(
  sim: OperatorWorld,
  { metadata: { name = '', namespace = '' }, status }: FlinkDeployment,
  { writes, asked }: { readonly writes: readonly string[]; readonly asked: readonly string[] },
): Promise<void> {
  await sim.drive(sim.admin.patch(FlinkDeployments, namespace, name, 'merge', { spec: { restartNonce: 4711 } }));
  if (status?.lifecycleState === 'SUSPENDED') {
    // It takes effect with the resumption.
    await sim.until(() => statusOf(sim, namespace, name)?.observedGeneration !== status.observedGeneration, 5_000);
    expect(statusOf(sim, namespace, name)?.lifecycleState).toBe('SUSPENDED');
    return;
  }
  const begun = (): boolean =>
    writes.some((write) => write.startsWith('DELETE') && write.endsWith(`deployments/${name}`)) ||
    asked.some((request) => /^(POST|PATCH) /.test(request)) ||
    waitsForItsJob(statusOf(sim, namespace, name));
  expect(await sim.until(begun, 30_000), `${name}: ${JSON.stringify(statusOf(sim, namespace, name))}`).toBe(true);
}

/** A stateful job that does not run is not replaced, since its state could not be carried over. */
function waitsForItsJob(status: FlinkDeployment['status']): boolean {
  const waits = status?.conditions?.some((one) => one.type === 'Reconciling' && one.reason === 'UpgradePending');
  return waits === true && status?.jobStatus?.state !== 'RUNNING';
}

function foldersOf(area: GoldenArea, file: string): string[] {
  return area.files.filter((path) => path.endsWith(`/${file}`)).map((path) => path.slice(0, -file.length - 1));
}

function documents({ area, folder }: Moment, plural: string): AnyObject[] {
  const path = `${folder}/${plural}.yaml`;
  if (!area.files.includes(path)) return [];
  const all = parseAllDocuments(area.text(path)).map(
    (document) => document.toJS() as AnyObject & { items?: AnyObject[] },
  );
  return all.filter((one) => one !== null).flatMap((one) => one.items ?? [one]);
}

function deploymentsOf(moment: Moment): FlinkDeployment[] {
  return documents(moment, 'flinkdeployments') as unknown as FlinkDeployment[];
}

/** Deployed, stable or suspended, and nothing is under way. */
function isQuiet({ metadata, status }: FlinkDeployment): boolean {
  const isSettled = ['DEPLOYED', 'STABLE', 'SUSPENDED'].includes(status?.lifecycleState ?? '');
  const isOwned = metadata.ownerReferences !== undefined;
  return (
    isSettled &&
    !isOwned &&
    metadata.deletionTimestamp === undefined &&
    metadata.generation === status?.observedGeneration
  );
}

/** Where several clusters ran, the answers of one JobManager were recorded; the others count as not reachable. */
function isAnswered(moment: Moment, { status }: FlinkDeployment): boolean {
  if (deploymentsOf(moment).length === 1 || moment.area === atRest) return true;
  return moment.area.text(`${moment.folder}/jm-rest.json`).includes(`"${status?.jobStatus?.jobId}"`);
}

const KINDS = [
  ['flinkdeployments', '/apis/flink.apache.org/v1beta1'],
  ['flinksessionjobs', '/apis/flink.apache.org/v1beta1'],
  ['flinkstatesnapshots', '/apis/flink.apache.org/v1beta1'],
  ['deployments', '/apis/apps/v1'],
  ['services', '/api/v1'],
  ['configmaps', '/api/v1'],
  ['pods', '/api/v1'],
  ['ingresses', '/apis/networking.k8s.io/v1'],
] as const;

interface Recorded {
  readonly plural: string;
  readonly base: string;
  readonly object: AnyObject;
}

function recorded(moment: Moment): Recorded[] {
  return KINDS.flatMap(([plural, base]) => documents(moment, plural).map((object) => ({ plural, base, object })));
}

/** Writes the objects as they were, each with its status; only ids of the API server are new, also where others refer to them. */
async function restore(sim: OperatorWorld, objects: readonly Recorded[]): Promise<void> {
  const uids = new Map<string, string>();
  const namespaces = new Set(objects.map(({ object }) => object.metadata.namespace ?? 'default'));
  for (const name of namespaces) {
    if (name === 'default') continue;
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await sim.drive(sim.admin.raw('POST', '/api/v1/namespaces', namespace));
  }
  for (const { plural, base, object } of objects) {
    const collection = `${base}/namespaces/${object.metadata.namespace}/${plural}`;
    const { uid = '', resourceVersion: _, creationTimestamp: __, ...metadata } = object.metadata;
    const ownerReferences = (object.metadata.ownerReferences ?? [])
      .filter((owner) => uids.has(owner.uid))
      .map((owner) => ({ ...owner, uid: uids.get(owner.uid) ?? '' }));
    const fresh = withoutAddresses({ ...object, metadata: { ...metadata, ownerReferences } });
    const primary = plural === 'flinkdeployments';
    const first = primary ? { ...fresh, spec: { ...(fresh.spec as object), ...young(object) } } : fresh;
    const created = await sim.drive(sim.admin.raw<AnyObject>('POST', collection, first));
    const made = primary ? await aged(sim, created, object) : created;
    uids.set(uid, made.metadata.uid ?? '');
    if (object.status === undefined || plural === 'configmaps') continue;
    const whole = { ...made, status: object.status };
    await sim.drive(sim.admin.raw('PUT', `${collection}/${object.metadata.name}/status`, whole));
  }
}

/** An object that is to get older begins with another spec than it will have. */
function young({ metadata }: AnyObject): object {
  return (metadata.generation ?? 1) > 1 ? { restartNonce: -1 } : {};
}

/** The object after so many changes of its spec that it has the recorded generation. */
async function aged(sim: OperatorWorld, created: AnyObject, { metadata, spec }: AnyObject): Promise<AnyObject> {
  const { name = '', namespace, generation = 1 } = metadata;
  const { restartNonce = null } = spec as { restartNonce?: number };
  let object = created;
  for (let change = 2; change <= generation; change += 1) {
    const nonce = change === generation ? restartNonce : -change;
    const patch = { spec: { restartNonce: nonce } };
    object = (await sim.drive(sim.admin.patch(FlinkDeployments, namespace, name, 'merge', patch))) as never;
  }
  return object;
}

/** Addresses of Services are given anew. */
function withoutAddresses(object: AnyObject): AnyObject {
  if (object.kind !== 'Service') return object;
  const { clusterIP, clusterIPs: _, ...spec } = object.spec as Record<string, unknown>;
  return { ...object, spec: { ...spec, ...(clusterIP === 'None' ? { clusterIP } : {}) } } as AnyObject;
}

function statuses(sim: OperatorWorld): Map<string, FlinkDeployment['status']> {
  const all = sim.world.server.server.reader.list('flink.apache.org', 'flinkdeployments', undefined);
  return new Map(
    (all as unknown as FlinkDeployment[]).map(({ metadata, status }) => [
      `${metadata.namespace}/${metadata.name}`,
      status,
    ]),
  );
}

function statusOf(sim: OperatorWorld, namespace: string, name: string): FlinkDeployment['status'] {
  const { reader } = sim.world.server.server;
  return (reader.get('flink.apache.org', 'flinkdeployments', namespace, name) as FlinkDeployment | undefined)?.status;
}

/** What a takeover must not change. */
function essence(status: FlinkDeployment['status']): unknown {
  const { lifecycleState, jobManagerDeploymentStatus, observedGeneration, reconciliationStatus, jobStatus, error } =
    status ?? {};
  const { jobId, state, startTime, upgradeSavepointPath } = jobStatus ?? {};
  return {
    lifecycleState,
    jobManagerDeploymentStatus,
    observedGeneration,
    reconciliationStatus,
    error,
    jobId,
    state,
    startTime,
    upgradeSavepointPath,
  };
}

function recording(transport: Transport, writes: string[]): Transport {
  return {
    close: () => transport.close(),
    request: (request) => {
      if (request.method !== 'GET') writes.push(`${request.method} ${request.path}`);
      return transport.request(request);
    },
  };
}

/** Flink as it answered at that moment. */
function recordedFlink({ area, folder }: Moment, asked: string[]): FlinkTransport {
  const path = `${folder}/jm-rest.json`;
  const answers = area.files.includes(path) ? area.json<Record<string, unknown>>(path) : {};
  const overview = answers.overview as { 'flink-version'?: string; 'flink-commit'?: string } | undefined;
  return (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname}`);
    const [, checkpoints] = /^(?:\/v1)?\/jobs\/([0-9a-f]{32})\/checkpoints$/.exec(pathname) ?? [];
    const body = pathname.endsWith('/jobs/overview')
      ? answers.jobs
      : pathname.endsWith('/overview')
        ? overview
        : checkpoints !== undefined
          ? answers[`checkpoints-${checkpoints}`]
          : undefined;
    const status = body === undefined ? 404 : 200;
    return Promise.resolve({ status, body: JSON.stringify(body ?? { errors: ['Not found'] }) });
  };
}
