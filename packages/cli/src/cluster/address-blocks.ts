import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { CliError } from '../errors.ts';

/** Pods have 127.64 to 127.93, Services 127.96 to 127.125: one block of each for every cluster of this machine. */
const BLOCKS = 30;
/** A listener here, on the last address of a block, says that a cluster uses it; it ends with the process that opened it. */
const CLAIM_PORT = 65_000;
const FILE = 'address-block';

/** Loopback addresses of one cluster. */
export interface AddressBlocks {
  readonly podRange: string;
  readonly serviceRange: string;
  /**
   * Call when the data directory is open: notes the block in it, and rejects with `E_CLI_ADDRESSES` when another cluster uses
   * the block of this data. (Only then is it sure that the other one is not simply on the same data.)
   */
  keep(): void;
  release(): void;
}

/**
 * Claims a block of pod addresses and one of Service addresses: that of the cluster's data when it has been here before,
 * since Services keep their addresses; else the one its name points to, or the next that is free.
 *
 * Rejects with `E_CLI_ADDRESSES` when every block is in use.
 */
export async function claimAddressBlocks(name: string, dataDirectory: string | undefined): Promise<AddressBlocks> {
  const kept = dataDirectory === undefined ? undefined : keptBlock(dataDirectory);
  if (kept !== undefined) {
    const claim = await claimed(kept);
    const keep = (): void => {
      if (claim === undefined) throw inUse(`another cluster uses the addresses of "${name}", 127.${64 + kept}.0.0/16`);
    };
    return { ...rangesOf(kept), keep, release: () => void claim?.close() };
  }
  const first = preferredBlock(name);
  for (let i = 0; i < BLOCKS; i++) {
    const block = (first + i) % BLOCKS;
    const claim = await claimed(block);
    if (claim === undefined) continue;
    const keep = (): void => {
      if (dataDirectory !== undefined) writeFileSync(join(dataDirectory, FILE), `${block}\n`);
    };
    return { ...rangesOf(block), keep, release: () => void claim.close() };
  }
  throw inUse('every block of loopback addresses is in use by a cluster of this machine');
}

function rangesOf(block: number): { readonly podRange: string; readonly serviceRange: string } {
  return { podRange: `127.${64 + block}.0.0/16`, serviceRange: `127.${96 + block}.0.0/16` };
}

function inUse(message: string): CliError {
  return new CliError(
    'E_CLI_ADDRESSES',
    message,
    'Stop one of the clusters that run: drey down --name NAME',
    'conflict',
  );
}

function preferredBlock(name: string): number {
  if (name === 'default') return 0;
  return 1 + [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % (BLOCKS - 1), 0);
}

function keptBlock(dataDirectory: string): number | undefined {
  const path = join(dataDirectory, FILE);
  const block = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : Number.NaN;
  return block >= 0 && block < BLOCKS ? block : undefined;
}

/** The claim, or undefined when somebody else has it. */
function claimed(block: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy()).unref();
    server.once('error', () => resolve(undefined));
    server.listen({ host: `127.${64 + block}.255.254`, port: CLAIM_PORT, exclusive: true }, () => resolve(server));
  });
}
