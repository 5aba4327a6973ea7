import type { FlinkStateSnapshot } from '@drey/api';
import { expect, test } from 'vitest';
import { snapshotLabels } from '../../snapshot/labels.ts';
import { triggerTypeOf } from './snapshot-object.ts';

const snapshot = (labels: Record<string, string> | undefined, status?: FlinkStateSnapshot['status']) =>
  ({
    metadata: { name: 's', namespace: 'n', ...(labels ? { labels } : {}) },
    spec: { savepoint: {} },
    ...(status === undefined ? {} : { status }),
  }) as FlinkStateSnapshot;

test.each([
  [undefined, 'UNKNOWN'],
  [{ other: 'x' }, 'UNKNOWN'],
  [{ 'snapshot.trigger-type': 'periodic' }, 'UNKNOWN'],
  [{ 'snapshot.trigger-type': 'PERIODIC' }, 'PERIODIC'],
  [{ 'snapshot.trigger-type': 'MANUAL' }, 'MANUAL'],
])('The labels %j say that a snapshot was taken for the reason %s', (labels, reason) => {
  expect(triggerTypeOf(snapshot(labels))).toBe(reason);
});

test('A snapshot whose status has no state yet is labelled as waiting, one without a status not at all', () => {
  expect(snapshotLabels(snapshot(undefined, {}), undefined, undefined)).toMatchObject({
    'snapshot.state': 'TRIGGER_PENDING',
    'snapshot.trigger-type': 'MANUAL',
  });
  expect(snapshotLabels(snapshot(undefined), undefined, undefined)).not.toHaveProperty('snapshot.state');
});
