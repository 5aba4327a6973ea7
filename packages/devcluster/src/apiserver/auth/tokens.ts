import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@drey/kube';
import type { User } from '../contract.ts';
import { writeSecretFile } from '../front/certificates.ts';
import type { ObjectReader } from '../model.ts';

/** The issuer and default audience of service account tokens. */
export const SERVICE_ACCOUNT_ISSUER = 'https://kubernetes.default.svc';

/** An object that a token dies with. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  readonly uid: string;
}

export interface TokenClaims {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly boundObject?: BoundObject;
  /** The node of a bound pod. */
  readonly node?: { readonly name: string; readonly uid?: string };
}

/** Signs and checks service account tokens (JSON web tokens, ES256) with the server's own key. */
export interface ServiceAccountTokens {
  issue(claims: TokenClaims): { readonly token: string; readonly expiresAt: number };
  /**
   * The account of a valid token whose audiences include one of `audiences`. Otherwise why not: not a token of this
   * server (`foreign`), or one that is no longer, or not here, valid.
   */
  verify(token: string, audiences: readonly string[]): TokenVerdict;
  /** The public key as a JSON web key set, for `/openid/v1/jwks`. */
  readonly jwks: Readonly<Record<string, unknown>>;
}

export type TokenVerdict =
  | { readonly user: User; readonly audiences: readonly string[] }
  | { readonly invalid: string; readonly foreign: boolean };

export interface TokenOptions {
  readonly key: KeyObject;
  readonly objects: ObjectReader;
  readonly clock: Clock;
  readonly newUid: () => string;
}

interface Payload {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly jti?: string;
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: { readonly name?: string; readonly uid?: string };
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly secret?: { readonly name: string; readonly uid: string };
    readonly node?: { readonly name: string; readonly uid?: string };
  };
}

/** A key in memory. */
export function newTokenKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** The key kept in `folder` (mode 0600), made on the first call, so that tokens outlive a restart. */
export function loadOrCreateTokenKey(folder: string): KeyObject {
  const path = join(folder, 'service-account.key');
  if (existsSync(path)) return createPrivateKey(readFileSync(path));
  const key = newTokenKey();
  writeSecretFile(path, key.export({ type: 'pkcs8', format: 'pem' }).toString());
  return key;
}

export function serviceAccountTokens(options: TokenOptions): ServiceAccountTokens {
  const { key, clock } = options;
  const publicKey = createPublicKey(key);
  const jwk = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
  return {
    jwks: { keys: [{ use: 'sig', ...jwk, kid, alg: 'ES256' }] },
    issue(claims) {
      const issuedAt = Math.floor(clock.now() / 1000);
      const expiresAt = issuedAt + claims.expirationSeconds;
      const body = payloadOf(claims, { issuedAt, expiresAt, id: options.newUid() });
      const signed = `${encode({ alg: 'ES256', kid })}.${encode(body)}`;
      const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
      return { token: `${signed}.${signature.toString('base64url')}`, expiresAt: expiresAt * 1000 };
    },
    verify(token, audiences) {
      const payload = readPayload(token, publicKey);
      if (payload === undefined || payload.iss !== SERVICE_ACCOUNT_ISSUER)
        return { invalid: 'invalid bearer token', foreign: true };
      const seconds = Math.floor(clock.now() / 1000);
      if ((payload.exp ?? 0) <= seconds) return refused('service account token has expired');
      if ((payload.nbf ?? 0) > seconds) return refused('service account token is not valid yet');
      const accepted = (payload.aud ?? []).filter((audience) => audiences.includes(audience));
      if (accepted.length === 0) {
        const shown = (list: readonly string[]): string => `["${list.join('" "')}"]`;
        return refused(
          `token audiences ${shown(payload.aud ?? [])} is invalid for the target audiences ${shown(audiences)}`,
        );
      }
      return accountOf(payload, options.objects, accepted);
    },
  };
}

function refused(invalid: string): TokenVerdict {
  return { invalid, foreign: false };
}

function payloadOf(
  claims: TokenClaims,
  times: { readonly issuedAt: number; readonly expiresAt: number; readonly id: string },
): Payload & Record<string, unknown> {
  const { namespace, serviceAccount, boundObject, node } = claims;
  const bound = boundObject && {
    [boundObject.kind.toLowerCase()]: { name: boundObject.name, uid: boundObject.uid },
  };
  return {
    aud: claims.audiences,
    exp: times.expiresAt,
    iat: times.issuedAt,
    iss: SERVICE_ACCOUNT_ISSUER,
    jti: times.id,
    'kubernetes.io': { namespace, ...(node === undefined ? {} : { node }), ...bound, serviceaccount: serviceAccount },
    nbf: times.issuedAt,
    sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
  };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function readPayload(token: string, publicKey: KeyObject): Payload | undefined {
  const [header, body, signature, ...rest] = token.split('.');
  if (header === undefined || body === undefined || signature === undefined || rest.length > 0) return undefined;
  const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  try {
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg?: unknown };
    if (alg !== 'ES256') return undefined;
    const signed = Buffer.from(`${header}.${body}`);
    if (!verify('sha256', signed, options, Buffer.from(signature, 'base64url'))) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Payload;
  } catch {
    return undefined;
  }
}

/** The account must still be the one the token was made for, and so must what the token is bound to. */
function accountOf(payload: Payload, objects: ObjectReader, audiences: readonly string[]): TokenVerdict {
  const claims = payload['kubernetes.io'];
  const [namespace, account] = [claims?.namespace, claims?.serviceaccount];
  if (namespace === undefined || account?.name === undefined) return refused('token names no service account');
  const stored = objects.get('', 'serviceaccounts', namespace, account.name);
  if (stored === undefined) return refused(`serviceaccounts "${account.name}" not found`);
  if (stored.metadata.uid !== account.uid) return refused('service account UID does not match claim');
  for (const kind of ['pod', 'secret'] as const) {
    const bound = claims?.[kind];
    if (bound === undefined) continue;
    if (objects.get('', `${kind}s`, namespace, bound.name)?.metadata.uid !== bound.uid)
      return refused('service account token has been invalidated');
  }
  const extra: Record<string, readonly string[]> = {};
  if (payload.jti !== undefined) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${payload.jti}`];
  if (claims?.pod !== undefined) {
    extra['authentication.kubernetes.io/pod-name'] = [claims.pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [claims.pod.uid];
  }
  if (claims?.node !== undefined) {
    extra['authentication.kubernetes.io/node-name'] = [claims.node.name];
    if (claims.node.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [claims.node.uid];
  }
  return { user: serviceAccountUser(namespace, account.name, { uid: stored.metadata.uid ?? '', extra }), audiences };
}

/** A service account as a user: its name and groups are fixed by namespace and name. */
export function serviceAccountUser(
  namespace: string,
  name: string,
  more: { readonly uid?: string; readonly extra?: User['extra'] } = {},
): User {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [...serviceAccountGroups(namespace), 'system:authenticated'],
    ...(more.uid === undefined ? {} : { uid: more.uid }),
    ...(more.extra === undefined ? {} : { extra: more.extra }),
  };
}

export function serviceAccountGroups(namespace: string): readonly string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}
