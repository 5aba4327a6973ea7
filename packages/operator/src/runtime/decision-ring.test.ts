import { describe, expect, test } from 'vitest';
import { type Decision, DecisionRing } from './decision-ring.ts';

function decision(key: string, at: number, quiet = false): Decision {
  return { kind: 'FlinkDeployment', key, at, world: {}, plan: {}, quiet };
}

const times = (ring: DecisionRing, key: string): number[] => ring.of('FlinkDeployment', key).map(({ at }) => at);

describe('The ring of decisions', () => {
  test('keeps the last ones of an object, oldest first', () => {
    const ring = new DecisionRing({ perObject: 3 });
    for (let at = 1; at <= 5; at += 1) ring.record(decision('ns/a', at));
    expect(times(ring, 'ns/a')).toEqual([3, 4, 5]);
    expect(ring.size).toBe(3);
  });

  test('keeps only the last of quiet ones in a row, so that rest pushes nothing out', () => {
    const ring = new DecisionRing({ perObject: 3 });
    ring.record(decision('ns/a', 1));
    for (let at = 2; at <= 50; at += 1) ring.record(decision('ns/a', at, true));
    ring.record(decision('ns/a', 51));
    expect(times(ring, 'ns/a')).toEqual([1, 50, 51]);
    expect(ring.size).toBe(3);
  });

  test('forgets first what was decided about longest ago', () => {
    const ring = new DecisionRing({ perObject: 3, inAll: 4 });
    ring.record(decision('ns/a', 1));
    ring.record(decision('ns/a', 2));
    ring.record(decision('ns/b', 3));
    ring.record(decision('ns/b', 4));
    ring.record(decision('ns/c', 5));
    expect(times(ring, 'ns/a')).toEqual([2]);
    ring.record(decision('ns/c', 6));
    expect(ring.objects()).toEqual([
      { kind: 'FlinkDeployment', key: 'ns/b', decisions: 2 },
      { kind: 'FlinkDeployment', key: 'ns/c', decisions: 2 },
    ]);
    expect(ring.size).toBe(4);
  });

  test('keeps kinds apart', () => {
    const ring = new DecisionRing();
    ring.record(decision('ns/a', 1));
    ring.record({ ...decision('ns/a', 2), kind: 'FlinkSessionJob' });
    expect(times(ring, 'ns/a')).toEqual([1]);
    expect(ring.of('FlinkSessionJob', 'ns/a')).toHaveLength(1);
    expect(ring.of('FlinkSessionJob', 'ns/b')).toEqual([]);
  });
});
