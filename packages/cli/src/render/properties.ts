/**
 * Flat properties: one `key=value` a line; lines that begin with `#` or `!` are comments. Only the first `=` separates, so
 * values may hold any. A later line wins.
 */
export function parseProperties(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimStart();
    const at = trimmed.indexOf('=');
    if (at <= 0 || trimmed.startsWith('#') || trimmed.startsWith('!')) continue;
    out[trimmed.slice(0, at).trimEnd()] = trimmed.slice(at + 1).trimStart();
  }
  return out;
}
