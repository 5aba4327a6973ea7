import type { FlinkStateSnapshot } from '@drey/api';
import type { KubeClient } from '@drey/kube';
import { expect, test } from 'vitest';
import { listSnapshots, snapshotTable } from './snapshots.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

function aSnapshot(name: string, minutes: number, more: Partial<FlinkStateSnapshot>): FlinkStateSnapshot {
  const creationTimestamp = new Date(NOW - minutes * 60_000).toISOString();
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: { name, namespace: 'default', creationTimestamp },
    spec: { jobReference: { kind: 'FlinkDeployment', name: 'app' }, savepoint: {} },
    ...more,
  };
}

const items = [
  aSnapshot('done', 300, { status: { state: 'COMPLETED', path: 'file:/sp/1', summary: 'The savepoint is complete.' } }),
  aSnapshot('of-session-job', 5, {
    spec: { jobReference: { kind: 'FlinkSessionJob', name: 'job' }, checkpoint: {} },
    status: { state: 'FAILED', summary: 'No space left.' },
  }),
  aSnapshot('new', 1, {}),
];
const client = { list: async () => ({ items }) } as unknown as KubeClient;

test('Snapshots are listed newest first, with where they lie or what is wrong', async () => {
  expect(snapshotTable(await listSnapshots(client, {}, undefined), NOW)).toBe(
    [
      'NAME                      JOB              TYPE         STATE             AGE   PATH OR MESSAGE',
      'snapshot/new              app              savepoint    TRIGGER_PENDING   60s',
      'snapshot/of-session-job   sessionjob/job   checkpoint   FAILED            5m    No space left.',
      'snapshot/done             app              savepoint    COMPLETED         5h    file:/sp/1',
      '',
    ].join('\n'),
  );
});

test('Those of one job are named as drey get names it', async () => {
  const names = async (job: string) => (await listSnapshots(client, {}, job)).map((one) => one.metadata.name);
  expect(await names('app')).toEqual(['new', 'done']);
  expect(await names('sessionjob/job')).toEqual(['of-session-job']);
  expect(await names('job')).toEqual([]);
  expect(snapshotTable([], NOW)).toBe('no snapshots here\n');
});
