import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@drey/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogOptions } from '../apiserver/contract.ts';
import { ContainerLog } from './container-log.ts';

const plain: LogOptions = { follow: false, previous: false, timestamps: false };
let directory: string;
let now: number;
const clock = { ...systemClock, now: () => now };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drey-log-'));
  now = Date.UTC(2026, 0, 1);
});
afterEach(() => rmSync(directory, { recursive: true }));

const create = (maxFileBytes = 1 << 20) => ContainerLog.create(join(directory, 'c/0.log'), clock, { maxFileBytes });
const text = async (log: ContainerLog, options: Partial<LogOptions> = {}) => {
  const parts: Uint8Array[] = [];
  for await (const part of log.read({ ...plain, ...options }, new AbortController().signal)) parts.push(part);
  return Buffer.concat(parts).toString();
};

describe('container log', () => {
  it('gives back what was written, with lines that came in pieces put together', async () => {
    const log = create();
    log.write('stdout', Buffer.from('one\ntw'));
    log.write('stderr', Buffer.from('oops\n'));
    log.write('stdout', Buffer.from('o\nthree'));
    log.close();
    expect(await text(log)).toBe('one\noops\ntwo\nthree\n');
    expect(await text(log, { tailLines: 2 })).toBe('two\nthree\n');
    expect(await text(log, { tailLines: 0 })).toBe('');
    expect(await text(log, { limitBytes: 5 })).toBe('one\no');
    expect(log.tail(1, 100)).toBe('three\n');
  });

  it('knows the time of each line', async () => {
    const log = create();
    log.write('stdout', Buffer.from('old\n'));
    now += 60_000;
    log.write('stdout', Buffer.from('new\n'));
    expect(await text(log, { timestamps: true })).toBe(
      '2026-01-01T00:00:00.000000000Z old\n2026-01-01T00:01:00.000000000Z new\n',
    );
    expect(await text(log, { sinceSeconds: 30 })).toBe('new\n');
    expect(await text(log, { sinceTime: '2026-01-01T00:00:30Z' })).toBe('new\n');
  });

  it('keeps one rotated file, and a follower loses nothing that is still there', async () => {
    const log = create(400);
    const seen: string[] = [];
    const reader = (async () => {
      for await (const part of log.read({ ...plain, follow: true }, new AbortController().signal))
        seen.push(Buffer.from(part).toString());
    })();
    for (let i = 0; i < 40; i++) {
      log.write('stdout', Buffer.from(`line ${i}\n`));
      await Promise.resolve();
      await new Promise(setImmediate);
    }
    log.close();
    await reader;
    expect(seen.join('')).toBe(Array.from({ length: 40 }, (_, i) => `line ${i}\n`).join(''));
    const kept = (await text(log)).trim().split('\n');
    expect(kept.at(-1)).toBe('line 39');
    expect(kept.length).toBeLessThan(25);
  });

  it('cuts very long lines without changing their text', async () => {
    const log = create();
    const long = 'x'.repeat(50_000);
    log.write('stdout', Buffer.from(`${long}\nafter\n`));
    expect(await text(log)).toBe(`${long}\nafter\n`);
    expect(await text(log, { tailLines: 1 })).toBe('after\n');
  });

  it('can be read after a restart of the cluster', async () => {
    const log = create();
    log.write('stdout', Buffer.from('before\n'));
    log.close();
    const again = ContainerLog.openEnded(join(directory, 'c/0.log'), clock);
    expect(again && (await text(again, { follow: true }))).toBe('before\n');
    expect(ContainerLog.openEnded(join(directory, 'none.log'), clock)).toBeUndefined();
  });
});
