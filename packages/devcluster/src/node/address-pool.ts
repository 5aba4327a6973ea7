/**
 * Addresses for pods and Services, taken in turn from a block inside 127/8 so that one given back is not handed out
 * again before the whole block has been used once: clients that still hold the old address of a dead pod must not reach
 * its successor's neighbour.
 */
export class AddressPool {
  readonly #base: number;
  readonly #size: number;
  readonly #used = new Set<number>();
  #next = 1;

  /** `cidr` such as `127.64.0.0/16`; the first and the last address of the block are never given. */
  constructor(cidr: string) {
    const block = parseCidr(cidr);
    this.#base = block.base;
    this.#size = block.size;
  }

  /** The next free address. Throws E_NODE_ADDRESSES_EXHAUSTED when every address is in use. */
  take(): string {
    for (let tried = 0; tried < this.#size - 2; tried++) {
      const offset = this.#next;
      this.#next = offset + 1 >= this.#size - 1 ? 1 : offset + 1;
      if (!this.#used.has(offset)) {
        this.#used.add(offset);
        return formatAddress(this.#base + offset);
      }
    }
    throw new AddressError('E_NODE_ADDRESSES_EXHAUSTED: every address of the block is in use; give a larger block');
  }

  /** Marks an address found in the API server as used. False when it is taken or lies outside of the block. */
  reserve(address: string): boolean {
    const offset = this.#offsetOf(address);
    if (offset === undefined || this.#used.has(offset)) return false;
    this.#used.add(offset);
    if (offset >= this.#next) this.#next = offset + 1 >= this.#size - 1 ? 1 : offset + 1;
    return true;
  }

  release(address: string): void {
    const offset = this.#offsetOf(address);
    if (offset !== undefined) this.#used.delete(offset);
  }

  contains(address: string): boolean {
    return this.#offsetOf(address) !== undefined;
  }

  #offsetOf(address: string): number | undefined {
    const number = parseAddress(address);
    if (number === undefined) return undefined;
    const offset = number - this.#base;
    return offset >= 1 && offset < this.#size - 1 ? offset : undefined;
  }
}

/** A block that is not `a.b.c.d/bits` inside 127/8, or has no address left. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

function parseCidr(cidr: string): { base: number; size: number } {
  const [address = '', bitsText = ''] = cidr.split('/');
  const number = parseAddress(address);
  const bits = Number(bitsText);
  const valid = number !== undefined && number >>> 24 === 127 && Number.isInteger(bits) && bits >= 9 && bits <= 29;
  if (!valid)
    throw new AddressError(`E_NODE_ADDRESS_BLOCK: "${cidr}" is not a block inside 127.0.0.0/8 of 9 to 29 bits`);
  const size = 2 ** (32 - bits);
  return { base: Math.floor(number / size) * size, size };
}

function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}
