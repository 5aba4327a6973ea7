import type { UriText } from './uri-text.ts';

const HEX = '0-9A-Fa-f';
const ADDRESS_BYTES = 16;

/** The place behind an IPv4 address of four numbers; undefined where there is none. */
export function readIpv4(text: UriText, start: number, end: number): number | undefined {
  const found = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?![\d.])/.exec(text.input.slice(start, end));
  if (found === null || found.slice(1).some((byte) => Number(byte) > 255)) return undefined;
  return start + found[0].length;
}

/** Throws unless a part of a URI is an IPv6 address. */
export function readIpv6(text: UriText, start: number, end: number): void {
  const { input } = text;
  const address = new Ipv6(text, end);
  let at = address.groups(start);
  let shortened = false;
  if (input.startsWith('::', at ?? start) && (at ?? start) < end) {
    shortened = true;
    at = address.afterShortening((at ?? start) + 2);
  } else if (at !== undefined && at < end && input[at] === ':') at = address.ipv4(at + 1, 'IPv4 address');
  if ((at ?? start) < end) throw text.failure('Malformed IPv6 address', start);
  if (address.bytes > ADDRESS_BYTES) throw text.failure('IPv6 address too long', start);
  if (!shortened && address.bytes < ADDRESS_BYTES) throw text.failure('IPv6 address too short', start);
  if (shortened && address.bytes === ADDRESS_BYTES) throw text.failure('Malformed IPv6 address', start);
}

/** The parts of an IPv6 address, whose bytes are counted as they are found. */
class Ipv6 {
  readonly #text: UriText;
  readonly #end: number;
  bytes = 0;

  constructor(text: UriText, end: number) {
    this.#text = text;
    this.#end = end;
  }

  /** The place behind groups that single colons join; undefined where none begins. */
  groups(start: number): number | undefined {
    const first = this.#group(start);
    if (first === undefined) return undefined;
    let at = first;
    while (at < this.#end && this.#char(at) === ':' && this.#char(at + 1) !== ':') {
      if (this.#text.scan(at + 1, this.#end, HEX) <= at + 1)
        throw this.#text.expected('digits for an IPv6 address', at + 1);
      const next = this.#group(at + 1);
      if (next === undefined) break;
      at = next;
    }
    return at;
  }

  /** The place behind what may follow `::`. */
  afterShortening(start: number): number {
    if (start >= this.#end) return start;
    const expected = 'hex digits or IPv4 address';
    const at = this.groups(start);
    if (at === undefined) return this.ipv4(start, expected);
    return at < this.#end && this.#char(at) === ':' ? this.ipv4(at + 1, expected) : at;
  }

  ipv4(start: number, expected: string): number {
    const at = readIpv4(this.#text, start, this.#end);
    if (at === undefined || at !== this.#end) throw this.#text.expected(expected, start);
    this.bytes += 4;
    return at;
  }

  /** The place behind one group of at most four digits; undefined where there is none, or where an IPv4 address begins. */
  #group(start: number): number | undefined {
    const at = this.#text.scan(start, this.#end, HEX);
    if (at <= start || (at < this.#end && this.#char(at) === '.')) return undefined;
    if (at > start + 4) throw this.#text.failure('IPv6 hexadecimal digit sequence too long', start);
    this.bytes += 2;
    return at;
  }

  #char(at: number): string {
    return this.#text.input[at] ?? '';
  }
}
