import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ArchiveKey,
  archivePath,
  type DistributionSystem,
  findArchive,
  type JavaLaunch,
  publishArchive,
  systemDistribution,
} from '../index.ts';

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'drey-archive-'));
  mkdirSync(join(work, 'flink', 'lib'), { recursive: true });
  writeFileSync(join(work, 'flink', 'lib', 'flink-dist-1.20.5.jar'), 'jar');
  writeFileSync(join(work, 'recorded.jsa'), 'x'.repeat(1000));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const key = (identity = 'jvm 1', major = 17): ArchiveKey => ({
  distribution: { version: { major: 1, minor: 20, patch: 5 }, home: join(work, 'flink'), origin: 'drey' },
  java: { home: '/java', executable: '/java/bin/java', major, identity, origin: 'PATH' },
  service: 'standalonesession',
});

/** A machine whose JVM accepts any archive, or none. */
const machine = (accepts: boolean): DistributionSystem => ({
  ...systemDistribution({ DREY_HOME: join(work, 'home') }),
  run: () => Promise.resolve({ started: true, code: accepts ? 0 : 1, output: '' }),
});

const launch: JavaLaunch = {
  kind: 'java',
  service: 'standalonesession',
  executable: '/java/bin/java',
  jvmArgs: [],
  classpath: 'a.jar',
  mainClass: 'M',
  programArgs: [],
  env: {},
};

async function publish(accepts = true, identity?: string): Promise<{ made: boolean; target: string }> {
  const target = await archivePath(machine(true), key(identity));
  if (target === undefined) throw new Error('no path');
  const made = await publishArchive(machine(accepts), join(work, 'recorded.jsa'), target, launch);
  return { made, target };
}

describe('a class-data archive is used only when it is sound', () => {
  test('one that the JVM accepts is found afterwards', async () => {
    const { made, target } = await publish();
    expect(made).toBe(true);
    expect(await findArchive(machine(true), key())).toBe(target);
    expect(statSync(target).size).toBe(1000);
  });

  test('one that the JVM refuses is thrown away', async () => {
    expect((await publish(false)).made).toBe(false);
    expect(await findArchive(machine(true), key())).toBeUndefined();
    expect(readdirSync(work)).not.toContain('recorded.jsa');
  });

  test('one that was cut short is passed over, since the JVM would crash on it', async () => {
    const { target } = await publish();
    truncateSync(target, 500);
    expect(await findArchive(machine(true), key())).toBeUndefined();
  });

  test('another build of the JVM, or other jars, have an archive of their own', async () => {
    await publish();
    expect(await findArchive(machine(true), key('jvm 2'))).toBeUndefined();
    writeFileSync(join(work, 'flink', 'lib', 'extra.jar'), 'jar');
    expect(await findArchive(machine(true), key())).toBeUndefined();
  });

  test('archives of an earlier JVM are removed', async () => {
    const { target: earlier } = await publish();
    writeFileSync(join(work, 'recorded.jsa'), 'y');
    const { target } = await publish(true, 'jvm 2');
    const kept = readdirSync(join(work, 'home', 'archives'));
    expect(kept.some((name) => earlier.endsWith(name))).toBe(false);
    expect(kept.some((name) => target.endsWith(name))).toBe(true);
  });

  test('Java 11 has none', async () => {
    expect(await archivePath(machine(true), key('jvm', 11))).toBeUndefined();
  });
});
