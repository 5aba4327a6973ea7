import type { AnyObject, Clock } from '@drey/kube';
import type { FieldError, ObjectReader, VirtualHandler } from '../model.ts';
import { badRequest, conflict, forbidden, invalid, notFound } from '../status.ts';
import { timestamp } from '../verbs/context.ts';
import { type BoundObject, SERVICE_ACCOUNT_ISSUER, type ServiceAccountTokens, type TokenClaims } from './tokens.ts';

const GROUP = 'authentication.k8s.io';
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
const DEFAULT_SECONDS = 3600;
const SERVICE_ACCOUNTS = { group: '', plural: 'serviceaccounts' };

interface TokenRequestSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: {
    readonly kind?: string;
    readonly apiVersion?: string;
    readonly name?: string;
    readonly uid?: string;
  } | null;
}

/** `serviceaccounts/token`: issues a token for the account in the path. */
export function tokenRequestHandler(tokens: ServiceAccountTokens, objects: ObjectReader, clock: Clock): VirtualHandler {
  return (object, { info }) => {
    const [namespace, name] = [info.namespace ?? '', info.name ?? ''];
    const account = objects.get('', 'serviceaccounts', namespace, name);
    const spec = (object.spec ?? {}) as TokenRequestSpec;
    if (account === undefined) throw notFound(SERVICE_ACCOUNTS, name);
    checkName(object, name);
    const expirationSeconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
    checkExpiration(expirationSeconds);
    const audiences = spec.audiences?.length ? spec.audiences : [SERVICE_ACCOUNT_ISSUER];
    const bound = spec.boundObjectRef ? boundObject(spec.boundObjectRef, account, objects) : {};
    const { token, expiresAt } = tokens.issue({
      namespace,
      serviceAccount: { name, uid: account.metadata.uid ?? '' },
      audiences,
      expirationSeconds,
      ...bound,
    });
    const { apiVersion, kind, metadata } = object;
    const { uid } = account.metadata;
    return {
      kind,
      apiVersion,
      metadata: {
        ...metadata,
        name,
        namespace,
        ...(uid === undefined ? {} : { uid }),
        creationTimestamp: timestamp(clock),
      },
      spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
      status: { token, expirationTimestamp: new Date(expiresAt).toISOString().replace('.000Z', 'Z') },
    };
  };
}

function checkName(object: AnyObject, name: string): void {
  const given = object.metadata.name ?? '';
  if (given === '' || given === name) return;
  const message = `Invalid value: ${JSON.stringify(given)}: must match the service account name if specified`;
  throw invalid(GROUP, 'TokenRequest', name, [{ field: 'metadata.name', reason: 'FieldValueInvalid', message }]);
}

function checkExpiration(seconds: number): void {
  const why =
    seconds < MIN_SECONDS
      ? 'may not specify a duration less than 10 minutes'
      : seconds > MAX_SECONDS
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return;
  const error: FieldError = {
    field: 'spec.expirationSeconds',
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${seconds}: ${why}`,
  };
  throw invalid(GROUP, 'TokenRequest', '', [error]);
}

const boundKinds: Readonly<Record<string, { plural: string; namespaced: boolean }>> = {
  Pod: { plural: 'pods', namespaced: true },
  Secret: { plural: 'secrets', namespaced: true },
  Node: { plural: 'nodes', namespaced: false },
};

function boundObject(
  reference: NonNullable<TokenRequestSpec['boundObjectRef']>,
  account: AnyObject,
  objects: ObjectReader,
): Pick<TokenClaims, 'boundObject' | 'node'> {
  const { kind = '', apiVersion = '', name = '', uid } = reference;
  const where = boundKinds[kind];
  if (where === undefined || apiVersion !== 'v1') {
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
  const { namespace } = account.metadata;
  const found = objects.get('', where.plural, where.namespaced ? namespace : undefined, name);
  const definition = { group: '', plural: where.plural };
  if (found === undefined) throw notFound(definition, name);
  const foundUid = found.metadata.uid ?? '';
  if (uid && uid !== foundUid) {
    const why =
      `the UID in the bound object reference (${uid}) does not match the UID in record. ` +
      'The object might have been deleted and then recreated';
    throw conflict(definition, name, why);
  }
  const bound: BoundObject = { kind: kind as BoundObject['kind'], name, uid: foundUid };
  return { boundObject: bound, ...(kind === 'Pod' ? podNode(found, account, objects) : {}) };
}

/** A pod's token names its node; only the pod's own account may be bound to it. */
function podNode(pod: AnyObject, account: AnyObject, objects: ObjectReader): Pick<TokenClaims, 'node'> {
  const spec = pod.spec as { serviceAccountName?: string; nodeName?: string };
  const { name = '' } = account.metadata;
  if ((spec.serviceAccountName || 'default') !== name) {
    const why = `cannot bind token for serviceaccount "${name}" to pod running with different serviceaccount name.`;
    throw forbidden(SERVICE_ACCOUNTS, name, why);
  }
  if (!spec.nodeName) return {};
  const uid = objects.get('', 'nodes', undefined, spec.nodeName)?.metadata.uid;
  return { node: { name: spec.nodeName, ...(uid === undefined ? {} : { uid }) } };
}
