import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AddressBlocks, claimAddressBlocks } from './address-blocks.ts';

const claims: AddressBlocks[] = [];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drey-blocks-'));
});
afterEach(() => {
  for (const one of claims.splice(0)) one.release();
  rmSync(folder, { recursive: true, force: true });
});

async function claim(name: string, dataDirectory?: string): Promise<AddressBlocks> {
  const blocks = await claimAddressBlocks(name, dataDirectory);
  claims.push(blocks);
  return blocks;
}

test('clusters whose names point to the same block get different ones', async () => {
  const first = await claim('side-by-side');
  const second = await claim('side-by-side');
  expect(second.podRange).not.toBe(first.podRange);
  expect(second.serviceRange).not.toBe(first.serviceRange);
});

test('a cluster with data comes back to its block, and is refused when another cluster has it', async () => {
  const first = await claim('with-data', folder);
  first.keep();
  first.release();
  claims.length = 0;
  await new Promise((resolve) => setImmediate(resolve));
  const again = await claim('another-name', folder);
  expect(again.podRange).toBe(first.podRange);
  again.keep();
  const third = await claim('another-name', folder);
  expect(() => third.keep()).toThrow(expect.objectContaining({ code: 'E_CLI_ADDRESSES' }));
});
