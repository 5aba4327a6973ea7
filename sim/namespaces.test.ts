import { type FlinkDeployment, FlinkDeployments, type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { type AnyObject, sleep, type Transport } from '@drey/kube';
import { createOperator } from '@drey/operator';
import { expect, test } from 'vitest';
import { jobAccount, type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const OPERATOR = 'system:serviceaccount:drey:operator';
const RBAC = 'rbac.authorization.k8s.io';
const EVERYTHING = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];

const namespaceOf = (name: string): AnyObject =>
  ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }) as AnyObject;

/** The right to do everything in a namespace. */
const rights = (namespace: string): AnyObject[] => [
  { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name: 'drey', namespace }, rules: EVERYTHING } as never,
  {
    ...{ apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata: { name: 'drey', namespace } },
    roleRef: { apiGroup: RBAC, kind: 'Role', name: 'drey' },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: OPERATOR }],
  } as never,
];

const rolesOf = (namespace: string, name = ''): string =>
  `/apis/${RBAC}/v1/namespaces/${namespace}/rolebindings${name}`;

async function give(sim: OperatorWorld, namespace: string): Promise<void> {
  const [role, binding] = rights(namespace);
  await sim.drive(sim.admin.raw('POST', `/apis/${RBAC}/v1/namespaces/${namespace}/roles`, role));
  await sim.drive(sim.admin.raw('POST', rolesOf(namespace), binding));
}

const statusOf = (sim: OperatorWorld, namespace: string, name: string): FlinkDeployment['status'] =>
  (
    sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', namespace, name) as
      | FlinkDeployment
      | undefined
  )?.status;

const startsOf = (sim: OperatorWorld, cluster: string): number =>
  sim.world.fabric.storage.history.filter((one) => one.type === 'started' && one.clusterId === cluster).length;

async function twoNamespaces(): Promise<OperatorWorld> {
  const sim = await operatorWorld([namespaceOf('a'), namespaceOf('b'), jobAccount('a'), jobAccount('b')]);
  for (const namespace of ['a', 'b']) {
    await sim.drive(sim.admin.create(FlinkDeployments, statefulDeployment(namespace, 'app')));
  }
  return sim;
}

