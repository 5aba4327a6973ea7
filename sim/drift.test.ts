import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import {
  ConfigMap,
  CoreEvent,
  Deployment,
  Ingress,
  type KubeObject,
  type Resource,
  Service,
  type Transport,
} from '@drey/kube';
import { createOperator, type Operator } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const NS = 'default';
const AT_REST_MS = 150_000;

interface Running {
  readonly sim: OperatorWorld;
  readonly operator: Operator;
  get<T extends KubeObject>(r: Resource<T>, name: string): T | undefined;
  edit<T extends KubeObject>(r: Resource<T>, name: string, patch: unknown, manager?: string): Promise<T>;
  /** Requests of the operator that write, by method and path; a write that changes nothing is one, too. */
  readonly writes: readonly string[];
  /** How many times a job was started. */
  starts(): number;
  rest(): Promise<void>;
  end(): Promise<void>;
}

function wanted(change: (object: FlinkDeployment) => FlinkDeployment = (object) => object): FlinkDeployment {
  return change(statefulDeployment(NS, 'app'));
}

/** A transport that notes the requests that write. */
const noting =
  (writes: string[]) =>
  (transport: Transport): Transport => ({
    request: (request) => {
      if (request.method !== 'GET') writes.push(`${request.method} ${request.path.split('?', 1)[0]}`);
      return transport.request(request);
    },
    close: () => transport.close(),
  });

/** A deployment whose job runs, seen to be at rest. */
async function running(object = wanted(), config?: Record<string, string>): Promise<Running> {
  const sim = await operatorWorld();
  const writes: string[] = [];
  const operator = createOperator(sim.env('drey', undefined, noting(writes)), config === undefined ? {} : { config });
  await sim.drive(operator.start());
  await sim.drive(sim.admin.create(FlinkDeployments, object));
  const get = <T extends KubeObject>(r: Resource<T>, name: string): T | undefined =>
    sim.world.server.server.reader.get(r.group, r.plural, NS, name) as T | undefined;
  const made: Running = {
    ...{ sim, operator, get, writes },
    edit: (r, name, patch, manager = 'kubectl-edit') =>
      sim.drive(sim.admin.patch(r, NS, name, 'merge', patch, { fieldManager: manager })),
    starts: () => sim.world.fabric.storage.history.filter((one) => one.type === 'started').length,
    rest: () => sim.clock.advance(AT_REST_MS, 500_000),
    end: async () => {
      await sim.drive(operator.stop());
      sim.world.stop();
    },
  };
  expect(await sim.until(() => get(FlinkDeployments, 'app')?.status?.jobStatus?.state === 'RUNNING', 120_000)).toBe(
    true,
  );
  await made.rest();
  return made;
}

const conditionOf = ({ get }: Running, type: string) =>
  get(FlinkDeployments, 'app')?.status?.conditions?.find((one) => one.type === type);

async function eventsOf({ sim }: Running, reason: string): Promise<string[]> {
  const list = await sim.drive(sim.admin.list(CoreEvent, { namespace: NS }));
  return list.items.filter((one) => one.reason === reason).map((one) => one.message ?? '');
}

const withIngress = (template: string, more: object = {}): FlinkDeployment =>
  wanted((object) => ({ ...object, spec: { ...object.spec, ingress: { template, ...more } } }));

