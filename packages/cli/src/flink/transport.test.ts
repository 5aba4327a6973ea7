import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { createAuthority, createServerCertificate, type KeyPair } from '@drey/kube';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { flinkTransport } from './transport.ts';

describe('The way to a Flink that speaks TLS', () => {
  let authority: KeyPair;
  let server: ReturnType<typeof createServer>;
  const now = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'drey-tls-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  beforeAll(async () => {
    authority = await createAuthority(now, 'ours');
    // A certificate for another name, as a pod has one when it is asked by its address.
    const { certificate, key } = await createServerCertificate(authority, {
      name: 'flink',
      hosts: ['flink-rest'],
      now,
    });
    server = createServer(
      { cert: certificate, key, requestCert: true, rejectUnauthorized: false },
      (request, response) => response.end(`asked by ${(request.socket as TLSSocket).getPeerCertificate().subject?.CN}`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  async function ask(environment: Record<string, string>): Promise<string> {
    const { transport, close } = flinkTransport(environment);
    const { port } = server.address() as AddressInfo;
    const url = `https://127.0.0.1:${port}/`;
    return transport({ method: 'GET', url, headers: {}, timeoutMs: 5_000, maxBytes: 100 })
      .then(({ body }) => body)
      .finally(close);
  }

  test('trusts the authority that the environment names, whatever the name of the host', async () => {
    const trusted = file('ca.pem', authority.certificate);
    expect(await ask({ OPERATOR_TRUSTSTORE_PATH: trusted })).toBe('asked by undefined');
  });

  test('shows a certificate of its own', async () => {
    const { certificate, key } = await createServerCertificate(authority, { name: 'me', hosts: ['me'], now });
    const environment = {
      OPERATOR_TRUSTSTORE_PATH: file('ca.pem', authority.certificate),
      OPERATOR_KEYSTORE_PATH: file('both.pem', certificate + key),
    };
    expect(await ask(environment)).toBe('asked by me');
  });

  test('says what to do about a certificate that is not trusted, and that nothing was sent', async () => {
    const stranger = await createAuthority(now, 'theirs');
    for (const environment of [{}, { OPERATOR_TRUSTSTORE_PATH: file('stranger.pem', stranger.certificate) }]) {
      const failure = ask(environment);
      await expect(failure).rejects.toMatchObject({ reason: 'unreachable', maybeDone: false });
      await expect(failure).rejects.toThrow('OPERATOR_TRUSTSTORE_PATH');
    }
  });

  test('is none while a file cannot be read, and is one without a restart once it can', async () => {
    const environment = { OPERATOR_TRUSTSTORE_PATH: join(folder, 'late.pem') };
    const { transport, close } = flinkTransport(environment);
    const { port } = server.address() as AddressInfo;
    const again = () =>
      transport({ method: 'GET', url: `https://127.0.0.1:${port}/`, headers: {}, timeoutMs: 5_000, maxBytes: 100 });
    await expect(again()).rejects.toMatchObject({ reason: 'unreachable', maybeDone: false });
    file('late.pem', authority.certificate);
    expect((await again()).status).toBe(200);
    await close();
  });
});
