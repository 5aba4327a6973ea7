import { describe, expect, test } from 'vitest';
import {
  FlinkError,
  featuresOf,
  formatFlinkVersion,
  javaRangeFor,
  knownReleases,
  resolveRelease,
  supportedVersion,
  tryParseFlinkVersion,
} from '../index.ts';

describe('reading versions', () => {
  test.each([
    ['1.20', { major: 1, minor: 20 }],
    ['v1_20', { major: 1, minor: 20 }],
    ['1.20.5-scala_2.12-java17', { major: 1, minor: 20, patch: 5 }],
    ['2.4-SNAPSHOT', { major: 2, minor: 4 }],
    ['latest', undefined],
    ['20', undefined],
  ])('%s', (text, version) => {
    expect(tryParseFlinkVersion(text)).toEqual(version);
  });

  test('a line means its newest release, a release itself', () => {
    expect(formatFlinkVersion(resolveRelease('1.20'))).toBe('1.20.5');
    expect(formatFlinkVersion(resolveRelease('1.20.1'))).toBe('1.20.1');
  });

  test.each(['1.12', '1.21', '3.0', 'nonsense'])('%s is refused with the versions there are', (text) => {
    expect(() => supportedVersion(text)).toThrow(FlinkError);
  });
});

test('every known release can be deployed by its features and has a Java to run on', () => {
  for (const release of knownReleases()) {
    const { oldest, newest, preferred } = javaRangeFor(release);
    expect(oldest <= preferred && preferred <= newest).toBe(true);
    expect(featuresOf(release).triggerId).toBe(true);
  }
});

test('features follow the release notes', () => {
  expect(featuresOf({ major: 1, minor: 19 }).claimField).toBe('restoreMode');
  expect(featuresOf({ major: 1, minor: 20 }).claimField).toBe('claimMode');
  expect(featuresOf({ major: 1, minor: 17 }).rpcScheme).toBe('akka');
  expect(featuresOf({ major: 2, minor: 0 })).toMatchObject({
    jobGraphKeyPrefix: 'executionPlan-',
    haConfigMapLabel: false,
  });
});
