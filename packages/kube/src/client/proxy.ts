/**
 * The proxy for `server` by the usual variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, in either case); undefined for none.
 * Loopback addresses are never proxied. NO_PROXY takes hosts, domain suffixes, `host:port` and `*`; address ranges are not
 * understood.
 */
export function proxyFor(server: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const url = new URL(server);
  const pick = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const proxy = pick(url.protocol === 'http:' ? 'HTTP_PROXY' : 'HTTPS_PROXY');
  if (proxy === undefined) return undefined;
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return undefined;
  for (const raw of (pick('NO_PROXY') ?? '').split(',')) {
    const rule = raw.trim().toLowerCase();
    if (rule === '*') return undefined;
    const [name = '', port] = rule.split(':');
    if (name === '' || (port !== undefined && port !== url.port)) continue;
    const bare = name.replace(/^\*?\./, '');
    if (host === bare || host.endsWith(`.${bare}`)) return undefined;
  }
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}
