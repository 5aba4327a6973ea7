import type { Reading } from './quantity.ts';

/** Host and path of a URL. */
export interface HostAndPath {
  /** Empty where there is none. */
  readonly host: string;
  /** Empty where there is none. */
  readonly path: string;
}

/**
 * Takes an `http` or `https` URL apart as `java.net.URL` does: neither host nor path is encoded, decoded or
 * tidied, and what follows `?` or `#` is dropped. The reasons of a refusal are Java's words.
 */
export function readJavaUrl(text: string): Reading<HostAndPath> {
  const trimmed = trimControls(text);
  const rest = trimmed.slice(trimmed.indexOf(':') + 1);
  const bare = rest.split('#')[0]?.split('?')[0] ?? '';
  // Java takes four slashes for the beginning of a path on a Windows network.
  if (!bare.startsWith('//') || bare.startsWith('////')) return { ok: true, value: { host: '', path: bare } };
  const slash = bare.indexOf('/', 2);
  const authority = slash < 0 ? bare.slice(2) : bare.slice(2, slash);
  const path = slash < 0 ? '' : bare.slice(slash);
  if (authority.indexOf('@') !== authority.lastIndexOf('@')) return { ok: true, value: { host: '', path } };
  const host = hostOf(authority.slice(authority.indexOf('@') + 1), authority);
  return host.ok ? { ok: true, value: { host: host.value, path } } : host;
}

/** Without control characters and blanks at both ends. */
function trimControls(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start += 1;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end -= 1;
  return text.slice(start, end);
}

function hostOf(address: string, authority: string): Reading<string> {
  if (!address.startsWith('[')) {
    const colon = address.indexOf(':');
    return colon < 0 ? checkHost(address, '') : checkHost(address.slice(0, colon), address.slice(colon + 1));
  }
  const end = address.indexOf(']');
  if (end < 3) return { ok: false, reason: `Invalid authority field: ${authority}` };
  const host = address.slice(0, end + 1);
  if (!isIpv6(address.slice(1, end))) return { ok: false, reason: `Invalid host: ${host}` };
  const after = address.slice(end + 1);
  if (after !== '' && !after.startsWith(':')) return { ok: false, reason: `Invalid authority field: ${authority}` };
  return checkHost(host, after.slice(1));
}

function checkHost(host: string, port: string): Reading<string> {
  const wrong = wrongPort(port);
  if (wrong !== undefined) return { ok: false, reason: wrong };
  const control = [...host].find((char) => char < ' ' || char === '\x7f');
  if (control === undefined) return { ok: true, value: host };
  return { ok: false, reason: `Illegal character found in host: ${nameOfControl(control)}` };
}

function nameOfControl(char: string): string {
  if (char === '\n') return 'LF';
  return char === '\r' ? 'CR' : `control char (code=${char.charCodeAt(0)})`;
}

const LARGEST_INT = 2 ** 31 - 1;

/** What is wrong with a port: Java reads a number of 32 bits in digits of any script, and refuses only those below -1. */
function wrongPort(port: string): string | undefined {
  const negative = port.startsWith('-');
  const signed = negative || port.startsWith('+');
  if (signed && port.length === 1) return `Error at index 1 in: "${port}"`;
  let number = 0;
  for (let index = signed ? 1 : 0; index < port.length; index += 1) {
    const digit = digitOf(port.charCodeAt(index));
    number = number * 10 + (digit ?? Number.NaN);
    if (!(number <= LARGEST_INT + (negative ? 1 : 0))) return `Error at index ${index} in: "${port}"`;
  }
  return negative && number > 1 ? `Invalid port number :${-number}` : undefined;
}

/** The value of a decimal digit, of any script: those of each script stand together, from zero to nine. */
function digitOf(unit: number): number | undefined {
  if (!/\p{Nd}/u.test(String.fromCharCode(unit))) return undefined;
  let zero = unit;
  while (zero > unit - 9 && /\p{Nd}/u.test(String.fromCharCode(zero - 1))) zero -= 1;
  return unit - zero;
}

/** Whether a text is an address of IPv6; what follows `%` names its zone. */
function isIpv6(text: string): boolean {
  const percent = text.indexOf('%');
  if (percent >= 0 && percent === text.length - 1) return false;
  const address = percent < 0 ? text : text.slice(0, percent);
  const last = address.slice(address.lastIndexOf(':') + 1);
  const withGroups = last.includes('.') && isIpv4(last) ? `${address.slice(0, -last.length)}0:0` : address;
  const [before = '', after, ...more] = withGroups.split('::');
  if (more.length > 0) return false;
  const groups = [...groupsOf(before), ...(after === undefined ? [] : groupsOf(after))];
  const fits = after === undefined ? groups.length === 8 : groups.length < 8;
  return fits && groups.every((group) => /^0*[0-9A-Fa-f]{1,4}$/.test(group));
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));

function isIpv4(text: string): boolean {
  const bytes = text.split('.');
  return bytes.length === 4 && bytes.every((byte) => /^0*\d{1,3}$/.test(byte) && Number(byte) < 256);
}
