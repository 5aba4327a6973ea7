import type { Job, Node, Pod, PodSpec, ReplicaSet, Service, StatefulSet } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { selects } from '../apiserver/selectors/match-labels.ts';
import { endpointSlices, endpointSubsets } from './endpoint-plan.ts';
import { INDEX, jobPod, planJob } from './job-plan.ts';
import { NodeUses, podRequests } from './node-use.ts';
import { planReplicaSet, replicaSetStatus } from './replica-set.ts';
import { placePod } from './schedule.ts';
import { planStatefulSet, REVISION_LABEL, revisionName, statefulPod } from './stateful-set-plan.ts';

const now = Date.UTC(2026, 0, 1);
type PodOptions = {
  ready?: boolean;
  phase?: 'Running' | 'Failed' | 'Succeeded' | 'Pending';
  deleted?: boolean;
  ip?: string;
} & Partial<PodSpec>;
const podOf = (name: string, options: PodOptions = {}): Pod => {
  const { ready = true, phase = 'Running', deleted, ip, ...spec } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'ns',
      uid: name,
      labels: { app: 'x' },
      ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { containers: [], nodeName: 'n', ...spec },
    status: {
      phase,
      ...(ip === undefined ? {} : { podIP: ip }),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2025-12-31T23:59:00Z' }],
    },
  };
};

describe('ReplicaSet', () => {
  const set = (replicas: number, minReadySeconds = 0): ReplicaSet => ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'rs', generation: 3 },
    spec: { replicas, selector: {}, minReadySeconds },
  });

  it('replaces pods that ended or are leaving', () => {
    const pods = [podOf('a'), podOf('b', { phase: 'Failed' }), podOf('c', { deleted: true })];
    expect(planReplicaSet(set(3), pods)).toEqual({ create: 2, remove: [] });
  });

  it('removes the pods that are least missed', () => {
    const pods = [
      podOf('good'),
      podOf('unready', { ready: false }),
      podOf('pending', { phase: 'Pending', ready: false, nodeName: '' }),
    ];
    expect(planReplicaSet(set(1), pods).remove.map((pod) => pod.metadata.name)).toEqual(['pending', 'unready']);
  });

  it('counts a pod as available after minReadySeconds', () => {
    expect(replicaSetStatus(set(1, 30), [podOf('a')], undefined, now)).toMatchObject({
      readyReplicas: 1,
      availableReplicas: 1,
    });
    const young = replicaSetStatus(set(1, 90), [podOf('a')], undefined, now);
    expect([young.readyReplicas, young.availableReplicas]).toEqual([1, undefined]);
  });
});

describe('scheduler', () => {
  const node = (name: string, more: Partial<NonNullable<Node['spec']>> = {}): Node => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { zone: name } },
    spec: more,
    status: { allocatable: { cpu: '2', memory: '4Gi', pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const wants = (cpu: string, more: Partial<PodSpec> = {}) =>
    podOf('p', { nodeName: '', containers: [{ name: 'c', resources: { requests: { cpu } } }], ...more });
  const usesOf = (pods: readonly Pod[]) => {
    const uses = new NodeUses();
    for (const pod of pods) uses.assign(pod, pod.spec?.nodeName ?? '');
    return (name: string) => uses.of(name);
  };
  const nobody = usesOf([]);

  it('takes the node with the most room', () => {
    const used = [podOf('u', { nodeName: 'a', containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] })];
    expect(placePod(wants('500m'), [node('a'), node('b')], usesOf(used))).toEqual({ type: 'fits', node: 'b' });
    expect(placePod(wants('500m', { nodeSelector: { zone: 'a' } }), [node('a'), node('b')], usesOf(used))).toEqual({
      type: 'fits',
      node: 'a',
    });
  });

  it('says why no node fits', () => {
    const used = [
      podOf('u', { nodeName: 'a', containers: [{ name: 'c', resources: { requests: { cpu: '1500m' } } }] }),
    ];
    expect(placePod(wants('1'), [node('a'), node('b', { unschedulable: true })], usesOf(used))).toEqual({
      type: 'none',
      message: '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.',
    });
    expect(placePod(wants('1', { nodeSelector: { zone: 'c' } }), [node('a')], nobody)).toMatchObject({
      message: expect.stringContaining("didn't match Pod's node affinity/selector"),
    });
    expect(placePod(wants('1'), [], nobody)).toMatchObject({ message: 'no nodes available to schedule pods' });
  });

  it('respects taints and tolerations, and required affinity', () => {
    const tainted = node('a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] });
    expect(placePod(wants('1'), [tainted], nobody).type).toBe('none');
    expect(placePod(wants('1', { tolerations: [{ key: 'k', operator: 'Exists' }] }), [tainted], nobody).type).toBe(
      'fits',
    );
    const affinity = (operator: string) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator, values: ['a'] }] }],
        },
      },
    });
    expect(placePod(wants('1', { affinity: affinity('NotIn') }), [node('a'), node('b')], nobody)).toEqual({
      type: 'fits',
      node: 'b',
    });
  });

  it('counts a pod where it is, once, until it is released', () => {
    const pod = (nodeName: string, cpu: string) =>
      podOf('u', { nodeName, containers: [{ name: 'c', resources: { requests: { cpu } } }] });
    const uses = new NodeUses();
    uses.assign(pod('a', '1'), 'a');
    uses.assign(pod('a', '500m'), 'a');
    expect(uses.of('a')).toEqual({ pods: 1, requests: new Map([['cpu', 0.5]]) });
    uses.assign(pod('b', '500m'), 'b');
    expect([uses.of('a').pods, uses.of('b').pods]).toEqual([0, 1]);
    uses.release('u');
    uses.release('u');
    expect([uses.of('b').pods, uses.of('b').requests.size]).toEqual([0, 0]);
  });

  it('counts init containers as the kubelet runs them', () => {
    const resources = (cpu: string) => ({ resources: { requests: { cpu } } });
    const pod = podOf('p', {
      containers: [{ name: 'c', ...resources('1') }],
      initContainers: [
        { name: 'side', restartPolicy: 'Always', ...resources('500m') },
        { name: 'init', ...resources('2') },
      ],
    });
    expect(podRequests(pod).get('cpu')).toBe(2.5);
  });
});

