import type { User } from '../contract.ts';
import type { Access } from './access.ts';

/** The 403 Status of a refused access, in the words of the real server. */
export function forbiddenStatus(
  user: User,
  access: Access,
  reason: string,
): Readonly<Record<string, unknown>> & { readonly code: 403; readonly message: string } {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  const because = reason === '' ? '' : `: ${reason}`;
  const who = `User ${JSON.stringify(user.name)} cannot ${access.verb}`;
  if (access.type === 'path') {
    const message = `forbidden: ${who} path ${JSON.stringify(access.path)}${because}`;
    return { ...status, message, reason: 'Forbidden', details: {}, code: 403 };
  }
  const { group, namespace, resource } = access;
  const plural = resource.split('/', 1)[0] ?? resource;
  // Creates are judged before the body is read, so the name is not known.
  const name = access.name === undefined || access.name === '' ? undefined : access.name;
  const where =
    namespace === undefined || namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const what = `${group === '' ? plural : `${plural}.${group}`}${name === undefined ? '' : ` "${name}"`}`;
  const message = `${what} is forbidden: ${who} resource "${resource}" in API group "${group}" ${where}${because}`;
  const details = {
    ...(name === undefined ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: plural,
  };
  return { ...status, message, reason: 'Forbidden', details, code: 403 };
}
