import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DecisionFile } from './decision-export.ts';

/** The decisions of an operator, redacted. */
export interface DecisionSource {
  /** The objects that decisions are kept of. */
  objects(): readonly { readonly kind: string; readonly key: string; readonly decisions: number }[];
  /** The last decisions about one object, oldest first; undefined when none are kept. */
  file(kind: string, key: string): DecisionFile | undefined;
}

const PREFIX = '/debug/decisions';

/**
 * Answers `GET /debug/decisions` (the objects there are decisions about) and `GET /debug/decisions/<Kind>/<namespace>/<name>`
 * (a file for `drey replay`). Only callers on the same machine, or in the same pod, get an answer: worlds are more than
 * metrics. Returns false for other paths.
 */
export function answerDebug(request: IncomingMessage, response: ServerResponse, source: DecisionSource): boolean {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path !== PREFIX && !path.startsWith(`${PREFIX}/`)) return false;
  if (!isLoopback(request)) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('decisions are told on the loopback address only\n');
    return true;
  }
  const [kind, namespace, name, ...rest] = path.slice(PREFIX.length + 1).split('/');
  if (kind === undefined || kind === '') return json(response, { objects: source.objects() });
  const file = rest.length > 0 ? undefined : source.file(kind, `${namespace}/${name}`);
  if (file !== undefined) return json(response, file);
  response.writeHead(404, { 'content-type': 'text/plain' }).end('no decisions are kept of this object\n');
  return true;
}

/** By the address of the caller, and by the name it called: a page in a browser may call any name. */
function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const local = /^(?:::ffff:)?127\.|^::1$/.test(address);
  return local && (host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host));
}

function json(response: ServerResponse, body: unknown): true {
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body, null, 1)}\n`);
  return true;
}
