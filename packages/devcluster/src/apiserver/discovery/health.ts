import type { ApiResponse } from '../contract.ts';
import { textResponse } from '../front/wire.ts';

/** The checks this server has; it serves only when all of them hold. */
const checks = ['ping', 'etcd', 'poststarthook/rbac/bootstrap-roles'];

/** `/healthz`, `/livez`, `/readyz`, one check by name below them, and the list with `?verbose`. */
export function healthResponse(root: string, rest: readonly string[], query: URLSearchParams): ApiResponse {
  const known = root === 'readyz' ? [...checks, 'shutdown'] : checks;
  if (rest.length > 0)
    return known.includes(rest.join('/')) ? textResponse(200, 'ok') : textResponse(404, '404 page not found\n');
  if (!query.has('verbose')) return textResponse(200, 'ok');
  return textResponse(200, `${known.map((name) => `[+]${name} ok\n`).join('')}${root} check passed\n`);
}