describe('Objects of a running cluster come back', () => {
  test('when they are deleted: Services, ConfigMaps, an Ingress; no job is restarted for it', async () => {
    const world = await running(withIngress('{{name}}.example.com'));
    const { sim, get } = world;
    const before = get(ConfigMap, 'flink-config-app')?.data;
    for (const [r, name] of [
      [Service, 'app-rest'],
      [ConfigMap, 'flink-config-app'],
      [Ingress, 'app'],
    ] as const) {
      await sim.drive(sim.admin.delete(r as Resource<KubeObject>, NS, name));
      expect(await sim.until(() => get(r as Resource<KubeObject>, name) !== undefined, 5_000), name).toBe(true);
    }
    // The configuration is the very same, ids and paths included.
    expect(get(ConfigMap, 'flink-config-app')?.data).toEqual(before);
    expect(get(Service, 'app-rest')?.metadata.ownerReferences?.[0]?.uid).toBe(get(Deployment, 'app')?.metadata.uid);
    await world.rest();
    expect(world.starts()).toBe(1);
    expect(await eventsOf(world, 'DriftRepaired')).toHaveLength(3);
    await world.end();
  });

  test('less and less often where somebody undoes it each time, and that is told', async () => {
    const world = await running();
    const { sim, get, edit } = world;
    const isLabelled = (): boolean => get(Service, 'app-rest')?.metadata.labels?.app === 'app';
    const undo = { metadata: { labels: { app: 'other' } } };
    await edit(Service, 'app-rest', undo, 'meddler');
    for (const end = sim.clock.now() + 10 * 60_000; sim.clock.now() < end; ) {
      if (isLabelled()) await edit(Service, 'app-rest', undo, 'meddler');
      else await sim.clock.advance(100, 5_000);
    }
    const repairs = world.writes.filter((one) => one.endsWith('/services/app-rest'));
    // Three at once, then after 2, 4, … 256 s: the ninth pause reaches beyond the ten minutes.
    expect(repairs).toHaveLength(11);
    expect(conditionOf(world, 'Drifted')).toMatchObject({ status: 'True', reason: 'RepairUndone' });
    expect(conditionOf(world, 'Ready')?.status).toBe('True');
    expect(await sim.until(isLabelled, 300_000)).toBe(true);
    for (let pause = 0; pause < 5; pause++) await world.rest();
    expect(conditionOf(world, 'Drifted')).toBeUndefined();
    await world.end();
  });

  test('as they were made when they are edited by hand', async () => {
    const world = await running();
    const { sim, get } = world;
    const text = get(ConfigMap, 'flink-config-app')?.data?.['flink-conf.yaml'] ?? '';
    await world.edit(ConfigMap, 'flink-config-app', {
      data: { 'flink-conf.yaml': `${text}rest.port: 1\n`, 'mine.txt': 'kept' },
    });
    await world.edit(Service, 'app-rest', {
      spec: { selector: { lost: 'yes' } },
      metadata: { labels: { mine: 'kept' }, annotations: { 'argocd.argoproj.io/tracking-id': 'kept' } },
    });
    expect(await sim.until(() => get(Service, 'app-rest')?.spec?.selector?.lost === undefined, 5_000)).toBe(true);
    expect(await sim.until(() => get(ConfigMap, 'flink-config-app')?.data?.['flink-conf.yaml'] === text, 5_000)).toBe(
      true,
    );
    // What others added beside it is theirs.
    expect(get(ConfigMap, 'flink-config-app')?.data?.['mine.txt']).toBe('kept');
    expect(get(Service, 'app-rest')?.metadata).toMatchObject({
      labels: { mine: 'kept' },
      annotations: { 'argocd.argoproj.io/tracking-id': 'kept' },
    });
    expect((await eventsOf(world, 'DriftRepaired')).join()).toContain('kubectl-edit');
    // Also what was put back once before.
    await world.edit(Service, 'app-rest', { spec: { selector: { lost: 'again' } } });
    expect(await sim.until(() => get(Service, 'app-rest')?.spec?.selector?.lost === undefined, 5_000)).toBe(true);
    await world.rest();
    expect(world.starts()).toBe(1);
    await world.end();
  });

  test('with their number of replicas, for a JobManager whose state high availability keeps', async () => {
    const world = await running();
    const { sim, get } = world;
    await world.edit(Deployment, 'app', { spec: { replicas: 0 } }, 'kubectl-scale');
    expect(await sim.until(() => get(Deployment, 'app')?.spec?.replicas === 1, 5_000)).toBe(true);
    const state = (): unknown => get(FlinkDeployments, 'app')?.status?.jobStatus?.state;
    expect(await sim.until(() => state() === 'RUNNING', 120_000)).toBe(true);
    await world.end();
  });

  test('and nothing at all is written while nothing is wrong, also after the operator was started anew', async () => {
    const world = await running(withIngress('/{{namespace}}/{{name}}(/|$)(.*)', { annotations: { a: 'b' } }));
    const { sim, get } = world;
    const versions = (): (string | undefined)[] =>
      [
        get(Service, 'app-rest'),
        get(ConfigMap, 'flink-config-app'),
        get(Ingress, 'app'),
        get(FlinkDeployments, 'app'),
      ].map((one) => one?.metadata.resourceVersion);
    const before = versions();
    await sim.drive(world.operator.stop());
    const writes: string[] = [];
    const next = createOperator(sim.env('drey-2', undefined, noting(writes)));
    await sim.drive(next.start());
    await world.rest();
    expect(versions()).toEqual(before);
    expect(writes).toEqual([]);
    await sim.drive(next.stop());
    sim.world.stop();
  });
});

