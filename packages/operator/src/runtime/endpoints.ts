import type { EndpointTarget } from './ports.ts';

/**
 * Where to reach a REST endpoint: the Service's cluster address, which works inside a cluster and, where addresses are
 * loopback ones, on the machine; the pod's own address for headless Services; the Service's name when neither is known.
 */
export function serviceEndpoint(target: EndpointTarget): string {
  const host = target.clusterIp ?? target.podIp ?? `${target.service}.${target.namespace}`;
  const authority = host.includes(':') ? `[${host}]` : host;
  return `${target.tls ? 'https' : 'http'}://${authority}:${target.port}`;
}
