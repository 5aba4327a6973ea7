import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { goldenArea } from './golden.ts';

/** Where the recorded calls of each function of the Apache operator's classes are compared. */
const COMPARED: Readonly<Record<string, readonly string[]>> = {
  'packages/api/src/spec/blue-green-change.golden.test.ts': ['bluegreenDiff'],
  'packages/api/src/validation/jar-uri.golden.test.ts': ['jarUri'],
  'packages/api/src/values/excluded-periods.golden.test.ts': ['inExcludedPeriods'],
  'packages/api/src/values/values.golden.test.ts': ['ephemeralBytes', 'flatConfig', 'memoryBytes', 'memoryParse'],
  'packages/manifests/src/effective/misc.golden.test.ts': [
    'cronParse',
    'defaultConfig',
    'ingress',
    'ingressUrl',
    'mergePodTemplates',
    'relevantVersionPrefixes',
  ],
  'packages/operator/src/admission/session-label.golden.test.ts': ['sessionLabel'],
  'packages/operator/src/deployment/classes.golden.test.ts': [
    'eventName',
    'lifecycle',
    'resourceError',
    'sanitizeAnnotations',
  ],
  'packages/operator/src/job/snapshots/snapshots.golden.test.ts': [
    'automaticTrigger',
    'cronTrigger',
    'intervalParse',
    'lastSavepointKnown',
    'lastSnapshotStatus',
    'shouldTrigger',
    'snapshotCleanup',
    'snapshotLabels',
    'snapshotName',
    'snapshotTriggerType',
  ],
};

/** Functions whose calls are not compared, each with its reason. */
const NOT_COMPARED: Readonly<Record<string, string>> = {
  ingressV1: 'whether Kubernetes is older than 1.19; only Ingresses of networking.k8s.io/v1 are made here',
  rescheduleAfter: 'the interval of a polling loop; here watches and the state of jobs say when to look again',
};

test('Every function whose calls were recorded is compared somewhere, or is on the list of those that are not', () => {
  const area = goldenArea('operator-classes');
  const vectors = area.files.includes('misc.json') ? area.json<{ readonly fn: string }[]>('misc.json') : [];
  const accounted = [...Object.values(COMPARED).flat(), ...Object.keys(NOT_COMPARED)];
  const recorded = new Set(vectors.map(({ fn }) => fn));
  expect([...recorded].filter((fn) => !accounted.includes(fn))).toEqual([]);
  expect(new Set(accounted).size).toBe(accounted.length);
  for (const [file, functions] of Object.entries(COMPARED)) {
    const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
    expect(functions.filter((fn) => !new RegExp(`\\b${fn}\\b`).test(text))).toEqual([]);
  }
});
