import { describe, expect, it } from 'vitest';
import { SessionJobWalk } from './session-job-walk.ts';
import { SnapshotWalk } from './snapshot-walk.ts';
import { walkedMembers } from './spec-values.ts';
import { type Finding, SpecWalk } from './spec-walk.ts';

/** Members whose change leaves a running cluster as it is, although a fresh one would be made otherwise. */
const EXPLAINED: Readonly<Record<string, string>> = {
  'job.allowNonRestoredState':
    'speaks of the next start only; the Apache operator does not restart a job for it either',
};

const isExplained = ({ member }: Finding): boolean => member in EXPLAINED;
const texts = (findings: readonly Finding[]): string[] =>
  findings.map(({ member, value, problem }) => `${member} = ${value}: ${problem}`);

/** `npm run e2e` walks through everything; `npm test` through every third member of a native cluster. */
const isWhole = process.env.DREY_SIM_EXTENT === 'whole';
const native = { mode: 'native', ha: false } as const;
const standalone = { mode: 'standalone', ha: true } as const;

describe('A deployment that is changed in every member of its spec, and back', () => {
  it.each(isWhole ? [native, standalone] : [native])(
    'has what a fresh one of the same spec has: $mode, high availability $ha',
    { timeout: 400_000 },
    async (traits) => {
      const walk = await SpecWalk.begin(traits);
      const members = walkedMembers('FlinkDeployment').filter((_, index) => isWhole || index % 3 === 0);
      for (const member of members) await walk.member(member);
      const { values, refused } = walk.counts;
      process.stdout.write(
        `walk through the spec, ${traits.mode}: ${members.length} members, ${values} values, ${refused} of them refused, ${walk.findings.length} differences explained\n`,
      );
      expect(texts(walk.findings.filter((one) => !isExplained(one)))).toEqual([]);
      if (!isWhole) return;
      expect(new Set(walk.findings.map(({ member }) => member))).toEqual(new Set(Object.keys(EXPLAINED)));
      expect(refused).toBeGreaterThan(5);
      expect(refused).toBeLessThan(values / 2);
    },
  );
});

describe('A session job that is changed in every member of its spec, and back', () => {
  it('is run as a fresh one of the same spec is', { timeout: 400_000 }, async () => {
    const walk = await SessionJobWalk.begin();
    const members = walkedMembers('FlinkSessionJob').filter((_, index) => isWhole || index % 3 === 0);
    for (const member of members) await walk.member(member);
    const { values, refused } = walk.counts;
    process.stdout.write(
      `walk through the spec of a session job: ${members.length} members, ${values} values, ${refused} of them refused, ${walk.findings.length} differences explained\n`,
    );
    expect(texts(walk.findings.filter((one) => !isExplained(one)))).toEqual([]);
    if (isWhole) expect(refused).toBeGreaterThan(1);
    expect(refused).toBeLessThan(values / 2);
  });
});

describe('A snapshot with every value of its spec', () => {
  it('comes to an end, and takes no notice of a change afterwards', { timeout: 400_000 }, async () => {
    const walk = await SnapshotWalk.begin();
    const members = walkedMembers('FlinkStateSnapshot');
    for (const member of members) await walk.member(member);
    const { values, refused, completed } = walk.counts;
    process.stdout.write(
      `walk through the spec of a snapshot: ${members.length} members, ${values} values, ${refused} of them refused, ${completed} snapshots complete\n`,
    );
    expect(texts(walk.findings)).toEqual([]);
    expect(completed).toBeGreaterThan(5);
  });
});