describe('endpoints', () => {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'ns' },
    spec: { selector: { app: 'x' }, ports: [{ name: 'rest', port: 80, targetPort: 'web' }] },
  };
  const ports = (n: number) => ({ containers: [{ name: 'c', ports: [{ name: 'web', containerPort: n }] }] });

  it('are ready pods, and not ready ones apart, by the ports they have', () => {
    const pods = [
      podOf('b', { ip: '127.64.0.2', ready: false, ...ports(8081) }),
      podOf('a', { ip: '127.64.0.1', ...ports(8081) }),
      podOf('c', { ip: '127.64.0.3', ...ports(9000) }),
      podOf('gone', { ip: '127.64.0.4', phase: 'Failed', ...ports(8081) }),
    ];
    const subsets = endpointSubsets(service, pods);
    expect(subsets.map((s) => [s.addresses?.map((a) => a.ip), s.notReadyAddresses?.map((a) => a.ip), s.ports])).toEqual(
      [
        [['127.64.0.1'], ['127.64.0.2'], [{ name: 'rest', port: 8081, protocol: 'TCP' }]],
        [['127.64.0.3'], undefined, [{ name: 'rest', port: 9000, protocol: 'TCP' }]],
      ],
    );
    expect(endpointSlices(service, pods)).toHaveLength(2);
  });

  it('publish pods that are not ready when asked to', () => {
    const publishing: Service = { ...service, spec: { ...service.spec, publishNotReadyAddresses: true } };
    const pods = [podOf('a', { ip: '127.64.0.1', ready: false, ...ports(1) })];
    expect(endpointSubsets(publishing, pods)[0]?.addresses?.[0]?.ip).toBe('127.64.0.1');
    expect(endpointSlices(service, [])).toEqual([{ endpoints: [], ports: [] }]);
  });
});

describe('StatefulSet', () => {
  const set = (spec: Partial<NonNullable<StatefulSet['spec']>> = {}): StatefulSet => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: 'ns', uid: 'u' },
    spec: {
      replicas: 3,
      serviceName: 'svc',
      selector: {},
      template: { spec: { containers: [{ name: 'c' }] } },
      ...spec,
    },
  });
  const member = (of: StatefulSet, ordinal: number, options: PodOptions = {}): Pod => {
    const pod = podOf(`web-${ordinal}`, options);
    pod.metadata.labels = { [REVISION_LABEL]: revisionName(of) };
    return pod;
  };

  it('makes one pod after the other, or all at once when parallel', () => {
    expect(planStatefulSet(set(), []).create).toEqual([0]);
    expect(planStatefulSet(set(), [member(set(), 0, { ready: false })]).create).toEqual([]);
    expect(planStatefulSet(set(), [member(set(), 0)]).create).toEqual([1]);
    expect(planStatefulSet(set({ podManagementPolicy: 'Parallel' }), []).create).toEqual([0, 1, 2]);
  });

  it('removes the highest first', () => {
    const pods = [0, 1, 2].map((n) => member(set(), n));
    expect(planStatefulSet(set({ replicas: 1 }), pods).remove.map((pod) => pod.metadata.name)).toEqual(['web-2']);
  });

  it('updates from the highest down to the partition, one at a time', () => {
    const before = set();
    const after = set({
      template: { spec: { containers: [{ name: 'c', image: 'new' }] } },
      updateStrategy: { rollingUpdate: { partition: 1 } },
    });
    const pods = [0, 1, 2].map((n) => member(before, n));
    expect(planStatefulSet(after, pods).remove.map((pod) => pod.metadata.name)).toEqual(['web-2']);
    const half = [member(before, 0), member(before, 1), member(after, 2, { ready: false })];
    expect(planStatefulSet(after, half)).toEqual({ create: [], remove: [] });
    const most = [member(before, 0), member(after, 1), member(after, 2)];
    expect(planStatefulSet(after, most)).toEqual({ create: [], remove: [] });
  });

  it('gives pods stable names and claims', () => {
    const claims = set({
      volumeClaimTemplates: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } }],
    });
    expect(statefulPod(claims, 2)).toMatchObject({
      metadata: {
        name: 'web-2',
        labels: { 'statefulset.kubernetes.io/pod-name': 'web-2', 'apps.kubernetes.io/pod-index': '2' },
      },
      spec: {
        hostname: 'web-2',
        subdomain: 'svc',
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-2' } }],
      },
    });
  });
});

