import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { flinkRest, httpTransport } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import { serviceEndpoint } from '../runtime/endpoints.ts';

const SERVICE = { service: 'app-rest', namespace: 'default', port: 8081, tls: false };
const hasIPv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some((one) => one.address === '::1'));

describe('12.1 item 32: a cluster that has only IPv6', () => {
  test.each([
    ['of its Service', { clusterIp: 'fd00::7', podIp: 'fd00::9' }, 'fd00::7'],
    ['of its pod', { clusterIp: undefined, podIp: 'fd00::9' }, 'fd00::9'],
  ])('has a JobManager that is reached at the address %s', (_of, addresses, host) => {
    const url = new URL(serviceEndpoint({ ...SERVICE, ...addresses }));
    expect([url.hostname, url.port]).toEqual([`[${host}]`, '8081']);
  });

  test.skipIf(!hasIPv6)('has a JobManager that answers the operator there', async () => {
    const server = createServer((_, response) => response.end('{"jobs":[{"id":"1","status":"RUNNING"}]}'));
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    const { port } = server.address() as AddressInfo;
    const http = httpTransport();
    try {
      const baseUrl = serviceEndpoint({ ...SERVICE, port, clusterIp: '::1', podIp: undefined });
      const answer = await flinkRest({ baseUrl, transport: http.transport }, { major: 1, minor: 20 }).jobs();
      expect(answer).toMatchObject({ kind: 'ok' });
    } finally {
      server.closeAllConnections();
      server.close();
      await http.close();
    }
  });
});
