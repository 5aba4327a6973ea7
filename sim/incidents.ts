import { type SimulatedWorld, usualTimings } from '@drey/devcluster/testing';
import { type Clock, ConfigMap, isKubeError, type Random, Service } from '@drey/kube';
import type { FlinkWeather } from './operator-process.ts';
import type { SafetyOracle } from './oracles.ts';
import type { Incident } from './scenario.ts';

/** What incidents happen to. */
export interface Scene {
  readonly world: SimulatedWorld;
  readonly clock: Clock;
  readonly random: Random;
  readonly oracle: SafetyOracle;
  readonly weather: FlinkWeather;
  readonly operator: {
    crash(): void;
    /** Starts another one beside the one that runs; returns the way to end the old one, or undefined when there is none. */
    rival(): (() => void) | undefined;
    /** From now on the operator cannot see what Flink says. */
    blind(): void;
    /** It can see again. */
    sees(): void;
  };
  savepointMs: readonly [number, number];
}

/** Makes an incident happen, and end when it lasts. */
export function happen(scene: Scene, incident: Incident): void {
  if ('name' in incident) happenTo(scene, incident);
  else happenToAll(scene, incident.do);
}

type ClusterIncident = Extract<Incident, { name: string }>;

function happenTo(scene: Scene, { do: what, namespace, name }: ClusterIncident): void {
  const { world, oracle, clock } = scene;
  const cluster = `${namespace}/${name}`;
  const leader = world.fabric.leader(cluster);
  switch (what) {
    case 'kill-jobmanager':
      oracle.loses(cluster, clock.now());
      kill(world, namespace, name, 'jobmanager');
      return;
    case 'kill-taskmanager':
      kill(world, namespace, name, 'taskmanager');
      return;
    case 'delete-jobmanager-deployment':
      oracle.loses(cluster, clock.now());
      removeWorkload(world, namespace, 'deployments', name);
      return;
    case 'delete-taskmanager-deployment':
      // They are one of the two.
      removeWorkload(world, namespace, 'deployments', `${name}-taskmanager`);
      removeWorkload(world, namespace, 'statefulsets', `${name}-taskmanager`);
      return;
    case 'delete-service':
      byHand(world.admin.delete(Service, namespace, `${name}-rest`));
      return;
    case 'misdirect-service': {
      const patch = { spec: { selector: { lost: 'yes' } } };
      byHand(world.admin.patch(Service, namespace, `${name}-rest`, 'merge', patch, BY_HAND));
      return;
    }
    case 'delete-configuration':
      byHand(world.admin.delete(ConfigMap, namespace, `flink-config-${name}`));
      return;
    case 'edit-configuration': {
      const patch = { data: { 'log4j-console.properties': EDITED } };
      byHand(world.admin.patch(ConfigMap, namespace, `flink-config-${name}`, 'merge', patch, BY_HAND));
      return;
    }
    case 'fail-task':
      for (const job of leader?.jobs.values() ?? []) job.failTask('injected failure');
      return;
    case 'fail-job':
      for (const job of leader?.jobs.values() ?? []) job.failForGood('injected failure');
      return;
    case 'lose-checkpoint':
      for (const job of leader?.jobs.values() ?? []) {
        const path = job.latestCheckpoint?.path;
        const snapshot = path === undefined ? undefined : world.fabric.storage.find(path);
        if (snapshot === undefined) continue;
        oracle.destroyed(snapshot);
        world.fabric.storage.remove(snapshot.path);
      }
  }
}

function kill(world: SimulatedWorld, namespace: string, app: string, component: string): void {
  const victim = world.node
    .running()
    .find((pod) => pod.namespace === namespace && pod.labels.app === app && pod.labels.component === component);
  if (victim) world.node.killContainer(victim.namespace, victim.name);
}

/** What somebody writes into a cluster's configuration by hand. */
export const EDITED = 'rootLogger.level = TRACE';

const BY_HAND = { fieldManager: 'kubectl-edit' };

/** What somebody does by hand; it may be too late, or too early. */
function byHand(request: Promise<unknown>): void {
  request.catch((error: unknown) => {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
  });
}

function removeWorkload({ admin }: SimulatedWorld, namespace: string, plural: string, name: string): void {
  admin.raw('DELETE', `/apis/apps/v1/namespaces/${namespace}/${plural}/${name}`).catch((error: unknown) => {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
  });
}

function happenToAll(scene: Scene, what: Exclude<Incident, ClusterIncident>['do']): void {
  const { world, clock, random, weather, operator } = scene;
  switch (what) {
    case 'crash-operator':
      operator.crash();
      return;
    case 'two-leaders': {
      const end = operator.rival();
      // The old leader does not know yet that it is none.
      if (end !== undefined) clock.after(3_000 + random.next() * 25_000, end);
      return;
    }
    case 'slow-savepoints':
      scene.savepointMs = [8_000, 30_000];
      clock.after(40_000, () => {
        scene.savepointMs = usualTimings.savepointMs;
      });
      return;
    case 'images-out-of-reach':
      world.node.imagesInReach = false;
      clock.after(30_000, () => {
        world.node.imagesInReach = true;
      });
      return;
    case 'slow-flink':
      weather.hangsMs = 500 + random.next() * 12_000;
      operator.blind();
      clock.after(20_000, () => {
        weather.hangsMs = 0;
        operator.sees();
      });
      return;
    case 'savepoint-folder-unwritable':
      for (const { options } of world.fabric.all()) {
        world.fabric.storage.unwritable.add(`/state/${options.clusterId}/savepoints`);
      }
      clock.after(40_000, () => world.fabric.storage.unwritable.clear());
  }
}
