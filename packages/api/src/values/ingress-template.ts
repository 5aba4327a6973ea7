import type { Reading } from './quantity.ts';

/** Where an ingress leads to. */
export interface IngressTarget {
  /** Empty when the rule is for every host. */
  readonly host: string;
  /** Empty when the rule is for every path. */
  readonly path: string;
}

const KNOWN_SCHEMES = new Set(['http', 'https', 'ftp', 'file', 'jar', 'mailto', 'jmod', 'jrt']);

/**
 * Expands an ingress template: `{{name}}` and `{{namespace}}` are filled in, in any letter case; host and path are those of
 * the URL that results, `http://` being assumed. The reasons of a refusal are the words that the Apache operator uses.
 */
export function expandIngressTemplate(template: string, name: string, namespace: string): Reading<IngressTarget> {
  const filled = template
    .replace(/\{\{name\}\}/gi, () => name.replaceAll('\\', ''))
    .replace(/\{\{namespace\}\}/gi, () => namespace.replaceAll('\\', ''));
  const url = parseUrl(/^[A-Za-z]+:\/\//.test(filled) ? filled : `http://${filled}`);
  if (url.ok) return url;
  return { ok: false, reason: `Unable to process the Ingress template(${template}). Error: ${url.reason}` };
}

function parseUrl(text: string): Reading<IngressTarget> {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (!KNOWN_SCHEMES.has(scheme.toLowerCase()))
    return { ok: false, reason: `unknown protocol: ${scheme.toLowerCase()}` };
  const bare = rest.split('#')[0]?.split('?')[0] ?? '';
  // Java takes four slashes for the beginning of a path on a Windows network.
  if (bare.startsWith('//')) return { ok: true, value: { host: '', path: `//${bare}` } };
  const slash = bare.indexOf('/');
  const authority = slash < 0 ? bare : bare.slice(0, slash);
  const path = slash < 0 ? '' : bare.slice(slash);
  if (authority.indexOf('@') !== authority.lastIndexOf('@')) return { ok: true, value: { host: '', path } };
  const address = authority.slice(authority.indexOf('@') + 1);
  const host = hostOf(address, authority);
  return host.ok ? { ok: true, value: { host: host.value, path } } : host;
}

function hostOf(address: string, authority: string): Reading<string> {
  if (address.startsWith('[')) {
    const end = address.indexOf(']');
    if (end < 2) return { ok: false, reason: `Invalid authority field: ${authority}` };
    const after = address.slice(end + 1);
    if (after !== '' && !after.startsWith(':')) return { ok: false, reason: `Invalid authority field: ${authority}` };
    return checkPort(address.slice(0, end + 1), after.slice(1));
  }
  const colon = address.indexOf(':');
  return colon < 0 ? { ok: true, value: address } : checkPort(address.slice(0, colon), address.slice(colon + 1));
}

function checkPort(host: string, port: string): Reading<string> {
  if (port === '') return { ok: true, value: host };
  const wrong = [...port].findIndex((char, index) => !/\d/.test(char) && !(index === 0 && /[+-]/.test(char)));
  if (wrong < 0 && /^[+-]$/.test(port)) return { ok: false, reason: `Error at index 1 in: "${port}"` };
  if (wrong >= 0) return { ok: false, reason: `Error at index ${wrong} in: "${port}"` };
  if (Number(port) < -1) return { ok: false, reason: `Invalid port number :${port}` };
  return { ok: true, value: host };
}
