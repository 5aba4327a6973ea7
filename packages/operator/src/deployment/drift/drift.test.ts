import type { Deployment, KubeObject, Service } from '@drey/kube';
import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { aPod, aRunning, NOW, POLICY } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { Drift, DriftedObject } from '../world.ts';
import { replicasDiffer, serviceDifferences, templateDifferences } from './drift-compare.ts';
import { DriftMemory } from './drift-reading.ts';
import { foreignEdits, pathText } from './field-managers.ts';

const NOTHING: Drift = { repairs: [], surplus: undefined, reported: [], tries: [] };
const REPLICAS: DriftedObject = { kind: 'Deployment', name: 'app', fields: ['spec.replicas'], by: 'kubectl' };
const SERVICE: DriftedObject = { kind: 'Service', name: 'app-rest', fields: [], by: undefined };
const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };

function pass(drift: Partial<Drift>, pods = [aPod()], configuration: Record<string, string> = {}) {
  const { world } = aRunning({ configuration });
  const at = world.now;
  return decide({ ...world, drift: known({ ...NOTHING, ...drift }, at), jobManagerPods: known(pods, at) }, POLICY);
}

const repairsOf = (plan: ReturnType<typeof pass>): string[] =>
  plan.steps.flatMap((step) => (step.kind === 'repair' ? step.objects.map((one) => one.name) : []));

describe('Drift of a running cluster', () => {
  test('that is none leads to nothing', () => {
    expect(pass({}).steps).toEqual([]);
  });

  test('is repaired and told', () => {
    const plan = pass({ repairs: [SERVICE] });
    expect(repairsOf(plan)).toEqual(['app-rest']);
    expect(plan.events.map((event) => event.reason)).toEqual(['DriftRepaired']);
    expect(plan.status.conditions?.find((one) => one.type === 'Ready')?.status).toBe('True');
  });

  test('that others bring about each time is repaired at once thrice, then less and less often, and told', () => {
    const tries = (count: number, ago: number) => ({
      repairs: [SERVICE],
      tries: [{ ...SERVICE, count, lastAt: NOW - ago }],
    });
    expect(repairsOf(pass(tries(2, 10)))).toEqual(['app-rest']);
    const paused = pass(tries(3, 500));
    expect(repairsOf(paused)).toEqual([]);
    expect(paused.wakeUp).toEqual({ kind: 'after', ms: 1_500, jitter: false });
    expect(paused.status.conditions?.find((one) => one.type === 'Drifted')).toMatchObject({ reason: 'RepairUndone' });
    expect(repairsOf(pass(tries(3, 2_000)))).toEqual(['app-rest']);
    expect(repairsOf(pass(tries(30, 299_999)))).toEqual([]);
    expect(repairsOf(pass(tries(30, 300_000)))).toEqual(['app-rest']);
  });

  test('is counted anew once the object stayed as it was made for ten minutes', () => {
    const memory = new DriftMemory();
    memory.noteRepairs('ns/app', [SERVICE], 0);
    memory.noteRepairs('ns/app', [SERVICE, { ...SERVICE, kind: 'Ingress' }], 1_000);
    expect(memory.tries('ns/app', 600_999).map(({ kind, count }) => `${kind} ${count}`)).toEqual([
      'Service 2',
      'Ingress 1',
    ]);
    expect(memory.tries('ns/app', 601_000)).toEqual([]);
  });

  test('of an Ingress that the spec no longer asks for ends with exactly this Ingress deleted', () => {
    expect(pass({ surplus: { name: 'app', uid: 'u' } }).steps).toEqual([
      { kind: 'delete-ingress', name: 'app', uid: 'u' },
    ]);
  });

  test.each([
    ['runs', [aPod()], {}, ['app']],
    ['has no pods, and high availability keeps its state', [], HA, ['app']],
  ] as const)('in the number of JobManagers is undone when the JobManager %s', (_, pods, configuration, repaired) => {
    expect(repairsOf(pass({ repairs: [REPLICAS] }, [...pods], configuration))).toEqual(repaired);
  });

  test('in the number of JobManagers is reported where its undoing would start the job from older state', () => {
    const plan = pass({ repairs: [REPLICAS] }, []);
    expect(repairsOf(plan)).toEqual([]);
    const drifted = plan.status.conditions?.find((one) => one.type === 'Drifted');
    expect(drifted).toMatchObject({ status: 'True', reason: 'JobManagerScaledDown' });
  });

  test('in a pod template is reported once and never undone', () => {
    const reported: DriftedObject[] = [{ kind: 'Deployment', name: 'app', fields: ['spec.template.x'], by: 'me' }];
    const plan = pass({ reported });
    expect(plan.steps).toEqual([]);
    expect(plan.events.map((event) => event.reason)).toEqual(['Drifted']);
    const { world } = aRunning();
    const deployment = { ...world.deployment, status: plan.status };
    const again = decide({ ...world, deployment, drift: known({ ...NOTHING, reported }, world.now) }, POLICY);
    expect(again.events).toEqual([]);
    expect(again.status.conditions).toEqual(plan.status.conditions);
  });
});

