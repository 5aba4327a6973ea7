import type { ApiResponse, User } from '../contract.ts';
import { jsonResponse, textResponse } from '../front/wire.ts';
import type { Access } from './access.ts';
import type { AuthenticationRequest } from './authentication.ts';
import { forbiddenStatus } from './forbidden.ts';
import type { Rbac } from './rbac.ts';
import { serviceAccountGroups } from './tokens.ts';

const EXTRA_PREFIX = 'impersonate-extra-';
const AUTHENTICATION_GROUP = 'authentication.k8s.io';
const ANONYMOUS_NAME = 'system:anonymous';

interface Wanted {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Replaces the user by the one that `Impersonate-…` headers name, if the user may do that. */
export function impersonate(
  user: User,
  request: AuthenticationRequest,
  rbac: Rbac,
): { readonly user: User } | { readonly response: ApiResponse } {
  const wanted = readHeaders(request.headers);
  const nothing = wanted.groups.length === 0 && wanted.uid === '' && Object.keys(wanted.extra).length === 0;
  if (wanted.user === '' && nothing) return { user };
  if (wanted.user === '') return { response: withoutUser(request.path, wanted) };
  for (const access of impersonationAccesses(wanted)) {
    const decision = rbac.decide(user, access);
    if (!decision.allowed) return { response: jsonResponse(403, forbiddenStatus(user, access, decision.reason)) };
  }
  return { user: impersonated(wanted) };
}

function readHeaders(headers: AuthenticationRequest['headers']): Wanted {
  const extra: Record<string, readonly string[]> = {};
  for (const [name, values] of Object.entries(headers)) {
    if (!name.startsWith(EXTRA_PREFIX) || values === undefined) continue;
    extra[unescapeKey(name.slice(EXTRA_PREFIX.length))] = values;
  }
  return {
    user: headers['impersonate-user']?.[0] ?? '',
    groups: headers['impersonate-group'] ?? [],
    uid: headers['impersonate-uid']?.[0] ?? '',
    extra,
  };
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** The real server fails here with its internal error page and prints the references it has read. */
function withoutUser(path: string, wanted: Wanted): ApiResponse {
  const references = [
    ...wanted.groups.map((name) => `{Group  ${name}    }`),
    ...Object.entries(wanted.extra).flatMap(([key, values]) =>
      values.map((value) => `{UserExtra  ${value}  ${AUTHENTICATION_GROUP}/v1  ${key}}`),
    ),
    ...(wanted.uid === '' ? [] : [`{UID  ${wanted.uid}  ${AUTHENTICATION_GROUP}/v1  }`]),
  ];
  const text = `requested [${references.join(' ')}] without impersonating a user`;
  return textResponse(500, `Internal Server Error: ${JSON.stringify(path)}: ${text}\n`);
}

function impersonationAccesses(wanted: Wanted): Access[] {
  const base = { type: 'resource', verb: 'impersonate', group: '', namespace: undefined } as const;
  const account = serviceAccountOf(wanted.user);
  const accesses: Access[] = [
    account === undefined
      ? { ...base, resource: 'users', name: wanted.user }
      : { ...base, resource: 'serviceaccounts', namespace: account.namespace, name: account.name },
  ];
  for (const name of wanted.groups) accesses.push({ ...base, resource: 'groups', name });
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const name of values)
      accesses.push({ ...base, group: AUTHENTICATION_GROUP, resource: `userextras/${key}`, name });
  }
  if (wanted.uid !== '') accesses.push({ ...base, group: AUTHENTICATION_GROUP, resource: 'uids', name: wanted.uid });
  return accesses;
}

function serviceAccountOf(user: string): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function impersonated(wanted: Wanted): User {
  const account = serviceAccountOf(wanted.user);
  const given =
    wanted.groups.length === 0 && account !== undefined ? serviceAccountGroups(account.namespace) : wanted.groups;
  const has = (group: string): boolean => given.includes(group);
  const added =
    wanted.user === ANONYMOUS_NAME
      ? has('system:unauthenticated')
        ? []
        : ['system:unauthenticated']
      : has('system:authenticated') || has('system:unauthenticated')
        ? []
        : ['system:authenticated'];
  return {
    name: wanted.user,
    groups: [...given, ...added],
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    ...(Object.keys(wanted.extra).length === 0 ? {} : { extra: wanted.extra }),
  };
}
