import { describe, expect, test } from 'vitest';
import { decide } from '../snapshot/decide.ts';
import { aSnapshot, aSnapshotWorld, aTarget, SNAPSHOT_CONFIG } from '../testing/snapshot-worlds.ts';

describe('12.1 item 11: a FlinkStateSnapshot without status that is deleted', () => {
  test.each([
    ['no status', undefined],
    ['an empty status', {}],
    ['a status without state', { failures: 0 }],
  ])('with %s loses its finalizer at once', (_what, status) => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const snapshot = aSnapshot({ metadata, ...(status === undefined ? {} : { status }) });
    for (const target of [aTarget(), { kind: 'missing' } as const, { kind: 'none' } as const]) {
      const plan = decide(aSnapshotWorld(snapshot, { target }), SNAPSHOT_CONFIG);
      expect(plan.steps).toEqual([{ kind: 'remove-finalizer' }]);
      // Nothing is written to what is about to go.
      expect(plan.labels).toEqual({});
    }
  });
});
