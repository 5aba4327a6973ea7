import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { AnyObject } from '@drey/kube';
import type { ApiRequest, ApiResponse, DuplexBytes, NodeBackend } from '../contract.ts';
import type { ConnectHandler, ResourceCall } from '../model.ts';
import { badRequest, failure, notFound } from '../status.ts';
import { int, list, text } from '../table/fields.ts';
import { backendFor, nodeFailure, type PodAccess } from './pod-target.ts';
import { containerPort, readyPod } from './service-backend.ts';

/** `pods/proxy`: HTTP to a port of a pod (`name`, `name:port`; default: the first port it declares). */
export function podProxyHandler(access: PodAccess): ConnectHandler {
  return async (call) => {
    const { name, port } = splitName(call);
    const pod = access.objects.get('', 'pods', call.info.namespace, name);
    if (pod === undefined) throw notFound({ group: '', plural: 'pods' }, name);
    if (text(pod, 'status', 'podIP') === '') throw badRequest('address not allowed');
    const declared = int(list(pod, 'spec', 'containers').flatMap((c) => list(c, 'ports'))[0], 'containerPort');
    return forward(call, backendFor(access, pod), { pod, port: Number(port) || declared || 80 });
  };
}

/** `services/proxy`: HTTP to a ready pod behind a service. */
export function serviceProxyHandler(access: PodAccess): ConnectHandler {
  return async (call) => {
    const { name, port } = splitName(call);
    const service = access.objects.get('', 'services', call.info.namespace, name);
    if (service === undefined) throw notFound({ group: '', plural: 'services' }, name);
    const target = servicePort(service, name, port);
    const pod = readyPod(access.objects, service);
    // Without endpoints the real server does not find the service.
    if (pod === undefined) throw notFound({ group: '', plural: 'services' }, name);
    return forward(call, backendFor(access, pod), { pod, port: containerPort(pod, target) });
  };
}

/** `nodes/proxy`: nodes of this cluster have no HTTP side of their own. */
export function nodeProxyHandler(access: PodAccess): ConnectHandler {
  return async ({ info }) => {
    const name = (info.name ?? '').split(':')[0] ?? '';
    if (access.objects.get('', 'nodes', undefined, name) === undefined)
      throw notFound({ group: '', plural: 'nodes' }, name);
    throw failure({ code: 503, reason: 'ServiceUnavailable', message: `node ${name} serves no HTTP` });
  };
}

/** `name`, `name:port` or `http:name:port`. */
function splitName({ info }: ResourceCall): { name: string; port: string } {
  const parts = (info.name ?? '').split(':');
  if (parts.length === 3) return { name: parts[1] ?? '', port: parts[2] ?? '' };
  return { name: parts[0] ?? '', port: parts[1] ?? '' };
}

function servicePort(service: AnyObject, name: string, wanted: string): unknown {
  const ports = list(service, 'spec', 'ports');
  const found =
    wanted === '' ? ports[0] : ports.find((port) => text(port, 'name') === wanted || text(port, 'port') === wanted);
  if (found === undefined) {
    const message = `no service port ${wanted} found for service "${name}"`;
    throw failure({ code: 503, reason: 'ServiceUnavailable', message });
  }
  return found;
}

/** Headers of one connection only, and those that are the API server's own business. */
const NOT_FORWARDED = new Set([
  'connection',
  'host',
  'authorization',
  'upgrade',
  'transfer-encoding',
  'keep-alive',
  'te',
]);

async function forward(
  call: ResourceCall,
  backend: NodeBackend,
  target: { readonly pod: AnyObject; readonly port: number },
): Promise<ApiResponse> {
  const { pod, port } = target;
  let connection: DuplexBytes;
  try {
    connection = await backend.dial(pod.metadata.namespace ?? '', pod.metadata.name ?? '', port);
  } catch (error) {
    throw error instanceof Error && error.name === 'NodeCallError' ? nodeFailure(error) : unreachable(error);
  }
  try {
    return toResponse(await send(call.request, `/${call.info.rest ?? ''}`, duplexOf(connection)));
  } catch (error) {
    connection.destroy();
    throw unreachable(error);
  }
}

function unreachable(error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return failure({ code: 503, reason: 'ServiceUnavailable', message: `error trying to reach service: ${why}` });
}

function send(request: ApiRequest, path: string, connection: Duplex): Promise<IncomingMessage> {
  const query = request.query.toString();
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !NOT_FORWARDED.has(name)));
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      method: request.method,
      path: `${encodeURI(path)}${query === '' ? '' : `?${query}`}`,
      headers: { ...headers, host: 'localhost', connection: 'close' },
      createConnection: () => connection,
      signal: request.signal,
    });
    outgoing.on('error', reject);
    outgoing.on('response', resolve);
    outgoing.end(request.body);
  });
}

function toResponse(incoming: IncomingMessage): ApiResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value === undefined || NOT_FORWARDED.has(name) || name === 'content-length') continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: incoming.statusCode ?? 502, headers, body: incoming };
}

/** A pod's connection as a socket that Node's HTTP client can use. */
function duplexOf(connection: DuplexBytes): Duplex {
  const source = connection.readable[Symbol.asyncIterator]();
  return new Duplex({
    read() {
      source.next().then(
        (next) => this.push(next.done ? null : next.value),
        (error: Error) => this.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, callback) {
      connection.write(chunk).then(
        () => callback(),
        (error: Error) => callback(error),
      );
    },
    final(callback) {
      connection.end();
      callback();
    },
    destroy(error, callback) {
      connection.destroy();
      callback(error);
    },
  });
}
