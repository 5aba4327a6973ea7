import { type FlinkTransport, TransportFailure } from '@drey/flink';
import type { FlinkFabric } from './fabric.ts';
import type { SimulatedJobManager } from './jobmanager.ts';
import { handleRest } from './rest.ts';

/**
 * A transport of `@drey/flink` to whatever JobManager `find` names for the host of a request; one that is absent, dead or
 * still starting refuses the connection. Answers come at once: whoever wants latency or faults adds them around it.
 */
export function simulatedFlinkTransport(find: (host: string) => SimulatedJobManager | undefined): FlinkTransport {
  return async ({ method, url, body, headers, signal }) => {
    const { hostname, host, pathname, search } = new URL(url);
    if (signal?.aborted) throw new TransportFailure('aborted', 'the call was aborted', false);
    const jobManager = find(hostname);
    if (jobManager === undefined || !jobManager.alive || !jobManager.restUp) {
      throw new TransportFailure('unreachable', `connect ECONNREFUSED ${host}`, false);
    }
    const isWhole = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const content = isWhole ? body : await firstPiece(body);
    if (!jobManager.alive) throw new TransportFailure('unreachable', 'the connection was closed', true);
    const answer = handleRest(jobManager, method, pathname + search, bodyOf(content, headers['content-type'] ?? ''));
    return { status: answer.status, body: JSON.stringify(answer.body) };
  };
}

/** The address of a cluster's REST Service, as {@link fabricTransport} understands it. */
export function fabricAddress({
  service,
  namespace,
}: {
  readonly service: string;
  readonly namespace: string;
}): string {
  return `http://${service}.${namespace}:8081`;
}

/** Reaches the JobManagers of a fabric under the addresses of {@link fabricAddress}. */
export function fabricTransport(fabric: FlinkFabric): FlinkTransport {
  return simulatedFlinkTransport((host) => {
    const [, cluster = '', namespace = ''] = /^(.+)-rest\.([^.]+)$/.exec(host) ?? [];
    return fabric.leader(`${namespace}/${cluster}`);
  });
}

/** The head of a form that comes in pieces; all of it is read, as a server would. */
async function firstPiece(body: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  let first: Uint8Array | undefined;
  for await (const piece of body) first ??= piece;
  return first;
}

/** JSON, or the name of the file in a multipart form. */
function bodyOf(body: string | Uint8Array | undefined, contentType: string): unknown {
  if (body === undefined || body.length === 0) return null;
  const text = typeof body === 'string' ? body : Buffer.from(body).toString('latin1');
  if (!contentType.startsWith('multipart/')) return JSON.parse(text);
  return { fileName: /filename="([^"]*)"/.exec(text)?.[1] };
}
