import { createHash } from 'node:crypto';
import type { ApiResponse, User } from '../contract.ts';
import { statusResponse } from '../front/wire.ts';
import { impersonate } from './impersonation.ts';
import type { Rbac } from './rbac.ts';
import { SERVICE_ACCOUNT_ISSUER, type ServiceAccountTokens } from './tokens.ts';

/** What the TLS layer knows about a client. */
export interface ClientCertificate {
  /** Signed by the server's authority and within its time. */
  readonly trusted: boolean;
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export interface AuthenticationRequest {
  readonly path: string;
  /** Lower-case names, every value of a repeated header by itself. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
  readonly certificate: ClientCertificate | undefined;
}

/** Who makes a request (after impersonation), or the answer that refuses it. */
export type Authentication = (
  request: AuthenticationRequest,
) => { readonly user: User } | { readonly response: ApiResponse };

export interface AuthenticationOptions {
  /** Static bearer tokens. Compared by digest, so that timing tells nothing. */
  readonly tokens: readonly StaticToken[];
  readonly serviceAccounts: ServiceAccountTokens;
  /** Requests without credentials are `system:anonymous`; otherwise they get 401. */
  readonly anonymous: boolean;
  readonly rbac: Rbac;
}

export interface StaticToken {
  readonly token: string;
  readonly user: User;
}

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const AUTHENTICATED = 'system:authenticated';

/** Client certificate, then bearer token (static, then service account), then anonymous. A bad credential is a 401. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const authenticate = createTokenAuthentication(options);
  return (request) => {
    const user = identify(request, authenticate, options.anonymous);
    if (user === undefined) return { response: statusResponse(401, 'Unauthorized', 'Unauthorized') };
    return impersonate(user, request, options.rbac);
  };
}

/** The user of a bearer token, or why there is none. Also behind TokenReview. */
export type TokenAuthentication = (
  token: string,
  audiences: readonly string[],
) => { readonly user: User; readonly audiences: readonly string[] } | { readonly error: string };

export function createTokenAuthentication(
  options: Pick<AuthenticationOptions, 'tokens' | 'serviceAccounts'>,
): TokenAuthentication {
  const known = new Map(options.tokens.map(({ token, user }) => [digest(token), withAuthenticated(user)]));
  return (token, audiences) => {
    const user = known.get(digest(token));
    if (user !== undefined) return { user, audiences };
    const verdict = options.serviceAccounts.verify(token, audiences);
    return 'user' in verdict
      ? verdict
      : { error: verdict.foreign ? 'invalid bearer token' : `[invalid bearer token, ${verdict.invalid}]` };
  };
}

function identify(
  request: AuthenticationRequest,
  authenticate: TokenAuthentication,
  anonymous: boolean,
): User | undefined {
  const { certificate } = request;
  if (certificate?.trusted && certificate.commonName !== '')
    return withAuthenticated({ name: certificate.commonName, groups: certificate.organizations });
  const token = bearerToken(request.headers);
  if (token !== undefined) {
    const found = authenticate(token, [SERVICE_ACCOUNT_ISSUER]);
    return 'user' in found ? found.user : undefined;
  }
  if (certificate !== undefined) return undefined;
  return anonymous ? ANONYMOUS : undefined;
}

const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/** From the Authorization header, or from the WebSocket sub-protocol that browsers use instead. */
function bearerToken(headers: AuthenticationRequest['headers']): string | undefined {
  const [scheme, token] = (headers.authorization?.[0] ?? '').trim().split(/\s+/, 2);
  if (scheme?.toLowerCase() === 'bearer' && token !== undefined && token !== '') return token;
  const protocols = (headers['sec-websocket-protocol'] ?? []).flatMap((line) => line.split(','));
  const carried = protocols.map((name) => name.trim()).find((name) => name.startsWith(BEARER_PROTOCOL));
  return carried && Buffer.from(carried.slice(BEARER_PROTOCOL.length), 'base64url').toString('utf8');
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function withAuthenticated(user: User): User {
  return user.groups.includes(AUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] };
}
