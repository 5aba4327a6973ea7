import { describe, expect, it } from 'vitest';
import { runNode } from '../scripts/process.ts';
import { processesWith } from './support/drey.ts';

describe('npm start -- --once', () => {
  it('runs a real job, upgrades it with its state, stops it and leaves no process', async () => {
    const done = await runNode(['scripts/start.ts', '--once']);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('restored from that savepoint');
    expect(done.stdout).toContain('nothing is left running');
    expect(processesWith('drey-once-')).toEqual([]);
  });
});
