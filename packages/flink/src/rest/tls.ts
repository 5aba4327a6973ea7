import { dirname, join } from 'node:path';
import { FlinkError } from '../errors.ts';

/** Whom a client of Flink's REST endpoint trusts, and what it shows of itself; absent members are Node's own defaults. */
export interface TlsMaterial {
  /** PEM. */
  readonly ca?: string;
  /** PEM. */
  readonly cert?: string;
  /** PEM. */
  readonly key?: string;
  /** PKCS#12, with the client's key. */
  readonly pfx?: Buffer;
  readonly passphrase?: string;
}

/** Files of a client's trust and key. */
export interface TlsFiles {
  /** Whose certificates are trusted. PEM; or another format beside a PEM file `ca.crt`. */
  readonly truststore?: string;
  /** The client's own key, for `security.ssl.rest.authentication-enabled`. PEM, PKCS#12; or beside `tls.crt` and `tls.key`. */
  readonly keystore?: string;
  readonly keystorePassword?: string;
}

/** A file as text or bytes; undefined: there is none. */
export type ReadFile = (path: string) => Uint8Array | undefined;

/**
 * Reads the files that the environment of the Apache operator names (`OPERATOR_TRUSTSTORE_PATH` and its fellows; reference:
 * apache-operator.md 5.5). Java's own format is not read: cert-manager writes the same certificates as PEM beside it, and
 * those are taken. Throws `E_FLINK_TLS`.
 */
export function tlsMaterial({ truststore, keystore, keystorePassword }: TlsFiles, read: ReadFile): TlsMaterial {
  const ca = truststore === undefined ? undefined : pem(truststore, 'ca.crt', read);
  if (truststore !== undefined && ca === undefined) throw unreadable(truststore, 'ca.crt');
  return { ...(ca === undefined ? {} : { ca }), ...(keystore === undefined ? {} : clientKey(keystore)) };

  function clientKey(path: string): TlsMaterial {
    const cert = pem(path, 'tls.crt', read);
    const key = pem(path, 'tls.key', read);
    if (cert !== undefined && key?.includes('PRIVATE KEY-----')) return { cert, key };
    const bytes = read(path);
    if (bytes === undefined || bytes[0] !== DER_SEQUENCE) throw unreadable(path, 'tls.crt and tls.key');
    return { pfx: Buffer.from(bytes), ...(keystorePassword === undefined ? {} : { passphrase: keystorePassword }) };
  }
}

/** First byte of PKCS#12, and of no other format that a keystore has. */
const DER_SEQUENCE = 0x30;

/** The text of a PEM file, or of the one of that name beside a file of another format. */
function pem(path: string, beside: string, read: ReadFile): string | undefined {
  for (const candidate of [path, join(dirname(path), beside)]) {
    const bytes = read(candidate);
    const text = bytes === undefined ? '' : Buffer.from(bytes).toString('latin1');
    if (text.includes('-----BEGIN ')) return text;
  }
  return undefined;
}

function unreadable(path: string, beside: string): FlinkError {
  return new FlinkError(
    'E_FLINK_TLS',
    `${path} is no PEM file, and there is no ${beside} beside it.`,
    `Put ${beside} (PEM) beside it, as cert-manager does, or name a PEM file: openssl pkcs12 -in FILE.p12 -nodes.`,
  );
}
