import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyObject } from '@drey/kube';
import { VirtualClock } from '@drey/kube/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStore, openSqliteBackend, StoreError } from './index.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): ObjectStore {
  return new ObjectStore({
    clock: new VirtualClock(),
    backend: openSqliteBackend(join(folder, 'data', 'objects.sqlite')),
  });
}

function secret(name: string, value = 'v'): AnyObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'n' }, data: { value } };
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'no error';
  } catch (error) {
    return error instanceof StoreError ? error.code : String(error);
  }
}

describe('the store in a file', () => {
  it('comes back with all objects and goes on counting, also past a removal', () => {
    const first = open();
    const a = first.write('/secrets', secret('a'), undefined);
    if (a === 'conflict') throw new Error(a);
    first.write('/secrets', secret('a', 'w'), a);
    const b = first.write('/secrets', secret('b'), undefined);
    if (b === 'conflict') throw new Error(b);
    first.remove(b);
    const { revision } = first;
    first.close();
    const second = open();
    expect(second.revision).toBe(revision);
    expect(second.list('/secrets', { namespace: 'n' }).map(({ object }) => object.data)).toEqual([{ value: 'w' }]);
    expect(second.changesAfter('/secrets', revision - 1)).toEqual({ oldest: revision });
    second.close();
  });

  it('is readable by its owner alone', () => {
    open().close();
    expect(statSync(join(folder, 'data', 'objects.sqlite')).mode & 0o777).toBe(0o600);
  });

  it('refuses a second instance until the first is closed', () => {
    const first = open();
    expect(codeOf(open)).toBe('E_STORE_LOCKED');
    first.close();
    expect(codeOf(() => open().close())).toBe('no error');
  });

  it('says so when the file is no store', () => {
    const path = join(folder, 'objects.sqlite');
    writeFileSync(path, 'this is not a database, whatever its name says; it is long enough to be read as a header');
    expect(codeOf(() => openSqliteBackend(path))).toBe('E_STORE_CORRUPT');
  });

  it('survives the death of the process without a word', async () => {
    const path = join(folder, 'objects.sqlite');
    const script = `
      import { openSqliteBackend } from ${JSON.stringify(join(import.meta.dirname, 'sqlite.ts'))};
      const backend = openSqliteBackend(${JSON.stringify(path)});
      for (let revision = 1; ; revision += 1) {
        const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' + revision } };
        backend.put({ key: '/secrets', namespace: '', name: 's' + revision, revision, object });
        if (revision === 200) console.log('written');
      }`;
    const file = join(folder, 'writer.ts');
    writeFileSync(file, script);
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    const loaded = openSqliteBackend(path).load();
    const records = [...loaded.records];
    expect(records.length).toBeGreaterThanOrEqual(200);
    expect(loaded.revision).toBe(records.length);
  });

  it('refuses writes on a full disk and loses nothing', () => {
    const path = join(folder, 'objects.sqlite');
    const backend = openSqliteBackend(path, { maxPages: 12 });
    const write = (revision: number, value: string): void =>
      backend.put({
        key: '/secrets',
        namespace: 'n',
        name: `s${revision}`,
        revision,
        object: secret(`s${revision}`, value),
      });
    write(1, 'small');
    expect(codeOf(() => write(2, 'x'.repeat(200_000)))).toBe('E_STORE_FULL');
    write(3, 'small');
    backend.close();
    const again = openSqliteBackend(path);
    expect([...again.load().records].map(({ name }) => name)).toEqual(['s1', 's3']);
    again.close();
  });
});
