import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, createServerCertificate, isFresh, type KeyPair } from '@drey/kube';

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

const AUTHORITY_NAME = 'drey-ca';
const SERVER_NAME = 'drey-apiserver';

/** Makes an authority and a server certificate (ECDSA P-256). */
export async function createCertificates(options: CertificateOptions): Promise<ServerCertificates> {
  const authority = await createAuthority(options.now, AUTHORITY_NAME);
  return { authority, server: await createServerCertificate(authority, { ...options, name: SERVER_NAME }) };
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
    authority = await createAuthority(options.now, AUTHORITY_NAME);
    writePair(folder, 'ca', authority);
    const server = await createServerCertificate(authority, { ...options, name: SERVER_NAME });
    writePair(folder, 'server', server);
    return { authority, server };
  }
  let server = readPair(folder, 'server');
  if (server === undefined || !isFresh(server, options.now, options.hosts)) {
    server = await createServerCertificate(authority, { ...options, name: SERVER_NAME });
    writePair(folder, 'server', server);
  }
  return { authority, server };
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
