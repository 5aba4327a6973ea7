import type { Deployment, ReplicaSet } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import {
  newReplicaSet,
  obsoleteReplicaSets,
  planScales,
  REVISION,
  rollingLimits,
  splitReplicaSets,
  templateHash,
} from './deployment-plan.ts';
import { deploymentStatus, progressDeadline } from './deployment-status.ts';

const deploymentOf = (spec: Partial<NonNullable<Deployment['spec']>> = {}, image = 'a'): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'ns', uid: 'u', generation: 1 },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  },
});
const setOf = (deployment: Deployment, replicas: number, available = replicas): ReplicaSet => ({
  ...newReplicaSet(deployment, replicas, 1),
  status: { replicas, readyReplicas: available, availableReplicas: available },
});
const scalesOf = (deployment: Deployment, current: ReplicaSet, old: ReplicaSet[]) =>
  planScales({ deployment, current, old }).map(({ set, replicas }) => [set === current ? 'new' : 'old', replicas]);

describe('rolling update', () => {
  it('rounds the surge up and the unavailable down, and never lets both be 0', () => {
    expect(rollingLimits(deploymentOf({ replicas: 5 }))).toEqual({ maxSurge: 2, maxUnavailable: 1 });
    const none = { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' } } };
    expect(rollingLimits(deploymentOf({ replicas: 4, ...none }))).toEqual({ maxSurge: 0, maxUnavailable: 1 });
  });

  it('goes up by the surge, down as far as enough stay available, step by step to the end', () => {
    const before = deploymentOf({}, 'a');
    const after = deploymentOf({}, 'b');
    let current = setOf(after, 0);
    let old = setOf(before, 4);
    const steps: string[] = [];
    for (let i = 0; i < 20; i++) {
      const plan = planScales({ deployment: after, current, old: [old] });
      if (plan.length === 0) break;
      for (const { set, replicas } of plan) {
        if (set === current) current = setOf(after, replicas);
        else old = setOf(before, replicas);
      }
      steps.push(`${current.spec?.replicas}+${old.spec?.replicas}`);
      expect((current.spec?.replicas ?? 0) + (old.spec?.replicas ?? 0)).toBeLessThanOrEqual(5);
      expect((current.spec?.replicas ?? 0) + (old.spec?.replicas ?? 0)).toBeGreaterThanOrEqual(3);
    }
    expect(steps.at(-1)).toBe('4+0');
  });

  it('waits while new pods are not available, and removes broken old ones first', () => {
    const after = deploymentOf({}, 'b');
    expect(scalesOf(after, setOf(after, 2, 0), [setOf(deploymentOf({}, 'a'), 3, 3)])).toEqual([]);
    expect(scalesOf(after, setOf(after, 1, 1), [setOf(deploymentOf({}, 'a'), 4, 2)])).toEqual([['old', 2]]);
  });

  it('follows a change of replicas', () => {
    const wanted = deploymentOf({ replicas: 2 });
    expect(scalesOf(wanted, setOf(wanted, 4), [])).toEqual([['new', 2]]);
    expect(scalesOf(wanted, setOf(wanted, 1), [])).toEqual([['new', 2]]);
    const recreate = deploymentOf({ replicas: 3, strategy: { type: 'Recreate' } });
    expect(scalesOf(recreate, setOf(recreate, 0), [])).toEqual([['new', 3]]);
  });
});

describe('ReplicaSets of a Deployment', () => {
  it('belong to templates, by equality and not by hash', () => {
    const deployment = deploymentOf();
    const same = setOf(deployment, 1);
    const other = setOf(deploymentOf({}, 'b'), 1);
    expect(splitReplicaSets(deployment, [other, same])).toEqual({ current: same, old: [other] });
  });

  it('carry the hash in name, labels and selector', () => {
    const set = newReplicaSet(deploymentOf(), 2, 7);
    const hash = templateHash(deploymentOf().spec?.template ?? {}, 0);
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
    expect(set.metadata.name).toBe(`d-${hash}`);
    expect(set.spec?.selector.matchLabels).toEqual({ app: 'd', 'pod-template-hash': hash });
    expect(set.spec?.template?.metadata?.labels).toEqual({ app: 'd', 'pod-template-hash': hash });
    expect(set.metadata.annotations).toEqual({
      [REVISION]: '7',
      'deployment.kubernetes.io/desired-replicas': '4',
      'deployment.kubernetes.io/max-replicas': '5',
    });
    expect(templateHash(deploymentOf().spec?.template ?? {}, 1)).not.toBe(hash);
  });

  it('are kept up to the history limit', () => {
    const old = [3, 1, 2].map((revision) => ({ ...newReplicaSet(deploymentOf({}, `v${revision}`), 0, revision) }));
    expect(
      obsoleteReplicaSets(deploymentOf({ revisionHistoryLimit: 1 }), old).map(
        (s) => s.metadata.annotations?.[REVISION],
      ),
    ).toEqual(['1', '2']);
    expect(obsoleteReplicaSets(deploymentOf(), old)).toEqual([]);
  });
});

describe('Deployment status', () => {
  const now = Date.UTC(2026, 0, 1);
  const conditionsOf = (deployment: Deployment, current: ReplicaSet | undefined, created = false, at = now) =>
    Object.fromEntries(
      (deploymentStatus({ deployment, current, created, old: [], now: at }).conditions ?? []).map((c) => [
        c.type,
        `${c.status} ${c.reason}`,
      ]),
    );

  it('goes from created through progressing to available', () => {
    const deployment = deploymentOf();
    expect(conditionsOf(deployment, setOf(deployment, 0, 0), true)).toEqual({
      Available: 'False MinimumReplicasUnavailable',
      Progressing: 'True NewReplicaSetCreated',
    });
    expect(conditionsOf(deployment, setOf(deployment, 4, 2)).Progressing).toBe('True ReplicaSetUpdated');
    expect(conditionsOf(deployment, setOf(deployment, 4, 4))).toEqual({
      Available: 'True MinimumReplicasAvailable',
      Progressing: 'True NewReplicaSetAvailable',
    });
  });

  it('stays complete when a pod is lost later', () => {
    const deployment = deploymentOf();
    const complete = deploymentStatus({ deployment, current: setOf(deployment, 4), created: false, old: [], now });
    const later: Deployment = { ...deployment, status: complete };
    expect(conditionsOf(later, setOf(deployment, 4, 2))).toEqual({
      Available: 'False MinimumReplicasUnavailable',
      Progressing: 'True NewReplicaSetAvailable',
    });
  });

  it('gives up after the progress deadline', () => {
    const deployment = deploymentOf({ progressDeadlineSeconds: 60 });
    const status = deploymentStatus({ deployment, current: setOf(deployment, 4, 0), created: true, old: [], now });
    const stuck: Deployment = { ...deployment, status };
    expect(progressDeadline(stuck, status)).toBe(now + 60_000);
    const later = deploymentStatus({
      deployment: stuck,
      current: setOf(deployment, 4, 0),
      created: false,
      old: [],
      now: now + 1000,
    });
    const after: Deployment = { ...deployment, status: later };
    expect(conditionsOf(after, setOf(deployment, 4, 0), false, now + 62_000).Progressing).toBe(
      'False ProgressDeadlineExceeded',
    );
  });

  it('passes on that pods cannot be created', () => {
    const deployment = deploymentOf();
    const failing = setOf(deployment, 4, 0);
    failing.status = {
      replicas: 0,
      conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }],
    };
    expect(conditionsOf(deployment, failing).ReplicaFailure).toBe('True FailedCreate');
  });
});
