import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** What a server needs: its authority, which also signs client certificates, and its own leaf. */
export interface ServerCertificates {
  readonly authority: KeyPair;
  readonly server: KeyPair;
}

export interface CertificateOptions {
  /** DNS names and IP addresses of the server. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
/** A leaf with less left than this is made anew at start. */
const RENEW_DAYS = 30;

/** Makes an authority and a server certificate (ECDSA P-256). */
export async function createCertificates(options: CertificateOptions): Promise<ServerCertificates> {
  const authority = await createAuthority(options.now);
  return { authority, server: await createServerLeaf(authority, options) };
}

/**
 * A client certificate: the common name is the user, organizations are the groups (`system:masters` may do everything).
 */
export async function createClientCertificate(
  authority: KeyPair,
  user: { readonly name: string; readonly groups: readonly string[] },
  now: number,
): Promise<KeyPair> {
  const x509 = await library();
  return leaf(authority, now, {
    subject: [{ CN: [user.name] }, ...user.groups.map((group) => ({ O: [group] }))],
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
  });
}

/**
 * The certificates kept in `folder` (files mode 0600), made on the first call and renewed when the server leaf has less
 * than 30 days left or lacks one of the hosts. Clients that trust the authority stay valid.
 */
export async function loadOrCreateCertificates(
  folder: string,
  options: CertificateOptions,
): Promise<ServerCertificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let authority = readPair(folder, 'ca');
  if (authority === undefined || !isFresh(authority, options.now, [])) {
    authority = await createAuthority(options.now);
    writePair(folder, 'ca', authority);
    const server = await createServerLeaf(authority, options);
    writePair(folder, 'server', server);
    return { authority, server };
  }
  let server = readPair(folder, 'server');
  if (server === undefined || !isFresh(server, options.now, options.hosts)) {
    server = await createServerLeaf(authority, options);
    writePair(folder, 'server', server);
  }
  return { authority, server };
}

async function library(): Promise<typeof import('@peculiar/x509')> {
  await import('./reflect-metadata.ts');
  return import('@peculiar/x509');
}

async function createAuthority(now: number): Promise<KeyPair> {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: ['drey-ca'] }],
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

async function createServerLeaf(authority: KeyPair, options: CertificateOptions): Promise<KeyPair> {
  const x509 = await library();
  return leaf(authority, options.now, {
    subject: [{ CN: ['drey-apiserver'] }],
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        options.hosts.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    ],
  });
}

async function leaf(
  authority: KeyPair,
  now: number,
  what: {
    readonly subject: Record<string, string[]>[];
    readonly extensions: readonly import('@peculiar/x509').Extension[];
  },
): Promise<KeyPair> {
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pemBytes(authority.key), algorithm, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: what.subject,
    issuer: issuer.subject,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + LEAF_DAYS * DAY_MS),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...what.extensions,
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) };
}

/** Positive and of at most 16 bytes: the first bit is cleared. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function isAddress(host: string): boolean {
  return /^[0-9.]+$/.test(host) || host.includes(':');
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const body = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${body.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}

function pemBytes(pem: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
}

function isFresh(pair: KeyPair, now: number, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(pair.certificate);
  if (Date.parse(certificate.validTo) - now < RENEW_DAYS * DAY_MS) return false;
  return hosts.every((host) => (isAddress(host) ? certificate.checkIP(host) : certificate.checkHost(host)));
}

function readPair(folder: string, name: string): KeyPair | undefined {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  if (!existsSync(certificate) || !existsSync(key)) return undefined;
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

function writePair(folder: string, name: string, pair: KeyPair): void {
  writeSecretFile(join(folder, `${name}.key`), pair.key);
  writeSecretFile(join(folder, `${name}.crt`), pair.certificate);
}

/** Replaces a file as a whole, readable by its owner only. */
export function writeSecretFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
