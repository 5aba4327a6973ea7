/** A path however its URI is written (`file:/x`, `file:///x`, `/x`, a trailing slash). */
export function plainPath(uri: string): string {
  return uri.replace(/^file:\/*/, '/').replace(/\/+$/, '');
}
