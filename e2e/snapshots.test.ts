import { existsSync } from 'node:fs';
import type { FlinkStateSnapshot } from '@drey/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { example, hasKubectl, isStable, startDrey, type TestCluster } from './support/drey.ts';

/** The scenario of the Apache operator's own test of snapshots, on real Flink. */
describe.skipIf(!hasKubectl)('Snapshots of a real job', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await startDrey('snapshots');
  });
  afterAll(() => cluster?.stop());

  function snapshots(selector: string): FlinkStateSnapshot[] {
    const text = cluster.kubectl('get', 'flinksnp', '-l', selector, '-o', 'json');
    return (JSON.parse(text) as { items: FlinkStateSnapshot[] }).items;
  }

  async function until<T>(what: string, look: () => T | undefined, timeoutMs = 90_000): Promise<T> {
    for (const limit = performance.now() + timeoutMs; performance.now() < limit; ) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    throw new Error(`${what}: not within ${timeoutMs} ms\n${cluster.kubectl('get', 'flinksnp', '-o', 'yaml')}`);
  }

  function completed(selector: string): Promise<FlinkStateSnapshot> {
    return until(`a completed snapshot with ${selector}`, () =>
      snapshots(selector).find((one) => one.status?.state === 'COMPLETED'),
    );
  }

  function snapshot(name: string, spec: object): object {
    const jobReference = { kind: 'FlinkDeployment', name: 'app' };
    return {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: 'FlinkStateSnapshot',
      metadata: { name, namespace: 'default' },
      spec: { jobReference, ...spec },
    };
  }

  function patch(spec: object): void {
    cluster.kubectl('patch', 'flinkdeployment', 'app', '--type', 'merge', '-p', JSON.stringify({ spec }));
  }

  const filesAt = (uri: string | null | undefined): boolean => existsSync((uri ?? '').replace(/^file:\/*/, '/'));

  test('wait for a job that is only starting', async () => {
    const app = example('app', ({ spec }) => {
      spec.flinkConfiguration = { ...spec.flinkConfiguration, 'kubernetes.operator.savepoint.format.type': 'NATIVE' };
    });
    cluster.apply(app);
    cluster.apply(snapshot('early', { savepoint: {} }));
    await cluster.reach('app', 'stable', isStable);
    cluster.kubectl('wait', 'flinksnp/early', '--for=condition=Ready', '--timeout=60s');
    const [early] = snapshots('snapshot.state=COMPLETED,snapshot.type=SAVEPOINT,snapshot.trigger-type=MANUAL');
    expect(early?.metadata.name).toBe('early');
    expect(filesAt(early?.status?.path)).toBe(true);
  });

  test('are taken as savepoint and as checkpoint', async () => {
    cluster.apply(snapshot('point', { savepoint: { formatType: 'NATIVE' } }));
    cluster.apply(snapshot('check', { checkpoint: {} }));
    cluster.kubectl('wait', 'flinksnp/point', 'flinksnp/check', '--for=condition=Ready', '--timeout=60s');
    const check = await completed('snapshot.type=CHECKPOINT');
    expect(check.status?.path).toMatch(/\/chk-\d+$/);
    expect(check.status?.failures).toBe(0);
    const table = cluster.kubectl('get', 'flinksnp', 'point');
    expect(table).toContain('COMPLETED');
  });

  test('take their files along when they are deleted', async () => {
    const path = (JSON.parse(cluster.kubectl('get', 'flinksnp', 'point', '-o', 'json')) as FlinkStateSnapshot).status
      ?.path;
    expect(filesAt(path)).toBe(true);
    cluster.kubectl('delete', 'flinksnp', 'point', '--timeout=60s');
    expect(filesAt(path)).toBe(false);
  });

  test('that fail are told with Flink’s reason', async () => {
    cluster.apply(snapshot('bad', { savepoint: { path: 'nosuchfs:///x' }, backoffLimit: 0 }));
    const bad = await until('a failure', () =>
      snapshots('snapshot.state=FAILED').find((one) => one.metadata.name === 'bad'),
    );
    expect(bad.status?.failures).toBe(1);
    expect(bad.status?.error).toContain('UnsupportedFileSystemScheme');
    const events = cluster.kubectl('get', 'events', '--field-selector', 'reason=SavepointError', '-o', 'name');
    expect(events).not.toBe('');
  });

  test('are taken for a nonce, without a restart', async () => {
    const { startTime } = (await cluster.reach('app', 'stable', isStable)).status?.jobStatus ?? {};
    patch({ job: { savepointTriggerNonce: 1, checkpointTriggerNonce: 1 } });
    const byName = (pattern: RegExp) =>
      until(String(pattern), () =>
        snapshots('snapshot.state=COMPLETED').find((one) => pattern.test(one.metadata.name ?? '')),
      );
    const point = await byName(/^app-savepoint-manual-\d{13}$/);
    await byName(/^app-checkpoint-manual-\d{13}$/);
    expect(point.spec.backoffLimit).toBe(0);
    const app = await cluster.reach('app', 'stable', isStable);
    expect(app.status?.jobStatus?.startTime).toBe(startTime);
    expect(app.status?.jobStatus?.savepointInfo?.triggerId).toBeUndefined();
  });

  test('are taken periodically, and only as many kept as wanted', async () => {
    patch({
      flinkConfiguration: {
        'kubernetes.operator.periodic.savepoint.interval': '10 s',
        'kubernetes.operator.savepoint.history.max.count': '1',
      },
    });
    const first = await completed('snapshot.trigger-type=PERIODIC');
    expect(first.metadata.name).toMatch(/^app-savepoint-periodic-\d{13}$/);
    await until('the first to go when the next is complete', () =>
      snapshots('snapshot.trigger-type=PERIODIC').every((one) => one.metadata.name !== first.metadata.name)
        ? true
        : undefined,
    );
    patch({ flinkConfiguration: { 'kubernetes.operator.periodic.savepoint.interval': '' } });
  });

  test('of a suspension are where the job goes on from', async () => {
    patch({ job: { state: 'suspended' } });
    const suspended = await cluster.reach('app', 'suspended', (one) => one.status?.lifecycleState === 'SUSPENDED');
    const path = suspended.status?.jobStatus?.upgradeSavepointPath;
    const upgrade = await completed('snapshot.trigger-type=UPGRADE');
    expect(upgrade.spec.savepoint).toMatchObject({ path, alreadyExists: true, formatType: 'NATIVE' });
    expect(upgrade.status?.path).toBe(path);
    // Deleting the object of a savepoint that the job is to be resumed from leaves the files alone.
    cluster.kubectl(
      'patch',
      'flinksnp',
      upgrade.metadata.name ?? '',
      '--type',
      'merge',
      '-p',
      '{"spec":{"savepoint":{"disposeOnDelete":true}}}',
    );
    cluster.kubectl('delete', 'flinksnp', upgrade.metadata.name ?? '', '--timeout=60s');
    expect(filesAt(path)).toBe(true);
    patch({ job: { state: 'running' } });
    await cluster.reach('app', 'running again', (one) => isStable(one) && one.status?.jobStatus?.jobId !== undefined);
    const jobId = cluster.deployment('app').status?.jobStatus?.jobId;
    const checkpoints = await cluster.flink<{ latest: { restored: { external_path: string } } }>(
      'app',
      `/jobs/${jobId}/checkpoints`,
    );
    expect(checkpoints.latest.restored.external_path).toBe(path);
  });

  test('of a job that is suspended are given up at once', async () => {
    patch({ job: { state: 'suspended' } });
    await cluster.reach('app', 'suspended', (one) => one.status?.lifecycleState === 'SUSPENDED');
    cluster.apply(snapshot('late', { savepoint: {} }));
    const late = await until('the end', () => snapshots('snapshot.state=ABANDONED')[0]);
    expect(late.status?.error).toBe('Secondary resource app (FlinkDeployment) for savepoint late is not running');
  });

  test('do not hold up the deletion of anything when their job is gone', () => {
    cluster.kubectl('delete', 'flinkdeployment', 'app', '--timeout=60s');
    cluster.kubectl('delete', 'flinksnp', '--all', '--timeout=60s');
    expect(snapshots('snapshot.type=SAVEPOINT')).toEqual([]);
  });
});
