import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClientCertificate } from '@drey/kube';
import { afterEach, describe, expect, it } from 'vitest';
import { createCertificates, loadOrCreateCertificates } from './certificates.ts';

const now = Date.UTC(2026, 0, 1);
const options = { hosts: ['localhost', '127.0.0.1'], now };
const DAY_MS = 86_400_000;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('certificates', () => {
  it('signs the server leaf with the authority and names its hosts', async () => {
    const { authority, server } = await createCertificates(options);
    const [ca, leaf] = [new X509Certificate(authority.certificate), new X509Certificate(server.certificate)];
    expect(ca.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.checkHost('localhost')).toBe('localhost');
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(leaf.checkIP('127.0.0.2')).toBeUndefined();
  });

  it('puts user and groups into client certificates', async () => {
    const { authority } = await createCertificates(options);
    const client = await createClientCertificate(authority, { name: 'admin', groups: ['system:masters', 'x'] }, now);
    const certificate = new X509Certificate(client.certificate);
    expect(certificate.subject.split('\n')).toEqual(['CN=admin', 'O=system:masters', 'O=x']);
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  });

  it('keeps the authority and renews the leaf before it ends', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drey-certificates-'));
    folders.push(folder);
    const first = await loadOrCreateCertificates(folder, options);
    expect(await loadOrCreateCertificates(folder, options)).toEqual(first);
    const later = await loadOrCreateCertificates(folder, { ...options, now: now + 340 * DAY_MS });
    expect(later.authority).toEqual(first.authority);
    expect(later.server).not.toEqual(first.server);
    const other = await loadOrCreateCertificates(folder, { hosts: ['other'], now: now + 340 * DAY_MS });
    expect(new X509Certificate(other.server.certificate).checkHost('other')).toBe('other');
    expect(statSync(join(folder, 'ca.key')).mode & 0o777).toBe(0o600);
  });
});
