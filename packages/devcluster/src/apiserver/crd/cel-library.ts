import {
  type CelFunc,
  type CelInput,
  type CelList,
  CelScalar,
  type CelValue,
  celFunc,
  celMethod,
  listType,
  mapType,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../schema/index.ts';
import { addressIs, canonicalIp, cidrContainsCidr, cidrContainsIp, maskedCidr, parseCidr } from './cel-addresses.ts';
import { formatFunctions } from './cel-formats.ts';
import { unwrap, wrap } from './cel-opaque.ts';
import { optionalFunctions } from './cel-optional.ts';
import { compilePattern } from './pattern.ts';

/** The functions that Kubernetes adds to CEL for rules of custom resources. */

const { BOOL, DOUBLE, DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);
const MAP = mapType(DYN, DYN);

function listFunctions(): CelFunc[] {
  return [
    celMethod('isSorted', LIST, [], BOOL, function () {
      const items = [...this];
      return items.every((v, i) => i === 0 || compare(items[i - 1], v) <= 0);
    }),
    celMethod('sum', LIST, [], DYN, function () {
      return [...this].reduce<bigint | number>(add, 0n);
    }),
    celMethod('min', LIST, [], DYN, function () {
      return extreme(this, 'min', -1);
    }),
    celMethod('max', LIST, [], DYN, function () {
      return extreme(this, 'max', 1);
    }),
    celMethod('indexOf', LIST, [DYN], INT, function (value) {
      return BigInt([...this].findIndex((v) => same(v, value)));
    }),
    celMethod('lastIndexOf', LIST, [DYN], INT, function (value) {
      return BigInt([...this].findLastIndex((v) => same(v, value)));
    }),
    celFunc('sets.contains', [LIST, LIST], BOOL, (a, b) => contains(a, b)),
    celFunc('sets.equivalent', [LIST, LIST], BOOL, (a, b) => contains(a, b) && contains(b, a)),
    celFunc('sets.intersects', [LIST, LIST], BOOL, (a, b) => [...a].some((v) => [...b].some((w) => same(v, w)))),
  ];
}

function contains(list: CelList, other: CelList): boolean {
  return [...other].every((w) => [...list].some((v) => same(v, w)));
}

/** Equality of scalars; numbers compare across int and double. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a === 'bigint' && typeof b === 'number') return Number(a) === b;
  if (typeof a === 'number' && typeof b === 'bigint') return a === Number(b);
  return a === b;
}

function add(sum: bigint | number, value: unknown): bigint | number {
  if (typeof value === 'bigint') return typeof sum === 'bigint' ? sum + value : sum + Number(value);
  if (typeof value === 'number') return Number(sum) + value;
  throw new Error('no such overload');
}

function extreme(list: CelList, name: string, sign: number): CelInput {
  const [first, ...rest] = [...list];
  if (first === undefined) throw new Error(`${name} called on empty list`);
  return rest.reduce<CelValue>((found, v) => (compare(v, found) * sign > 0 ? v : found), first) as CelInput;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== typeof b && !(isNumeric(a) && isNumeric(b))) throw new Error('no such overload');
  return (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'bigint' || typeof value === 'number';
}

function regexFunctions(): CelFunc[] {
  return [
    celMethod('find', STRING, [STRING], STRING, function (pattern) {
      return regex(pattern).exec(this)?.[0] ?? '';
    }),
    celMethod('findAll', STRING, [STRING], LIST, function (pattern) {
      return all(this, pattern);
    }),
    celMethod('findAll', STRING, [STRING, INT], LIST, function (pattern, limit) {
      return limit < 0n ? all(this, pattern) : all(this, pattern).slice(0, Number(limit));
    }),
  ];
}

function regex(pattern: string): RegExp {
  const compiled = compilePattern(pattern);
  if (compiled === undefined) throw new Error(`Illegal regex: ${pattern}`);
  return compiled;
}

function all(text: string, pattern: string): string[] {
  const { source, flags } = regex(pattern);
  return [...text.matchAll(new RegExp(source, `${flags}g`))].map((m) => m[0]);
}

function parseUrl(text: string): URL | undefined {
  const absolute = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text);
  if (!absolute && !text.startsWith('/')) return undefined;
  return URL.parse(text, absolute ? undefined : 'relative://-') ?? undefined;
}

/** Host and port as they were written; the URL type drops default ports. */
function authority(text: string): string {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#]*)/.exec(text)?.[1] ?? '';
}

function urlFunctions(): CelFunc[] {
  const part = (name: string, read: (url: URL) => string): CelFunc =>
    celMethod(name, MAP, [], STRING, function () {
      return read(unwrap(this, 'url').url);
    });
  return [
    celFunc('isURL', [STRING], BOOL, (text) => parseUrl(text) !== undefined),
    celFunc('url', [STRING], MAP, (text) => {
      const url = parseUrl(text);
      if (url === undefined)
        throw new Error(
          `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
        );
      return wrap({ kind: 'url', url, text });
    }),
    part('getScheme', (url) => (url.protocol === 'relative:' ? '' : url.protocol.slice(0, -1))),
    part('getHostname', (url) => (url.protocol === 'relative:' ? '' : url.hostname.replace(/^\[|\]$/g, ''))),
    celMethod('getHost', MAP, [], STRING, function () {
      return authority(unwrap(this, 'url').text);
    }),
    celMethod('getPort', MAP, [], STRING, function () {
      return /:(\d+)$/.exec(authority(unwrap(this, 'url').text))?.[1] ?? '';
    }),
    part('getEscapedPath', (url) => (url.pathname === '/' && url.href.endsWith(url.host) ? '' : url.pathname)),
    celMethod('getQuery', MAP, [], MAP, function () {
      const query = new Map<string, string[]>();
      for (const [key, value] of unwrap(this, 'url').url.searchParams)
        query.set(key, [...(query.get(key) ?? []), value]);
      return query as ReadonlyMap<string, CelInput>;
    }),
  ];
}

function quantityOf(value: unknown): Quantity {
  const parsed = parseQuantity(unwrap(value, 'quantity').text);
  if (parsed === undefined) throw new Error('no such overload');
  return parsed;
}

function quantityFunctions(): CelFunc[] {
  const order = (name: string, test: (n: number) => boolean): CelFunc =>
    celMethod(name, MAP, [MAP], BOOL, function (other) {
      return test(compareOpaque(this, other));
    });
  return [
    celFunc('isQuantity', [STRING], BOOL, (text) => parseQuantity(text) !== undefined),
    celFunc('quantity', [STRING], MAP, (text) => wrapQuantity(parseQuantity(text))),
    celMethod('sign', MAP, [], INT, function () {
      const { digits } = quantityOf(this);
      return digits < 0n ? -1n : digits > 0n ? 1n : 0n;
    }),
    celMethod('isInteger', MAP, [], BOOL, function () {
      const q = quantityOf(this);
      return q.exponent >= 0 || q.digits % 10n ** BigInt(-q.exponent) === 0n;
    }),
    celMethod('asInteger', MAP, [], INT, function () {
      const q = quantityOf(this);
      const divisor = 10n ** BigInt(Math.max(0, -q.exponent));
      if (q.digits % divisor !== 0n) throw new Error('cannot convert value to integer');
      return q.exponent >= 0 ? q.digits * 10n ** BigInt(q.exponent) : q.digits / divisor;
    }),
    celMethod('asApproximateFloat', MAP, [], DOUBLE, function () {
      const q = quantityOf(this);
      return Number(q.digits) * 10 ** q.exponent;
    }),
    order('isLessThan', (n) => n < 0),
    order('isGreaterThan', (n) => n > 0),
    celMethod('compareTo', MAP, [MAP], INT, function (other) {
      return BigInt(Math.sign(compareOpaque(this, other)));
    }),
    celMethod('add', MAP, [DYN], MAP, function (other) {
      return wrapQuantity(addQuantities(quantityOf(this), operand(other), 1n));
    }),
    celMethod('sub', MAP, [DYN], MAP, function (other) {
      return wrapQuantity(addQuantities(quantityOf(this), operand(other), -1n));
    }),
  ];
}

function compareOpaque(a: unknown, b: unknown): number {
  return compareQuantities(quantityOf(a), quantityOf(b));
}

function operand(value: unknown): Quantity {
  return typeof value === 'bigint' ? { digits: value, exponent: 0, format: 'DecimalSI' } : quantityOf(value);
}

function addQuantities(a: Quantity, b: Quantity, sign: bigint): Quantity {
  const exponent = Math.min(a.exponent, b.exponent);
  const left = a.digits * 10n ** BigInt(a.exponent - exponent);
  const right = b.digits * 10n ** BigInt(b.exponent - exponent);
  return { digits: left + sign * right, exponent, format: a.format };
}

function wrapQuantity(quantity: Quantity | undefined): CelInput {
  if (quantity === undefined) {
    throw new Error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  return wrap({ kind: 'quantity', text: formatQuantity(quantity) }) as CelInput;
}

function addressFunctions(): CelFunc[] {
  const is = (name: string, range: Parameters<typeof addressIs>[1]): CelFunc =>
    celMethod(name, MAP, [], BOOL, function () {
      return addressIs(unwrap(this, 'ip').text, range);
    });
  return [
    celFunc('isIP', [STRING], BOOL, (text) => canonicalIp(text) !== undefined),
    celFunc('ip', [STRING], MAP, (text) => wrap({ kind: 'ip', text: addressOf(text) })),
    celFunc('ip.isCanonical', [STRING], BOOL, (text) => addressOf(text) === text),
    celMethod('family', MAP, [], INT, function () {
      return unwrap(this, 'ip').text.includes(':') ? 6n : 4n;
    }),
    is('isUnspecified', 'unspecified'),
    is('isLoopback', 'loopback'),
    is('isLinkLocalMulticast', 'linkLocalMulticast'),
    is('isLinkLocalUnicast', 'linkLocalUnicast'),
    is('isGlobalUnicast', 'globalUnicast'),
    celFunc('isCIDR', [STRING], BOOL, (text) => parseCidr(text) !== undefined),
    celFunc('cidr', [STRING], MAP, (text) =>
      wrap({ kind: 'cidr', text: `${cidrOf(text).address}/${cidrOf(text).bits}` }),
    ),
    celMethod('containsIP', MAP, [DYN], BOOL, function (other) {
      const address = typeof other === 'string' ? addressOf(other) : unwrap(other, 'ip').text;
      return cidrContainsIp(cidrOf(unwrap(this, 'cidr').text), address);
    }),
    celMethod('containsCIDR', MAP, [DYN], BOOL, function (other) {
      const inner = typeof other === 'string' ? other : unwrap(other, 'cidr').text;
      return cidrContainsCidr(cidrOf(unwrap(this, 'cidr').text), cidrOf(inner));
    }),
    celMethod('ip', MAP, [], MAP, function () {
      return wrap({ kind: 'ip', text: cidrOf(unwrap(this, 'cidr').text).address });
    }),
    celMethod('masked', MAP, [], MAP, function () {
      return wrap({ kind: 'cidr', text: maskedCidr(cidrOf(unwrap(this, 'cidr').text)) });
    }),
    celMethod('prefixLength', MAP, [], INT, function () {
      return BigInt(cidrOf(unwrap(this, 'cidr').text).bits);
    }),
    celFunc('string', [MAP], STRING, (value) => textOf(value)),
  ];
}

function textOf(value: unknown): string {
  for (const kind of ['ip', 'cidr', 'quantity', 'url'] as const) {
    try {
      return unwrap(value, kind).text;
    } catch {
      // Another kind of value.
    }
  }
  throw new Error('no such overload');
}

function addressOf(text: string): string {
  const address = canonicalIp(text);
  if (address === undefined) {
    throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string: unable to parse IP`);
  }
  return address;
}

function cidrOf(text: string): NonNullable<ReturnType<typeof parseCidr>> {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`network address parse error during conversion from string: ${text}`);
  return cidr;
}

/** Everything that rules may call beyond the standard of CEL. */
export const LIBRARY: CelFunc[] = [
  ...strings,
  ...listFunctions(),
  ...regexFunctions(),
  ...urlFunctions(),
  ...quantityFunctions(),
  ...addressFunctions(),
  ...formatFunctions(),
  ...optionalFunctions(),
];
