import type { Answer } from '@drey/flink';
import { VirtualClock } from '@drey/kube/testing';
import { describe, expect, test } from 'vitest';
import { ArtifactError, type ArtifactFetcher } from '../artifact/artifact.ts';
import type { FlinkCluster } from '../runtime/ports.ts';
import { Submissions } from './submissions.ts';

const KEY = 'default/job';
const ACCESS = { allowedSchemes: ['https'], restrictHosts: true, maxBytes: 10, headers: new Map(), s3: undefined };
const UPLOAD = { operationId: 'op', uri: 'https://x/job.jar', name: 'job.jar', access: ACCESS, timeoutMs: 60_000 };
const RUN = { operationId: 'op', jarId: 'jar', request: { jobId: 'j' }, timeoutMs: 60_000 };

async function* jar(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array([1]);
}

/** A Flink that takes every jar and answers a run with `answer`. */
function flink(calls: string[], answer: Answer<string> = { kind: 'ok', value: 'j' }): FlinkCluster {
  const made: Partial<FlinkCluster> = {
    async uploadJar({ name, bytes }) {
      calls.push(`upload ${name}`);
      for await (const _ of bytes);
      return { kind: 'ok', value: 'jar' };
    },
    async runJar(jarId) {
      calls.push(`run ${jarId}`);
      return answer;
    },
    async deleteJar(jarId) {
      calls.push(`delete ${jarId}`);
      return { kind: 'ok', value: undefined };
    },
  };
  return made as FlinkCluster;
}

function desk(fetch: ArtifactFetcher = async () => jar()) {
  const clock = new VirtualClock();
  const woken: string[] = [];
  const stop = new AbortController();
  const wake = (key: string): number => woken.push(key);
  return { clock, woken, stop, submissions: new Submissions({ clock, fetch, wake, signal: stop.signal }) };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
};

describe('Work that goes on beside the passes', () => {
  test('brings a jar once, however often it is asked for', async () => {
    const { submissions, woken } = desk();
    const calls: string[] = [];
    submissions.upload(KEY, UPLOAD, flink(calls));
    submissions.upload(KEY, UPLOAD, flink(calls));
    expect(submissions.of(KEY)).toEqual({ kind: 'uploading', operationId: 'op' });
    await turns();
    expect(submissions.of(KEY)).toEqual({ kind: 'uploaded', operationId: 'op', jarId: 'jar' });
    expect(calls).toEqual(['upload job.jar']);
    expect(woken).toEqual([KEY]);
  });

  test('tells why a jar did not come, counts the attempts, and leaves nothing at Flink', async () => {
    const calls: string[] = [];
    // It breaks off at its end, as with a wrong checksum, when Flink has all of it.
    const { submissions } = desk(async () =>
      (async function* () {
        yield* jar();
        throw new ArtifactError('E_ARTIFACT_CHECKSUM', 'The sha256 is another one.');
      })(),
    );
    const tolerant: FlinkCluster = {
      ...flink(calls),
      async uploadJar({ bytes }) {
        try {
          for await (const _ of bytes);
        } catch {
          // as a server that does not mind
        }
        return { kind: 'ok', value: 'jar' };
      },
    };
    for (const attempts of [1, 2]) {
      submissions.upload(KEY, UPLOAD, tolerant);
      await turns();
      expect(submissions.of(KEY)).toMatchObject({ kind: 'failed', stage: 'upload', certain: true, attempts });
    }
    expect(submissions.of(KEY)).toMatchObject({ message: expect.stringContaining('[E_ARTIFACT_CHECKSUM]') });
    expect(calls).toEqual(['delete jar', 'delete jar']);
  });

  test.each<[string, Answer<string>, object]>([
    ['taken', { kind: 'ok', value: 'j' }, { kind: 'accepted' }],
    [
      'refused because the job is there already',
      { kind: 'rejected', status: 400, message: 'DuplicateJobSubmissionException: Job has already been submitted.' },
      { kind: 'accepted' },
    ],
    ['refused', { kind: 'rejected', status: 400, message: 'no main class' }, { kind: 'failed', certain: true }],
    ['refused because the jar is gone', { kind: 'not-found', message: 'no jar' }, { kind: 'failed', certain: true }],
    [
      'not answered',
      { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: true },
      { kind: 'failed', certain: false },
    ],
    [
      'never sent',
      { kind: 'unknown', reason: 'unreachable', message: 'refused', maybeDone: false },
      { kind: 'failed', certain: true },
    ],
  ])('knows what to make of a run that is %s', async (_what, answer, submission) => {
    const { submissions } = desk();
    submissions.run(KEY, RUN, flink([], answer));
    await turns();
    expect(submissions.of(KEY)).toMatchObject({ ...submission, operationId: 'op' });
  });

  test('ends when its time is over', async () => {
    const { submissions, clock } = desk(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    submissions.upload(KEY, UPLOAD, flink([]));
    await turns();
    await clock.advance(60_000);
    await turns();
    expect(submissions.of(KEY)).toMatchObject({ kind: 'failed', message: 'not done within 60000 ms' });
  });

  test('ends when the object no longer wants it, and is not heard of again', async () => {
    const { submissions, woken } = desk();
    const calls: string[] = [];
    submissions.upload(KEY, UPLOAD, flink(calls));
    submissions.forget(KEY);
    await turns();
    expect(submissions.of(KEY)).toBeUndefined();
    expect(woken).toEqual([]);
  });

  test('brings so many jars at once and no more; the others wait their turn', async () => {
    const { submissions } = desk();
    let open = 0;
    let most = 0;
    const slow: FlinkCluster = {
      ...flink([]),
      async uploadJar() {
        open += 1;
        most = Math.max(most, open);
        await turns();
        open -= 1;
        return { kind: 'ok', value: 'jar' };
      },
    };
    const keys = Array.from({ length: 20 }, (_, index) => `default/job-${index}`);
    for (const key of keys) submissions.upload(key, UPLOAD, slow);
    for (let round = 0; round < 10; round += 1) await turns();
    expect(most).toBe(8);
    expect(keys.map((key) => submissions.of(key)?.kind)).toEqual(keys.map(() => 'uploaded'));
  });
});
