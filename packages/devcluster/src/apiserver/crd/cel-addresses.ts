import { isIP } from 'node:net';

/** IP addresses and networks as rules see them (apiserver's cel library on netip). */

/** The canonical text of an address; undefined when it is none, has a zone, or is an IPv4 address written as IPv6. */
export function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return text;
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  return /^::ffff:/.test(canonical) ? undefined : canonical;
}

/** Whether an address lies in a special range. */
export function addressIs(
  text: string,
  range: 'unspecified' | 'loopback' | 'linkLocalMulticast' | 'linkLocalUnicast' | 'globalUnicast',
): boolean {
  const v6 = text.includes(':');
  switch (range) {
    case 'unspecified':
      return text === (v6 ? '::' : '0.0.0.0');
    case 'loopback':
      return v6 ? text === '::1' : text.startsWith('127.');
    case 'linkLocalMulticast':
      return v6 ? /^ff.2:/.test(text) : text.startsWith('224.0.0.');
    case 'linkLocalUnicast':
      return v6 ? /^fe[89ab]./.test(text) : text.startsWith('169.254.');
    case 'globalUnicast':
      return isGlobalUnicast(text, v6);
  }
}

function isGlobalUnicast(text: string, v6: boolean): boolean {
  const multicast = v6 ? text.startsWith('ff') : Number(text.split('.')[0]) >= 224 && Number(text.split('.')[0]) < 240;
  const other = addressIs(text, 'unspecified') || addressIs(text, 'loopback') || addressIs(text, 'linkLocalUnicast');
  return !multicast && !other && text !== '255.255.255.255';
}

export interface Cidr {
  readonly address: string;
  readonly bits: number;
  readonly total: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const [host = '', bits = '', ...rest] = text.split('/');
  const address = canonicalIp(host);
  if (rest.length > 0 || address === undefined || !/^(?:0|[1-9]\d*)$/.test(bits)) return undefined;
  const total = address.includes(':') ? 128 : 32;
  return Number(bits) > total ? undefined : { address, bits: Number(bits), total };
}

export function cidrContainsIp(cidr: Cidr, address: string): boolean {
  const total = address.includes(':') ? 128 : 32;
  if (total !== cidr.total) return false;
  const shift = BigInt(cidr.total - cidr.bits);
  return toNumber(address) >> shift === toNumber(cidr.address) >> shift;
}

export function cidrContainsCidr(outer: Cidr, inner: Cidr): boolean {
  return inner.bits >= outer.bits && cidrContainsIp(outer, inner.address);
}

/** The network with the bits behind the prefix cleared. */
export function maskedCidr(cidr: Cidr): string {
  const shift = BigInt(cidr.total - cidr.bits);
  return `${fromNumber((toNumber(cidr.address) >> shift) << shift, cidr.total)}/${cidr.bits}`;
}

function toNumber(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((n, part) => (n << 8n) | BigInt(part), 0n);
  const [left = '', right] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? [] : new Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].reduce((n, part) => (n << 16n) | BigInt(`0x${part}`), 0n);
}

function fromNumber(value: bigint, total: number): string {
  if (total === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return canonicalIp(groups.join(':')) ?? groups.join(':');
}