describe('Job', () => {
  const job = (spec: Partial<NonNullable<Job['spec']>> = {}, status?: Job['status']): Job => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'ns', uid: 'u' },
    spec: {
      template: { spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
      completions: 2,
      parallelism: 1,
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  });
  const ended = (name: string, phase: 'Succeeded' | 'Failed', at = '2025-12-31T23:59:59Z', index?: number): Pod => {
    const pod = podOf(name, { phase });
    if (index !== undefined) pod.metadata.annotations = { [INDEX]: String(index) };
    pod.status = {
      ...pod.status,
      containerStatuses: [
        {
          name: 'c',
          ready: false,
          restartCount: 0,
          image: '',
          imageID: '',
          state: { terminated: { exitCode: 1, finishedAt: at } },
        },
      ],
    };
    return pod;
  };
  const typesOf = (status: Job['status']) => status?.conditions?.map((c) => `${c.type} ${c.reason}`);

  it('runs pods one after the other until enough succeeded', () => {
    expect(planJob(job(), [], now)).toMatchObject({
      create: [undefined],
      status: { startTime: '2026-01-01T00:00:00Z' },
    });
    expect(planJob(job(), [ended('a', 'Succeeded')], now).create).toHaveLength(1);
    const done = planJob(job(), [ended('a', 'Succeeded'), ended('b', 'Succeeded')], now);
    expect(done).toMatchObject({ create: [], status: { succeeded: 2, completionTime: '2026-01-01T00:00:00Z' } });
    expect(typesOf(done.status)).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
  });

  it('waits longer after each failure and gives up beyond the limit', () => {
    const one = planJob(job(), [ended('a', 'Failed')], now);
    expect(one).toMatchObject({ create: [], wakeAt: now - 1000 + 10_000, status: { failed: 1 } });
    expect(planJob(job(), [ended('a', 'Failed')], now + 10_000).create).toHaveLength(1);
    const over = planJob(job({ backoffLimit: 1 }), [ended('a', 'Failed'), ended('b', 'Failed')], now);
    expect(typesOf(over.status)).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
  });

  it('ends at its deadline, and goes when its time to live has passed', () => {
    const running = job({ activeDeadlineSeconds: 60 }, { startTime: '2025-12-31T23:00:00Z' });
    const late = planJob(running, [podOf('a')], now);
    expect([late.remove.length, late.status.failed]).toEqual([1, 1]);
    expect(typesOf(late.status)?.at(-1)).toBe('Failed DeadlineExceeded');
    const over = job({ ttlSecondsAfterFinished: 10 }, late.status);
    expect(planJob(over, [], now)).toMatchObject({ expired: false, wakeAt: now + 10_000 });
    expect(planJob(over, [], now + 10_000).expired).toBe(true);
  });

  it('gives pods their index, and fills the indexes that are missing', () => {
    const indexed = job({ completionMode: 'Indexed', completions: 3, parallelism: 3 });
    expect(planJob(indexed, [], now).create).toEqual([0, 1, 2]);
    const plan = planJob(indexed, [ended('a', 'Succeeded', undefined, 1)], now);
    expect(plan.create).toEqual([0, 2]);
    expect(plan.status.completedIndexes).toBe('1');
    expect(jobPod(indexed, 2).spec?.containers[0]?.env).toEqual([{ name: 'JOB_COMPLETION_INDEX', value: '2' }]);
  });

  it('stops its pods while suspended', () => {
    const plan = planJob(job({ suspend: true }, { startTime: '2025-12-31T23:00:00Z' }), [podOf('a')], now);
    expect(plan.remove).toHaveLength(1);
    expect(plan.status.startTime).toBeUndefined();
    expect(typesOf(plan.status)).toEqual(['Suspended JobSuspended']);
  });
});

it('matches label selectors', () => {
  const labels = { app: 'x', tier: 'web' };
  expect(
    selects(
      { matchLabels: { app: 'x' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['web'] }] },
      labels,
    ),
  ).toBe(true);
  expect(selects({ matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, labels)).toBe(false);
  expect(selects({ matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['a'] }] }, labels)).toBe(true);
  expect([selects({}, labels), selects(undefined, labels)]).toEqual([true, false]);
});
