import { type FlinkConfig, highAvailabilityOptions } from '@drey/flink';
import { known, type Reading, unknown } from '../../job/reading.ts';
import { StepError } from '../../job/step-error.ts';
import type { Env } from '../../runtime/ports.ts';
import type { ZooKeeperNodes } from '../../zookeeper/client.ts';
import type { HaMetadata, ZooKeeperMetadata } from '../world.ts';

/** Where a cluster keeps its HA metadata in ZooKeeper. */
export interface ZooKeeperPlace {
  readonly quorum: string;
  /** The node that holds everything of the cluster. */
  readonly root: string;
  /** Nodes below it that hold the stored graphs of jobs. */
  readonly jobGraphs: readonly string[];
}

/** Names of the node with the jobs' graphs: before 2.0, and from then on; 2.3 adds applications. */
const JOB_GRAPHS = ['/jobgraphs', '/execution-plans', '/applications'];

/** The place that a configuration names; undefined when it names no ensemble. */
export function zooKeeperPlace(options: FlinkConfig): ZooKeeperPlace | undefined {
  const quorum = options.get(highAvailabilityOptions.zookeeperQuorum);
  if (quorum === undefined || quorum.trim() === '') return undefined;
  const { zookeeperPathRoot, clusterId, zookeeperPathExecutionPlans: graphs } = highAvailabilityOptions;
  const root = joined(options.get(zookeeperPathRoot), options.get(clusterId));
  const names = options.has(graphs) ? [options.get(graphs)] : JOB_GRAPHS;
  return { quorum, root, jobGraphs: names.map((name) => joined(root, name)) };
}

/**
 * What is there: a job whose checkpoints are counted can be taken up again. Layout of Flink 1.15 and later
 * (reference: flink-native.md 16).
 */
export async function readZooKeeper(nodes: ZooKeeperNodes, place: ZooKeeperPlace): Promise<HaMetadata> {
  const { root, quorum } = place;
  const jobs = (await nodes.children(`${root}/jobs`)) ?? [];
  let hasCheckpoint = false;
  for (const job of jobs) {
    const checkpoints = (await nodes.children(`${root}/jobs/${job}/checkpoints`)) ?? [];
    hasCheckpoint ||= checkpoints.length > 0;
  }
  const jobGraphs: string[] = [];
  for (const path of place.jobGraphs) {
    const graphs = (await nodes.children(path)) ?? [];
    if (graphs.length > 0) jobGraphs.push(path);
  }
  const isThere = (await nodes.children(root)) !== undefined;
  const zooKeeper: ZooKeeperMetadata | undefined = isThere ? { quorum, root, jobGraphs } : undefined;
  return { configMaps: [], available: jobs.length > 0, hasCheckpoint, zooKeeper };
}

/** Whether the JobManager starts this job again. */
export async function keepsJob(nodes: ZooKeeperNodes, place: ZooKeeperPlace, jobId: string): Promise<boolean> {
  for (const path of place.jobGraphs) {
    if ((await nodes.children(path))?.includes(jobId)) return true;
  }
  return false;
}

/** Asks the ensemble that a configuration names; one that does not answer leaves it unknown what the cluster has there. */
export async function askZooKeeper<T>(
  { env, signal }: { readonly env: Env; readonly signal: AbortSignal },
  running: FlinkConfig,
  ask: (nodes: ZooKeeperNodes, place: ZooKeeperPlace) => Promise<T>,
): Promise<Reading<T>> {
  const place = zooKeeperPlace(running);
  if (place === undefined) {
    return unknown(`${highAvailabilityOptions.zookeeperQuorum.key} names no ensemble`, env.clock.now());
  }
  try {
    return known(await env.zooKeeper(place.quorum, signal, (nodes) => ask(nodes, place)), env.clock.now());
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return unknown(error.message, env.clock.now());
  }
}

/** Parts of a path with exactly one slash before each. */
function joined(...parts: readonly string[]): string {
  return parts
    .map((part) => part.replace(/^\/+|\/+$/g, ''))
    .reduce((path, part) => (part === '' ? path : `${path}/${part}`), '');
}
