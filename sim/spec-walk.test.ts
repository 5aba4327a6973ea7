import { describe, expect, it } from 'vitest';
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

describe('A deployment that is changed in every member of its spec, and back', () => {
  it.each([
    { mode: 'native', ha: false },
    { mode: 'standalone', ha: true },
  ] as const)(
    'has what a fresh one of the same spec has: $mode, high availability $ha',
    { timeout: 400_000 },
    async (traits) => {
      const walk = await SpecWalk.begin(traits);
      const members = walkedMembers();
      for (const member of members) await walk.member(member);
      const { values, refused } = walk.counts;
      process.stdout.write(
        `walk through the spec, ${traits.mode}: ${members.length} members, ${values} values, ${refused} of them refused, ${walk.findings.length} differences explained\n`,
      );
      expect(texts(walk.findings.filter((one) => !isExplained(one)))).toEqual([]);
      expect(new Set(walk.findings.map(({ member }) => member))).toEqual(new Set(Object.keys(EXPLAINED)));
      expect(refused).toBeGreaterThan(5);
      expect(refused).toBeLessThan(values / 2);
    },
  );
});
