import { describe, expect, it } from 'vitest';
import { AddressError, AddressPool } from './address-pool.ts';

describe('address pool', () => {
  it('gives every address once before it gives one again', () => {
    const pool = new AddressPool('127.64.0.0/29');
    const first = [1, 2, 3, 4, 5, 6].map(() => pool.take());
    expect(first).toEqual([1, 2, 3, 4, 5, 6].map((n) => `127.64.0.${n}`));
    pool.release('127.64.0.2');
    pool.release('127.64.0.5');
    expect(pool.take()).toBe('127.64.0.2');
    expect(pool.take()).toBe('127.64.0.5');
    expect(() => pool.take()).toThrow(AddressError);
  });

  it('does not hand out an address right after it was released', () => {
    const pool = new AddressPool('127.64.0.0/24');
    const address = pool.take();
    pool.release(address);
    expect(pool.take()).not.toBe(address);
  });

  it('keeps addresses found in the API server reserved', () => {
    const pool = new AddressPool('127.64.1.0/24');
    expect(pool.reserve('127.64.1.1')).toBe(true);
    expect(pool.reserve('127.64.1.1')).toBe(false);
    expect(pool.reserve('127.65.1.1')).toBe(false);
    expect(pool.take()).toBe('127.64.1.2');
  });

  it('refuses blocks outside of 127/8', () => {
    for (const cidr of ['10.0.0.0/16', '127.0.0.0', '127.0.0.0/31', 'x/16', '127.300.0.0/16']) {
      expect(() => new AddressPool(cidr), cidr).toThrow(/E_NODE_ADDRESS_BLOCK/);
    }
  });
});
