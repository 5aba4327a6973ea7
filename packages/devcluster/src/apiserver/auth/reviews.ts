import type { AnyObject, Clock } from '@drey/kube';
import type { User } from '../contract.ts';
import type { FieldError, VirtualHandler } from '../model.ts';
import { badRequest, failure } from '../status.ts';
import { timestamp } from '../verbs/context.ts';
import type { Access } from './access.ts';
import type { TokenAuthentication } from './authentication.ts';
import type { Rbac } from './rbac.ts';
import { SERVICE_ACCOUNT_ISSUER } from './tokens.ts';

export interface ReviewOptions {
  readonly rbac: Rbac;
  readonly authenticate: TokenAuthentication;
  readonly clock: Clock;
}

interface ResourceAttributes {
  readonly namespace?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
}

interface AccessSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

const AUTHORIZATION = 'authorization.k8s.io';

/** The review kinds by plural: questions about rights and tokens, answered in `status` and never stored. */
export function reviewHandlers(options: ReviewOptions): Readonly<Record<string, VirtualHandler>> {
  const { rbac, clock } = options;
  return {
    selfsubjectaccessreviews: (object, { request }) => {
      const spec = accessSpec(object);
      check(attributeErrors(spec));
      return { ...object, status: decide(rbac, request.user, spec) };
    },
    subjectaccessreviews: (object) => {
      const spec = accessSpec(object);
      check([...attributeErrors(spec), ...subjectErrors(spec)]);
      return { ...object, status: decide(rbac, subjectOf(spec), spec) };
    },
    localsubjectaccessreviews: (object, { info }) => {
      const spec = accessSpec(object);
      check([...attributeErrors(spec), ...subjectErrors(spec), ...localErrors(spec, info.namespace ?? '')]);
      return { ...object, status: decide(rbac, subjectOf(spec), spec) };
    },
    selfsubjectrulesreviews: (object, { request }) => rulesReview(rbac, request.user, object),
    selfsubjectreviews: (object, { request }) => ({
      ...object,
      metadata: { ...object.metadata, creationTimestamp: timestamp(clock) },
      status: { userInfo: userInfo(request.user) },
    }),
    tokenreviews: (object) => tokenReview(options.authenticate, object),
  };
}

function accessSpec(object: AnyObject): AccessSpec {
  return (object.spec ?? {}) as AccessSpec;
}

function check(errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  // The real server names no kind here, only the group.
  throw failure({
    code: 422,
    reason: 'Invalid',
    message: `.${AUTHORIZATION} "" is invalid: ${errors.map(({ field, message }) => `${field}: ${message}`).join(', ')}`,
    details: { group: AUTHORIZATION, causes: errors.map(({ reason, message, field }) => ({ reason, message, field })) },
  });
}

function fieldInvalid(field: string, message: string): FieldError {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${message}` };
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: AccessSpec): FieldError[] {
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const message = 'null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    return [fieldInvalid('spec.resourceAttributes', message)];
  }
  if (resourceAttributes === undefined || nonResourceAttributes === undefined) return [];
  const { path, verb } = nonResourceAttributes;
  const shown = JSON.stringify({ Path: path ?? '', Verb: verb ?? '' });
  return [
    fieldInvalid('spec.nonResourceAttributes', `${shown}: cannot be specified in combination with resourceAttributes`),
  ];
}

function subjectErrors({ user, groups }: AccessSpec): FieldError[] {
  if ((user ?? '') !== '' || (groups ?? []).length > 0) return [];
  return [fieldInvalid('spec.user', '"": at least one of user or group must be specified')];
}

function localErrors({ resourceAttributes, nonResourceAttributes }: AccessSpec, namespace: string): FieldError[] {
  if (nonResourceAttributes !== undefined)
    return [fieldInvalid('spec.nonResourceAttributes', 'null: disallowed on this kind of request')];
  const given = resourceAttributes?.namespace ?? '';
  if (given === namespace) return [];
  return [fieldInvalid('spec.resourceAttributes.namespace', `${JSON.stringify(given)}: must match metadata.namespace`)];
}

function subjectOf({ user, uid, groups, extra }: AccessSpec): User {
  return {
    name: user ?? '',
    groups: groups ?? [],
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function decide(rbac: Rbac, user: User, spec: AccessSpec): Record<string, unknown> {
  const { allowed, reason } = rbac.decide(user, accessOfSpec(spec));
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function accessOfSpec({ resourceAttributes, nonResourceAttributes }: AccessSpec): Access {
  if (resourceAttributes === undefined)
    return { type: 'path', verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' };
  const { verb, group, resource, subresource, namespace, name } = resourceAttributes;
  const plural = resource ?? '';
  return {
    type: 'resource',
    verb: verb ?? '',
    group: group ?? '',
    resource: subresource ? `${plural}/${subresource}` : plural,
    namespace: namespace || undefined,
    name: name || undefined,
  };
}

function rulesReview(rbac: Rbac, user: User, object: AnyObject): AnyObject {
  const namespace = (object.spec as { namespace?: string } | undefined)?.namespace ?? '';
  if (namespace === '') throw badRequest('no namespace on request');
  const { rules, errors } = rbac.rulesFor(user, namespace);
  const { apiVersion, kind } = object;
  return {
    kind,
    apiVersion,
    metadata: {},
    spec: {},
    status: {
      resourceRules: rules.filter(({ resources }) => (resources ?? []).length > 0),
      nonResourceRules: rules.filter(({ nonResourceURLs }) => (nonResourceURLs ?? []).length > 0),
      incomplete: errors.length > 0,
      ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
    },
  };
}

function userInfo(user: User): Record<string, unknown> {
  return {
    username: user.name,
    ...(user.uid ? { uid: user.uid } : {}),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}

function tokenReview(authenticate: TokenAuthentication, object: AnyObject): AnyObject {
  const spec = (object.spec ?? {}) as { token?: string; audiences?: readonly string[] };
  if (!spec.token) throw badRequest('token is required for TokenReview in authentication');
  const wanted = spec.audiences?.length ? spec.audiences : [SERVICE_ACCOUNT_ISSUER];
  const found = authenticate(spec.token, wanted);
  const status =
    'user' in found
      ? { authenticated: true, user: userInfo(found.user), audiences: found.audiences }
      : { user: {}, error: found.error };
  return { ...object, status };
}
