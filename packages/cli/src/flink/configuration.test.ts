import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { printConfiguration } from './configuration.ts';
import { drawLine } from './progress-bar.ts';

let folder = '';
let printed = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drey-config-'));
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function json(flinkVersion: string, config = folder): Promise<Record<string, unknown>> {
  await printConfiguration({ flinkVersion, config, output: 'json' });
  return JSON.parse(printed) as Record<string, unknown>;
}

describe('drey flink config', () => {
  test('prints the configuration and both breakdowns in bytes', async () => {
    writeFileSync(
      join(folder, 'config.yaml'),
      'jobmanager: {memory.process.size: 1600m}\ntaskmanager.memory.process.size: 1728m\n',
    );
    const out = await json('1.20.5');
    expect(out.config).toEqual({
      'jobmanager.memory.process.size': '1600m',
      'taskmanager.memory.process.size': '1728m',
    });
    expect(out.jobManager).toMatchObject({ heap: 1_073_741_824, overhead: 201_326_592, totalProcess: 1_677_721_600 });
    expect(out.taskManager).toMatchObject({ taskHeap: 402_653_174, managed: 536_870_920, network: 134_217_730 });
  });

  test('a part that Flink refuses is an error in its place, the other part is printed', async () => {
    writeFileSync(join(folder, 'config.yaml'), 'jobmanager.memory.process.size: 1600m\n');
    const out = await json('2.3');
    expect(out.taskManager).toBeUndefined();
    expect(String(out.taskManagerError)).toContain('E_FLINK_MEMORY');
    expect(out.jobManager).toBeDefined();
  });

  test('a file that Flink refuses is an error with line and column, and the command fails', async () => {
    writeFileSync(join(folder, 'config.yaml'), 'a: 1\na: 2\n');
    const out = await json('1.20');
    expect(String(out.error)).toMatch(/line 2, column 1/);
    expect(process.exitCode).toBe(1);
  });

  test('the version decides which file of a directory counts', async () => {
    writeFileSync(join(folder, 'flink-conf.yaml'), 'from: legacy\n');
    writeFileSync(join(folder, 'config.yaml'), 'from: new\n');
    expect((await json('1.20')).config).toEqual({ from: 'legacy' });
    printed = '';
    expect((await json('2.0')).config).toEqual({ from: 'new' });
  });

  test('a single file may have any name', async () => {
    const file = join(folder, 'mine.txt');
    writeFileSync(file, 'a: b # c\n');
    expect((await json('1.17', file)).config).toEqual({ a: 'b' });
  });

  test('a path that does not exist is told with a next step', async () => {
    await expect(json('1.20', join(folder, 'nowhere'))).rejects.toThrow(/does not exist/);
  });
});

test('the progress line shows a bar and megabytes, or megabytes alone where the total is unknown', () => {
  expect(drawLine({ kind: 'bytes', text: 'x', done: 50_000_000, total: 100_000_000 })).toBe(
    `x [${'#'.repeat(15)}${'.'.repeat(15)}]  50% of 100 MB`,
  );
  expect(drawLine({ kind: 'bytes', text: 'x', done: 1_500_000, total: undefined })).toBe('x 1.5 MB');
});
