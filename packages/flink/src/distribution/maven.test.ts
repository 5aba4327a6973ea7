import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DistributionSystem, systemDistribution } from '../index.ts';
import { SourceUnavailable } from './download.ts';
import { fetchMavenJar } from './maven.ts';

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'drey-maven-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const artifact = { group: 'org.example', artifact: 'a', version: '1' };

/** A machine without Python whose mvn is `mvn`, and whose waits end at once. */
function machine(mvn: DistributionSystem['run']): DistributionSystem {
  return {
    ...systemDistribution({}),
    sleep: () => Promise.resolve(),
    run: (command, args, options) =>
      command === 'mvn' ? mvn(command, args, options) : Promise.resolve({ started: false, code: null, output: '' }),
  };
}

test('a jar is copied to where it is wanted', async () => {
  const system = machine((_command, args) => {
    const out = args.find((arg) => arg.startsWith('-DoutputDirectory='))?.slice('-DoutputDirectory='.length) ?? '';
    mkdirSync(out);
    writeFileSync(join(out, 'a-1.jar'), 'content');
    return Promise.resolve({ started: true, code: 0, output: '' });
  });
  expect(await fetchMavenJar(system, artifact, join(work, 'a.jar'))).toBe('mvn');
  expect(readFileSync(join(work, 'a.jar'), 'utf8')).toBe('content');
});

test('a repository that does not answer is given up, and every reason is told', async () => {
  const system = machine((_command, _args, options) => {
    options?.onLine?.('[INFO] Downloading from central: …');
    return new Promise((_resolve, reject) => {
      options?.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    });
  });
  const failed = fetchMavenJar(system, artifact, join(work, 'a.jar'));
  await expect(failed).rejects.toThrow(SourceUnavailable);
  await expect(failed).rejects.toThrow(/does not answer; there is no Python 3/);
});

test('a user who interrupts is not taken for a silent repository', async () => {
  const abort = new AbortController();
  const system = machine((_command, _args, options) => {
    abort.abort(new Error('interrupted'));
    return Promise.reject(options?.signal?.reason);
  });
  await expect(fetchMavenJar(system, artifact, join(work, 'a.jar'), abort.signal)).rejects.toThrow('interrupted');
});
