import { describe, expect, test } from 'vitest';
import { FlinkError, type TlsMaterial, tlsMaterial } from '../index.ts';

const files = (tree: Readonly<Record<string, string | Uint8Array>>) => (path: string) =>
  tree[path] === undefined ? undefined : Buffer.from(tree[path]);
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n';
const JKS = Uint8Array.of(0xfe, 0xed, 0xfe, 0xed);
const PKCS12 = Uint8Array.of(0x30, 0x82, 0, 0);

describe('Trust and key for Flink over TLS', () => {
  test('are PEM files, or those that cert-manager puts beside a keystore of Java', () => {
    expect(tlsMaterial({ truststore: '/c/any.pem' }, files({ '/c/any.pem': CERTIFICATE }))).toEqual({
      ca: CERTIFICATE,
    });
    const secret = files({
      ...{ '/c/truststore.jks': JKS, '/c/keystore.jks': JKS },
      ...{ '/c/ca.crt': CERTIFICATE, '/c/tls.crt': CERTIFICATE, '/c/tls.key': KEY },
    });
    expect(tlsMaterial({ truststore: '/c/truststore.jks', keystore: '/c/keystore.jks' }, secret)).toEqual({
      ...{ ca: CERTIFICATE, cert: CERTIFICATE, key: KEY },
    });
    const both = files({ '/c/both.pem': CERTIFICATE + KEY });
    expect(tlsMaterial({ keystore: '/c/both.pem' }, both)).toEqual({ cert: CERTIFICATE + KEY, key: CERTIFICATE + KEY });
  });

  test('may be a PKCS#12 file with the key', () => {
    const material = tlsMaterial({ keystore: '/c/k.p12', keystorePassword: 'pw' }, files({ '/c/k.p12': PKCS12 }));
    expect(material).toEqual({ pfx: Buffer.from(PKCS12), passphrase: 'pw' });
  });

  test.each([
    ['a truststore that is not there', { truststore: '/c/t.jks' }, {}],
    ['a truststore in the format of Java', { truststore: '/c/t.jks' }, { '/c/t.jks': JKS }],
    ['a keystore in the format of Java', { keystore: '/c/k.jks' }, { '/c/k.jks': JKS }],
    ['a certificate without its key', { keystore: '/c/k.pem' }, { '/c/k.pem': CERTIFICATE }],
  ])('are told apart from %s', (_, named, tree) => {
    const read = (): TlsMaterial => tlsMaterial(named, files(tree as Record<string, Uint8Array>));
    expect(read).toThrow(FlinkError);
    expect(read).toThrow(/no PEM file/);
  });
});
