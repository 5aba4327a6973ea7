import { type FlinkTransport, TransportFailure } from '@drey/flink';
import type { KubeClient } from '@drey/kube';
import { type EndpointResolver, serviceEndpoint } from '@drey/operator';

/** A direct attempt that takes longer will not come to anything: the address is one inside of the cluster. */
const DIRECT_MS = 1_500;

/**
 * Reaches Flink's REST API from anywhere the API server can be reached from: by the Service's address, and where that
 * does not answer, by the API server's proxy. Only what the proxy gives as an answer counts; its errors may be its own.
 */
export function reachFlink(direct: FlinkTransport, kube: KubeClient, address: EndpointResolver = serviceEndpoint) {
  const services = new Map<string, string>();
  const unreachable = new Set<string>();
  const endpoints: EndpointResolver = (target) => {
    const url = address(target);
    const scheme = target.tls ? 'https:' : '';
    services.set(
      new URL(url).host,
      `/api/v1/namespaces/${target.namespace}/services/${scheme}${target.service}:${target.port}/proxy`,
    );
    return url;
  };
  const flink: FlinkTransport = async (request) => {
    const { host, pathname, search } = new URL(request.url);
    const proxy = services.get(host);
    try {
      if (unreachable.has(host)) throw new TransportFailure('unreachable', `${host} did not answer before`, false);
      return await direct({ ...request, timeoutMs: Math.min(request.timeoutMs, DIRECT_MS) });
    } catch (error) {
      if (proxy === undefined || request.method !== 'GET') throw error;
      unreachable.add(host);
      try {
        const signal = request.signal === undefined ? {} : { signal: request.signal };
        const body = await kube.raw<unknown>('GET', `${proxy}${pathname}${search}`, undefined, signal);
        return { status: 200, body: JSON.stringify(body) };
      } catch {
        throw error;
      }
    }
  };
  return { endpoints, flink };
}
