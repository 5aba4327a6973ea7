import {
  type Clock,
  createAuthority,
  createServerCertificate,
  isFresh,
  isKubeError,
  type KeyPair,
  type KubeClient,
  Secret,
} from '@drey/kube';

/** The certificate of the webhooks, with the authority that API servers are told to trust. */
export interface AdmissionCertificates {
  readonly authority: KeyPair;
  readonly server: KeyPair;
}

export interface CertificateSecret {
  readonly namespace: string;
  /** Name of the Secret that all replicas share. */
  readonly name: string;
  /** DNS names and addresses under which API servers call. */
  readonly hosts: readonly string[];
}

const ATTEMPTS = 5;
const AUTHORITY_NAME = 'drey-webhook-ca';
const SERVER_NAME = 'drey-webhook';

/**
 * The certificates kept in a Secret, made when it has none, or none that are good for another month and for all hosts. Replicas that
 * start at the same time agree on what the first of them wrote. Rejects with a KubeError.
 */
export async function ensureCertificates(
  kube: KubeClient,
  clock: Clock,
  secret: CertificateSecret,
  signal?: AbortSignal,
): Promise<AdmissionCertificates> {
  const call = { fieldManager: 'drey-webhook', ...(signal === undefined ? {} : { signal }) };
  for (let attempt = 1; ; attempt++) {
    const stored = await existing(kube.get(Secret, secret.namespace, secret.name, call));
    const kept = stored === undefined ? undefined : certificatesIn(stored);
    if (kept !== undefined && isGood(kept, clock.now(), secret.hosts)) return kept;
    const made = await make(kept, clock.now(), secret.hosts);
    const object = secretOf(secret, made, stored);
    try {
      await (stored === undefined ? kube.create(Secret, object, call) : kube.replace(Secret, object, call));
      return made;
    } catch (error) {
      // Somebody else was first: theirs counts.
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS', 'E_KUBE_CONFLICT') || attempt >= ATTEMPTS) throw error;
    }
  }
}

function isGood({ authority, server }: AdmissionCertificates, now: number, hosts: readonly string[]): boolean {
  return isFresh(authority, now, []) && isFresh(server, now, hosts);
}

/** The authority stays as long as it is good, so that API servers go on trusting while they are told of no other. */
async function make(
  kept: AdmissionCertificates | undefined,
  now: number,
  hosts: readonly string[],
): Promise<AdmissionCertificates> {
  const good = kept !== undefined && isFresh(kept.authority, now, []);
  const authority = good ? kept.authority : await createAuthority(now, AUTHORITY_NAME);
  return { authority, server: await createServerCertificate(authority, { name: SERVER_NAME, hosts, now }) };
}

function secretOf(
  { namespace, name }: CertificateSecret,
  { authority, server }: AdmissionCertificates,
  stored: Secret | undefined,
): Secret {
  const data = {
    'ca.crt': encoded(authority.certificate),
    'ca.key': encoded(authority.key),
    'tls.crt': encoded(server.certificate),
    'tls.key': encoded(server.key),
  };
  if (stored !== undefined) return { ...stored, data: { ...stored.data, ...data } };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type: 'kubernetes.io/tls', data };
}

/** Undefined when the Secret does not hold all of them, or something that is no certificate. */
function certificatesIn({ data = {} }: Secret): AdmissionCertificates | undefined {
  const texts = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'].map((key) => decoded(data[key]));
  const [ca, caKey, tls, tlsKey] = texts;
  if (ca === undefined || caKey === undefined || tls === undefined || tlsKey === undefined) return undefined;
  if (![ca, tls].every((text) => text.includes('-----BEGIN CERTIFICATE-----'))) return undefined;
  return { authority: { certificate: ca, key: caKey }, server: { certificate: tls, key: tlsKey } };
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
}

async function existing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
