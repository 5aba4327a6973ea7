import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@drey/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killProcess, ProcessTable, processStat, sessionMembers } from './processes.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drey-proc-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const until = async (condition: () => boolean) => {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((done) => setTimeout(done, 20));
  expect(condition()).toBe(true);
};
const sh = (script: string) => ['-c', script];
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };

describe('process table', () => {
  it('records a process while it runs and reports how it ended', async () => {
    const table = new ProcessTable(directory, systemClock);
    const a = await table.spawn('/bin/sh', sh('exit 7'), { env, stdin: false });
    expect(await a.exited).toEqual({ code: 7, signal: undefined });
    const b = await table.spawn('/bin/sleep', ['60'], { env, stdin: false });
    expect(readdirSync(directory)).toEqual([String(b.pid)]);
    killProcess(b.pid, 'SIGTERM');
    expect(await b.exited).toEqual({ code: 143, signal: 'SIGTERM' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('rejects a program that does not exist', async () => {
    const table = new ProcessTable(directory, systemClock);
    await expect(table.spawn('/no/such', [], { env, stdin: false })).rejects.toThrow(/ENOENT/);
  });

  it('kills what a container leaves behind in its session, whatever group it moved to', async () => {
    const table = new ProcessTable(directory, systemClock);
    const leader = await table.spawn('/bin/bash', sh('set -m; sleep 61 & sleep 62 & sleep 0.1; exit 0'), {
      env,
      stdin: false,
    });
    await leader.exited;
    expect(sessionMembers(leader.pid)).toEqual([]);
  });

  it('ends at start what an earlier instance left, and nothing else', async () => {
    const left = spawn('/bin/sh', sh('sleep 63 & sleep 63'), { detached: true, stdio: 'ignore' });
    const stranger = spawn('/bin/sleep', ['64'], { detached: true, stdio: 'ignore' });
    await until(() => sessionMembers(left.pid ?? 0).length === 3);
    writeFileSync(join(directory, String(left.pid)), `${processStat(left.pid ?? 0)?.startTime}\n`);
    writeFileSync(join(directory, String(stranger.pid)), '1\n');
    const table = new ProcessTable(directory, systemClock);
    expect(await table.endLeftovers()).toBe(1);
    expect(sessionMembers(left.pid ?? 0)).toEqual([]);
    expect(processStat(stranger.pid ?? 0)).toBeDefined();
    killProcess(stranger.pid ?? 0, 'SIGKILL');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('has a guard that kills everything when the node process is killed', async () => {
    const script = `
      import { ProcessTable } from ${JSON.stringify(join(import.meta.dirname, 'processes.ts'))};
      import { systemClock } from '@drey/kube';
      const table = new ProcessTable(${JSON.stringify(directory)}, systemClock);
      table.startGuard();
      const p = await table.spawn('/bin/sh', ['-c', 'sleep 65 & sleep 65'], { env: process.env, stdin: false });
      console.log(p.pid);
      setInterval(() => undefined, 1000);`;
    const node = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((done) => node.stdout.once('data', (data) => done(Number(String(data)))));
    await until(() => sessionMembers(pid).length === 3);
    node.kill('SIGKILL');
    await until(() => sessionMembers(pid).length === 0);
  });
});
