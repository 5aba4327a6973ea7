import { createServer } from 'node:http';
import { answerDebug } from './debug-endpoint.ts';
import type { Operator } from './operator.ts';

/**
 * Serves `/` and `/healthz` (200 while the operator is ready, 500 otherwise) and `/metrics`. Resolves when it listens, with
 * the port and the way to stop. Decisions are at `/debug/decisions`, for callers on the loopback address.
 */
export async function serveHealth(
  operator: Pick<Operator, 'ready' | 'metrics' | 'decisions'>,
  options: { readonly port: number; readonly host?: string },
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (answerDebug(request, response, operator.decisions)) return;
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path === '/metrics') {
      operator.metrics.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': operator.metrics.registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
      return;
    }
    response
      .writeHead(operator.ready ? 200 : 500, { 'content-type': 'text/plain' })
      .end(operator.ready ? 'OK' : 'not ready');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', () => resolve());
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
