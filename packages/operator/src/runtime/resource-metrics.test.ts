import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot } from '@drey/api';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createCaches } from './caches.ts';
import { ResourceMetrics } from './resource-metrics.ts';

const FLINK = 'flink.apache.org/v1beta1';
const metadata = (name: string, namespace = 'default') => ({ name, namespace, uid: name, resourceVersion: '1' });

const deployment = (name: string, status: FlinkDeployment['status'], job: object | null = {}): FlinkDeployment =>
  ({ apiVersion: FLINK, kind: 'FlinkDeployment', metadata: metadata(name), spec: { job }, status }) as FlinkDeployment;

const sessionJob = (name: string, state: 'RUNNING' | 'FAILED'): FlinkSessionJob => ({
  apiVersion: FLINK,
  kind: 'FlinkSessionJob',
  metadata: metadata(name, 'team'),
  spec: { deploymentName: 'session' },
  status: { lifecycleState: 'STABLE', jobStatus: { state } },
});

const snapshot = (name: string, more: Partial<FlinkStateSnapshot>): FlinkStateSnapshot => ({
  apiVersion: FLINK,
  kind: 'FlinkStateSnapshot',
  metadata: metadata(name),
  spec: { savepoint: {} },
  ...more,
});

function counted() {
  const caches = createCaches(() => undefined, { ingresses: false });
  const registry = new Registry();
  const ends = new AbortController();
  new ResourceMetrics(registry).count(caches, () => true, ends.signal);
  /** Lines of one metric as Prometheus reads them. */
  const lines = async (name: string): Promise<string[]> => {
    const text = await registry.getSingleMetricAsString(name);
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => line.slice(name.length))
      .sort();
  };
  return { caches, lines, end: () => ends.abort() };
}

describe('The gauges of resources', () => {
  test('count by kind, namespace and state', async () => {
    const { caches, lines } = counted();
    const clusterInfo = { 'flink-version': '1.20.5', 'total-cpu': '1.5', 'total-memory': '1024', 'state-size': '10' };
    const stable = { lifecycleState: 'STABLE', jobManagerDeploymentStatus: 'READY', clusterInfo } as const;
    const running = { ...stable, jobStatus: { state: 'RUNNING' } } as const;
    const deployments = [deployment('a', running), deployment('b', stable, null), deployment('c', undefined)];
    caches.flinkDeployments.feed().replace(deployments, '1');
    caches.sessionJobs.feed().replace([sessionJob('x', 'RUNNING'), sessionJob('y', 'FAILED')], '1');
    expect(await lines('flink_operator_resources')).toEqual([
      '{kind="FlinkDeployment",namespace="default",state="STABLE"} 2',
      '{kind="FlinkDeployment",namespace="default",state="UNKNOWN"} 1',
      '{kind="FlinkSessionJob",namespace="team",state="STABLE"} 2',
    ]);
    expect(await lines('flink_operator_jobs')).toEqual([
      '{kind="FlinkDeployment",namespace="default",state="RUNNING"} 1',
      '{kind="FlinkDeployment",namespace="default",state="UNKNOWN"} 1',
      '{kind="FlinkSessionJob",namespace="team",state="FAILED"} 1',
      '{kind="FlinkSessionJob",namespace="team",state="RUNNING"} 1',
    ]);
    expect(await lines('flink_operator_job_managers')).toContain('{namespace="default",status="READY"} 2');
    expect(await lines('flink_operator_flink_versions')).toContain('{namespace="default",version="1.20.5"} 2');
    expect(await lines('flink_operator_resource_usage_cpu')).toEqual(['{namespace="default"} 3']);
    expect(await lines('flink_operator_state_size_bytes')).toEqual(['{namespace="default"} 20']);
  });

  test('count snapshots by type and state', async () => {
    const { caches, lines } = counted();
    const checkpoint = snapshot('c', { spec: { checkpoint: {} }, status: { state: 'COMPLETED' } });
    caches.snapshots
      .feed()
      .replace([snapshot('a', {}), snapshot('b', { status: { state: 'FAILED' } }), checkpoint], '1');
    expect(await lines('flink_operator_snapshots')).toEqual([
      '{namespace="default",type="CHECKPOINT",state="COMPLETED"} 1',
      '{namespace="default",type="SAVEPOINT",state="FAILED"} 1',
      '{namespace="default",type="SAVEPOINT",state="TRIGGER_PENDING"} 1',
    ]);
  });

  test('keep nothing of objects that are gone, and are empty when the operator has ended', async () => {
    const { caches, lines, end } = counted();
    caches.snapshots.feed().replace([snapshot('a', {}), snapshot('b', {})], '1');
    const newer = { metadata: { ...metadata('b'), resourceVersion: '2' }, status: { state: 'COMPLETED' } } as const;
    caches.snapshots.feed().replace([snapshot('b', newer)], '2');
    expect(await lines('flink_operator_snapshots')).toEqual([
      '{namespace="default",type="SAVEPOINT",state="COMPLETED"} 1',
    ]);
    end();
    expect(await lines('flink_operator_snapshots')).toEqual([]);
  });
});