const entry = (manager: string, fieldsV1: object, more: object = {}): object => ({
  ...{ manager, operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', time: '2026-01-01T00:00:00Z', fieldsV1 },
  ...more,
});
const withManagers = (...managedFields: object[]): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app', creationTimestamp: '2026-01-01T00:00:00Z', managedFields },
  }) as KubeObject;
const REPLICA_FIELD = { 'f:spec': { 'f:replicas': {} } };
const IMAGE = {
  'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:image': {} } } } } },
};
const editsOf = (object: KubeObject) => foreignEdits(object, [['spec']]);

describe('Who changed an object', () => {
  test('is everybody but its creator, this operator, and those who write the status', () => {
    const later = { time: '2026-01-03T00:00:00Z' };
    const kubectl = entry('kubectl-edit', IMAGE, { time: '2026-01-02T00:00:00Z' });
    const status = entry('kube-controller-manager', { 'f:status': {} }, { subresource: 'status' });
    // Made by the Apache operator's client; this operator has changed the number of replicas since.
    const adopted = withManagers(entry('fabric8', IMAGE), kubectl, entry('drey', REPLICA_FIELD, later), status);
    expect(editsOf(adopted).map((edit) => edit.manager)).toEqual(['kubectl-edit']);
    // Made by this operator, which has written again after somebody else did.
    const own = withManagers(kubectl, entry('drey', IMAGE, later), status);
    expect(editsOf(own).map((edit) => edit.manager)).toEqual(['kubectl-edit']);
    const taken = withManagers(entry('fabric8', IMAGE), entry('kubectl-edit', IMAGE, { time: '2026-01-02T00:00:00Z' }));
    expect(editsOf(taken).map((edit) => [edit.manager, edit.paths.map(pathText)])).toEqual([
      ['kubectl-edit', ['spec.template.spec.containers[name=main].image']],
    ]);
  });

  test.each([
    ['kubectl', 'scale', true],
    ['kubectl-edit', undefined, true],
    ['kube-controller-manager', 'scale', false],
    ['keda-operator', 'scale', false],
  ])('decides about replicas: those of %s (%s) are put back: %s', (manager, subresource, expected) => {
    const edits = editsOf(withManagers(entry('drey', IMAGE), entry(manager, REPLICA_FIELD, { subresource })));
    const live = { spec: { replicas: 5 }, metadata: {}, edits } as unknown as Deployment;
    expect(replicasDiffer({ spec: { replicas: 2 } } as Deployment, live)).toBe(expected);
  });

  test('counts in a template only where the operator means something else', () => {
    const container = (image: string): Deployment =>
      ({ spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }) as unknown as Deployment;
    const edits = editsOf(withManagers(entry('drey', {}), entry('me', IMAGE)));
    expect(templateDifferences(container('a'), container('b'), edits)).toHaveLength(1);
    expect(templateDifferences(container('a'), container('a'), edits)).toEqual([]);
    const sidecar = { spec: { template: { spec: { containers: [] } } } } as unknown as Deployment;
    expect(templateDifferences(sidecar, container('b'), edits)).toEqual([]);
  });
});

describe('A Service', () => {
  const intent = {
    metadata: { name: 'app-rest', labels: { app: 'app' } },
    spec: { type: 'ClusterIP', selector: { app: 'app' }, ports: [{ name: 'rest', port: 8081, targetPort: 8081 }] },
  } as unknown as Service;
  const live = (spec: object, metadata: object = {}): Service =>
    ({
      ...intent,
      metadata: { labels: { app: 'app', mine: 'x' }, ...metadata },
      spec: { ...intent.spec, ...spec },
    }) as Service;

  test.each([
    ['with what the API server and others add', live({ clusterIP: '10.0.0.1', sessionAffinity: 'None' }), []],
    ['with a port of others', live({ ports: [...(intent.spec?.ports ?? []), { name: 'x', port: 1 }] }), []],
    ['with one label more in its selector', live({ selector: { app: 'app', x: 'y' } }), ['spec.selector']],
    ['without its port', live({ ports: [{ name: 'x', port: 1 }] }), ['spec.ports[rest]']],
    ['of another type', live({ type: 'NodePort' }), ['spec.type']],
    ['without its label', live({}, { labels: {} }), ['metadata.labels.app']],
  ])('%s differs in %j', (_, found, expected) => {
    expect(serviceDifferences(intent, found)).toEqual(expected);
  });
});
