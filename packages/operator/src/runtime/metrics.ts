import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ResourceMetrics } from './resource-metrics.ts';

/** Metrics of one operator, in a registry of their own. */
export interface OperatorMetrics {
  readonly registry: Registry;
  readonly reconciles: Counter<'kind' | 'result'>;
  readonly reconcileSeconds: Histogram<'kind'>;
  readonly queueSeconds: Histogram<'kind'>;
  readonly steps: Counter<'kind' | 'step'>;
  readonly statusWrites: Counter<'kind'>;
  readonly transitions: Counter<'kind' | 'to'>;
  readonly queueDepth: Gauge<'kind' | 'state'>;
  readonly watchedJobs: Gauge<'kind'>;
  /** Shards that this process works on, where several share the work. */
  readonly shards: Gauge;
  /** 1 while a watched namespace can be read, 0 while it refuses. */
  readonly namespaceReadable: Gauge<'namespace'>;
  readonly resources: ResourceMetrics;
}

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Fresh metrics. Names of queue and reconcile are controller-runtime's, those of the domain begin with `flink_operator_`. */
export function operatorMetrics(): OperatorMetrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    registry,
    resources: new ResourceMetrics(registry),
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by result.',
      labelNames: ['kind', 'result'],
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Duration of reconciles.',
      labelNames: ['kind'],
      buckets: BUCKETS,
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'Time a key was ready before it was taken.',
      labelNames: ['kind'],
      buckets: BUCKETS,
      registers,
    }),
    steps: new Counter({
      name: 'flink_operator_steps_total',
      help: 'Steps of plans that were carried out.',
      labelNames: ['kind', 'step'],
      registers,
    }),
    statusWrites: new Counter({
      name: 'flink_operator_status_writes_total',
      help: 'Writes of a status.',
      labelNames: ['kind'],
      registers,
    }),
    transitions: new Counter({
      name: 'flink_operator_lifecycle_transitions_total',
      help: 'Changes of the lifecycle state.',
      labelNames: ['kind', 'to'],
      registers,
    }),
    queueDepth: new Gauge({
      name: 'workqueue_depth',
      help: 'Keys in the queue.',
      labelNames: ['kind', 'state'],
      registers,
    }),
    namespaceReadable: new Gauge({
      name: 'flink_operator_namespace_readable',
      help: 'Whether a watched namespace can be read.',
      labelNames: ['namespace'],
      registers,
    }),
    shards: new Gauge({
      name: 'flink_operator_shards',
      help: 'Shards that this process works on, where several share the work.',
      registers,
    }),
    watchedJobs: new Gauge({
      name: 'flink_operator_watched_jobs',
      help: 'Jobs whose state is followed.',
      labelNames: ['kind'],
      registers,
    }),
  };
}