test('12.1 item 22: a watched namespace that refuses to be read is told once and tried again, and the others go on', async () => {
  const sim = await twoNamespaces();
  await give(sim, 'a');
  const operator = createOperator(sim.env(OPERATOR, []), { namespaces: ['a', '', 'b'] });
  await sim.drive(operator.start());
  expect(operator.ready).toBe(true);
  expect(await sim.until(() => statusOf(sim, 'a', 'app')?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
  expect(statusOf(sim, 'b', 'app')).toBeUndefined();
  const told = sim.log.filter(({ msg, ns }) => ns === 'b' && msg === 'a watched namespace refuses to be read');
  expect(told.length).toBeGreaterThan(0);
  expect(told[0]).toMatchObject({ code: 'E_KUBE_FORBIDDEN', nextStep: expect.stringContaining('kubectl auth can-i') });
  expect(new Set(told.map(({ resource }) => resource)).size).toBe(told.length);
  expect(await operator.metrics.registry.getSingleMetricAsString('flink_operator_namespace_readable')).toMatch(
    /namespace="b"\} 0/,
  );

  await give(sim, 'b');
  expect(await sim.until(() => statusOf(sim, 'b', 'app')?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
  expect(startsOf(sim, 'b/app')).toBe(1);
  await sim.drive(operator.stop());
  sim.world.stop();
});

test('12.1 item 22: rights that are taken away while jobs run change nothing there, and the other namespace goes on', async () => {
  const sim = await twoNamespaces();
  for (const namespace of ['a', 'b']) await give(sim, namespace);
  const operator = createOperator(sim.env(OPERATOR, []), { namespaces: ['a', 'b'] });
  await sim.drive(operator.start());
  const run = (namespace: string): boolean => statusOf(sim, namespace, 'app')?.jobStatus?.state === 'RUNNING';
  expect(await sim.until(() => run('a') && run('b'), 120_000)).toBe(true);

  await sim.drive(sim.admin.raw('DELETE', rolesOf('b', '/drey')));
  await sim.clock.advance(15 * 60_000, 500_000);
  expect(operator.ready).toBe(true);
  await sim.drive(sim.admin.patch(FlinkDeployments, 'a', 'app', 'merge', { spec: { job: { parallelism: 1 } } }));
  expect(await sim.until(() => startsOf(sim, 'a/app') === 2 && run('a'), 120_000)).toBe(true);
  expect(startsOf(sim, 'b/app')).toBe(1);
  await sim.drive(operator.stop());
  sim.world.stop();
});

test('12.1 item 30: with dynamic namespaces the watched ones follow the configuration; a job that is no longer watched runs on', async () => {
  const sim = await twoNamespaces();
  for (const namespace of ['a', 'b']) await give(sim, namespace);
  const config = (watched: string) => ({
    'kubernetes.operator.watched.namespaces': watched,
    'kubernetes.operator.dynamic.namespaces.enabled': 'true',
    'taskmanager.numberOfTaskSlots': '2',
  });
  const operator = createOperator(sim.env(OPERATOR, []), { config: config('a') });
  await sim.drive(operator.start());
  expect(await sim.until(() => statusOf(sim, 'a', 'app')?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
  expect(statusOf(sim, 'b', 'app')).toBeUndefined();

  operator.reconfigure({ config: config('b') });
  expect(await sim.until(() => statusOf(sim, 'b', 'app')?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
  const before = JSON.stringify(statusOf(sim, 'a', 'app'));
  await sim.drive(sim.admin.patch(FlinkDeployments, 'a', 'app', 'merge', { spec: { job: { parallelism: 1 } } }));
  await sim.clock.advance(60_000, 200_000);
  expect(JSON.stringify(statusOf(sim, 'a', 'app'))).toBe(before);
  expect(startsOf(sim, 'a/app')).toBe(1);

  operator.reconfigure({ config: config('a,b') });
  expect(await sim.until(() => startsOf(sim, 'a/app') === 2, 120_000)).toBe(true);
  await sim.drive(operator.stop());
  sim.world.stop();
});

test('Objects of one name but of several kinds are all worked on when their namespace comes to be watched', async () => {
  const sim = await twoNamespaces();
  for (const namespace of ['a', 'b']) await give(sim, namespace);
  const config = (watched: string) => ({
    'kubernetes.operator.watched.namespaces': watched,
    'kubernetes.operator.dynamic.namespaces.enabled': 'true',
    'taskmanager.numberOfTaskSlots': '2',
  });
  const job = { jarURI: 'https://example.com/job.jar', parallelism: 1, upgradeMode: 'stateless' };
  const sessionJob = {
    ...{ apiVersion: 'flink.apache.org/v1beta1', kind: 'FlinkSessionJob', spec: { deploymentName: 'elsewhere', job } },
    metadata: { name: 'app', namespace: 'b' },
  };
  await sim.drive(sim.admin.create(FlinkSessionJobs, sessionJob as FlinkSessionJob));
  // Not everything is listed yet when the first of them are known.
  const slowly = (transport: Transport): Transport => ({
    request: async (request) => {
      if (request.path.includes('/namespaces/b/pods')) await sleep(sim.clock, 3_000);
      return transport.request(request);
    },
    close: () => transport.close(),
  });
  const operator = createOperator(sim.env(OPERATOR, [], slowly), { config: config('a') });
  await sim.drive(operator.start());
  operator.reconfigure({ config: config('a,b') });
  const waits = (): boolean => {
    const found = sim.world.server.server.reader.get('flink.apache.org', 'flinksessionjobs', 'b', 'app');
    return (found as FlinkSessionJob | undefined)?.status !== undefined;
  };
  expect(await sim.until(() => statusOf(sim, 'b', 'app')?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
  expect(await sim.until(waits, 120_000)).toBe(true);
  await sim.drive(operator.stop());
  sim.world.stop();
});

test('12.1 item 30: with a label selector only selected objects are worked on, from the moment they are selected', async () => {
  const sim = await operatorWorld();
  for (const [name, labels] of [
    ['mine', { team: 'a' }],
    ['theirs', { team: 'b' }],
  ] as const) {
    const object = statefulDeployment('default', name);
    await sim.drive(sim.admin.create(FlinkDeployments, { ...object, metadata: { ...object.metadata, labels } }));
  }
  const config = { 'kubernetes.operator.label.selector': 'team=a', 'taskmanager.numberOfTaskSlots': '2' };
  const operator = createOperator(sim.env('drey'), { config });
  await sim.drive(operator.start());
  const state = (name: string) => statusOf(sim, 'default', name)?.jobStatus?.state;
  expect(await sim.until(() => state('mine') === 'RUNNING', 120_000)).toBe(true);
  expect(statusOf(sim, 'default', 'theirs')).toBeUndefined();
  const labels = { team: 'a' };
  await sim.drive(sim.admin.patch(FlinkDeployments, 'default', 'theirs', 'merge', { metadata: { labels } }));
  expect(await sim.until(() => state('theirs') === 'RUNNING', 120_000)).toBe(true);
  await sim.drive(operator.stop());
  sim.world.stop();
});

test('A part of the operator that fails for good ends the operator, and says so', async () => {
  const sim = await operatorWorld();
  const env = sim.env(OPERATOR);
  const broken: typeof env = {
    ...env,
    kube: {
      ...env.kube,
      list: (r, o) => (r.plural === 'pods' ? Promise.reject(new TypeError('a mistake')) : env.kube.list(r, o)),
      watch: (r, o) => env.kube.watch(r, o),
    },
  };
  const operator = createOperator(broken);
  await expect(sim.drive(operator.start())).rejects.toThrow('a mistake');
  expect(await sim.drive(operator.ended)).toMatchObject({ kind: 'fault', error: new TypeError('a mistake') });
  expect(operator.ready).toBe(false);
  expect(sim.log.some(({ level, msg }) => level === 60 && msg.includes('the operator ends'))).toBe(true);
  await sim.drive(operator.stop());
  sim.world.stop();
});