describe('What only a restart would undo', () => {
  test('is reported with who did it, and left; nothing is restarted', async () => {
    const world = await running();
    const { sim, get } = world;
    const generation = get(Deployment, 'app')?.metadata.generation;
    // A paused Deployment keeps its pods, so that only the report is looked at here.
    const containers = [{ name: 'flink-main-container', image: 'flink:other' }];
    const patch = {
      spec: {
        paused: true,
        template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } }, spec: { containers } },
      },
    };
    await sim.drive(sim.admin.patch(Deployment, NS, 'app', 'strategic', patch, { fieldManager: 'kubectl-edit' }));
    expect(await sim.until(() => conditionOf(world, 'Drifted')?.status === 'True', 5_000)).toBe(true);
    expect(conditionOf(world, 'Drifted')).toMatchObject({
      reason: 'PodTemplateChanged',
      message: expect.stringContaining(
        'spec.template.spec.containers[name=flink-main-container].image (by kubectl-edit)',
      ),
    });
    await world.rest();
    expect(get(Deployment, 'app')?.metadata.generation).toBe((generation ?? 0) + 1);
    expect(await eventsOf(world, 'Drifted')).toHaveLength(1);
    expect(conditionOf(world, 'Ready')?.status).toBe('True');
    await world.end();
  });
});

describe('12.1 item 16: the Ingress of a deployment', () => {
  test('appears, changes and goes with the spec, and comes back when it is deleted; the job is never restarted', async () => {
    const world = await running();
    const { sim, get } = world;
    const host = (): unknown => get(Ingress, 'app')?.spec?.rules?.[0]?.host;
    expect(get(Ingress, 'app')).toBeUndefined();
    await world.edit(FlinkDeployments, 'app', {
      spec: { ingress: { template: '{{name}}.{{namespace}}.example.com' } },
    });
    expect(await sim.until(() => host() === 'app.default.example.com', 20_000)).toBe(true);
    expect(get(Ingress, 'app')?.metadata).toMatchObject({
      labels: { component: 'ingress' },
      ownerReferences: [{ kind: 'FlinkDeployment', name: 'app', controller: true }],
    });
    await world.edit(FlinkDeployments, 'app', {
      spec: { ingress: { template: 'other.example.com', className: 'nginx' } },
    });
    expect(await sim.until(() => host() === 'other.example.com', 20_000)).toBe(true);
    await sim.drive(sim.admin.delete(Ingress, NS, 'app'));
    expect(await sim.until(() => host() === 'other.example.com', 20_000)).toBe(true);
    await world.edit(Ingress, 'app', {
      spec: { ingressClassName: 'traefik' },
      metadata: { annotations: { 'cert-manager.io/x': 'kept' } },
    });
    expect(await sim.until(() => get(Ingress, 'app')?.spec?.ingressClassName === 'nginx', 20_000)).toBe(true);
    expect(get(Ingress, 'app')?.metadata.annotations).toEqual({ 'cert-manager.io/x': 'kept' });
    await world.edit(FlinkDeployments, 'app', { spec: { ingress: null } });
    expect(await sim.until(() => get(Ingress, 'app') === undefined, 20_000)).toBe(true);
    await world.rest();
    expect(world.starts()).toBe(1);
    await world.end();
  });

  test('is not written again and again while it is as it should be', async () => {
    const world = await running(
      withIngress('{{name}}.example.com', { tls: [{ hosts: ['a'], secretName: 's' }], labels: { x: 'y' } }),
    );
    const before = world.get(Ingress, 'app')?.metadata.resourceVersion;
    // The controller of Ingresses writes its status, which is no drift.
    const status = { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } };
    const { sim } = world;
    await sim.drive(
      sim.admin.patch(Ingress, NS, 'app', 'merge', status, { subresource: 'status', fieldManager: 'nginx' }),
    );
    const after = world.get(Ingress, 'app')?.metadata.resourceVersion;
    expect(after).not.toBe(before);
    const writes = world.writes.length;
    await world.rest();
    expect(world.get(Ingress, 'app')?.metadata.resourceVersion).toBe(after);
    expect(world.writes.slice(writes)).toEqual([]);
    await world.end();
  });

  test('is left alone where the operator is not to manage it, and that is told', async () => {
    const config = { 'kubernetes.operator.ingress.manage': 'false', 'taskmanager.numberOfTaskSlots': '2' };
    const world = await running(withIngress('{{name}}.example.com'), config);
    expect(world.get(Ingress, 'app')).toBeUndefined();
    expect(await eventsOf(world, 'IngressManagement')).toHaveLength(1);
    await world.end();
  });
});
