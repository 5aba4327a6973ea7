import { readIpv4, readIpv6 } from './java-address.ts';
import type { Reading } from './quantity.ts';
import { UriText, UriTextError } from './uri-text.ts';

/** A URI in its parts, as they stand in the text: nothing is decoded. */
export interface JavaUri {
  /** Undefined for a URI that is relative to another. */
  readonly scheme: string | undefined;
  /** What stands between `//` and the path. */
  readonly authority: string | undefined;
  /** The host of an authority that names a server, IPv6 addresses within brackets. */
  readonly host: string | undefined;
  /** Undefined for URIs such as `mailto:x`, which have none. */
  readonly path: string | undefined;
  readonly query: string | undefined;
  readonly fragment: string | undefined;
}

const ALPHA = 'A-Za-z';
const UNRESERVED = "\\-A-Za-z0-9_.!~*'()";
const USER_INFO = `${UNRESERVED};:&=+$,`;
const REGISTRY = `${UNRESERVED}$,;:@&=+`;
const SERVER = `${USER_INFO}.:@\\[\\]`;
const PATH = `${UNRESERVED}:@&=+$,;/`;
const ANY = `${UNRESERVED};/?:@&=+$,\\[\\]`;

/**
 * Reads a URI as `java.net.URI` does: the grammar of RFC 2396 with IPv6 addresses, besides which visible characters of every
 * script stand for themselves. The reason of a refusal is Java's, with the text behind it.
 */
export function readJavaUri(input: string): Reading<JavaUri> {
  try {
    return { ok: true, value: parse(new UriText(input)) };
  } catch (error) {
    if (error instanceof UriTextError) return { ok: false, reason: `${error.message}: ${input}` };
    throw error;
  }
}

function parse(text: UriText): JavaUri {
  const colon = /^[^/?#:]*:/.exec(text.input)?.[0].length ?? 0;
  if (colon === 0) return hierarchical(text, 0, undefined);
  if (colon === 1) throw text.expected('scheme name', 0);
  text.check(0, 1, ALPHA, 'scheme name');
  text.check(1, colon - 1, `${ALPHA}0-9+.\\-`, 'scheme name');
  const scheme = text.input.slice(0, colon - 1);
  if (text.input[colon] === '/') return hierarchical(text, colon, scheme);
  const end = text.find(colon, '#');
  if (end <= colon) throw text.expected('scheme-specific part', colon);
  text.check(colon, end, ANY, 'opaque part', 'escapes');
  const fragment = fragmentFrom(text, end);
  return { scheme, authority: undefined, host: undefined, path: undefined, query: undefined, fragment };
}

function hierarchical(text: UriText, start: number, scheme: string | undefined): JavaUri {
  const { input } = text;
  let at = start;
  let server: Authority = { authority: undefined, host: undefined };
  if (input.startsWith('//', at)) {
    at += 2;
    const end = text.find(at, '/?#');
    if (end > at) server = authorityOf(text, at, end);
    else if (end === input.length) throw text.expected('authority', at);
    at = end;
  }
  const pathEnd = text.find(at, '?#');
  text.check(at, pathEnd, PATH, 'path', 'escapes');
  const path = input.slice(at, pathEnd);
  const queryEnd = text.find(pathEnd, '#');
  const hasQuery = input[pathEnd] === '?';
  if (hasQuery) text.check(pathEnd + 1, queryEnd, ANY, 'query', 'escapes');
  const query = hasQuery ? input.slice(pathEnd + 1, queryEnd) : undefined;
  return { scheme, ...server, path, query, fragment: fragmentFrom(text, queryEnd) };
}

function fragmentFrom(text: UriText, at: number): string | undefined {
  if (at >= text.input.length) return undefined;
  text.check(at + 1, text.input.length, ANY, 'fragment', 'escapes');
  return text.input.slice(at + 1);
}

type Authority = Pick<JavaUri, 'authority' | 'host'>;

/** An authority names a server, or else it is a name of a registry that only its scheme understands. */
function authorityOf(text: UriText, start: number, end: number): Authority {
  const authority = text.input.slice(start, end);
  // IPv6 addresses may name a zone behind a `%`.
  const isServer = text.scan(start, end, authority.startsWith(']') ? SERVER : `${SERVER}%`, 'escapes') === end;
  const isRegistry = text.scan(start, end, REGISTRY, 'escapes') === end;
  if (!isServer && !isRegistry) throw text.failure('Illegal character in authority', start);
  if (!isServer) return { authority, host: undefined };
  try {
    return { authority, host: serverHost(text, start, end) };
  } catch (error) {
    if (isRegistry && error instanceof UriTextError) return { authority, host: undefined };
    throw error;
  }
}

function serverHost(text: UriText, start: number, end: number): string {
  const userEnd = text.find(start, '@', end);
  let at = start;
  if (userEnd < end) {
    text.check(start, userEnd, USER_INFO, 'user info', 'escapes');
    at = userEnd + 1;
  }
  const hostEnd = text.input[at] === '[' ? bracketsEnd(text, at, end) : nameEnd(text, at, end);
  const host = text.input.slice(at, hostEnd);
  checkPort(text, hostEnd, end);
  return host;
}

function bracketsEnd(text: UriText, start: number, end: number): number {
  const close = text.find(start + 1, ']', end);
  if (close <= start + 1 || close === end) throw text.expected('closing bracket for IPv6 address', close);
  const zone = text.find(start + 1, '%', close);
  const addressEnd = zone > start + 1 ? zone : close;
  readIpv6(text, start + 1, addressEnd);
  if (addressEnd < close) {
    if (zone + 1 === close) throw text.failure('scope id expected');
    text.check(zone + 1, close, 'A-Za-z0-9_.', 'scope id');
  }
  return close + 1;
}

function nameEnd(text: UriText, start: number, end: number): number {
  const address = readIpv4(text, start, end);
  if (address !== undefined && (address === end || text.input[address] === ':')) return address;
  const name = text.input.slice(start, end);
  const [labels = ''] = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.|(?![A-Za-z0-9-])))*/.exec(name) ?? [];
  const after = start + labels.length;
  if (after < end && text.input[after] !== ':') {
    const [dashed = ''] = /^[A-Za-z0-9][A-Za-z0-9-]*/.exec(name.slice(labels.length)) ?? [];
    throw text.failure('Illegal character in hostname', dashed.endsWith('-') ? after + dashed.length - 1 : after);
  }
  if (labels === '') throw text.expected('hostname', start);
  const last = labels.replace(/\.$/, '').lastIndexOf('.') + 1;
  // The last of several labels begins with a letter: otherwise it could be an address.
  if (last > 0 && /^[0-9]/.test(labels.slice(last))) throw text.failure('Illegal character in hostname', start + last);
  return after;
}

function checkPort(text: UriText, start: number, end: number): void {
  if (start === end) return;
  if (text.input[start] !== ':') throw text.expected('port number', start);
  text.check(start + 1, end, '0-9', 'port number');
  if (Number(text.input.slice(start + 1, end)) >= 2 ** 31) throw text.failure('Malformed port number', start + 1);
}
