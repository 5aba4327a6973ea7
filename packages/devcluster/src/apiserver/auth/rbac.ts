import type { AnyObject } from '@drey/kube';
import type { User } from '../contract.ts';
import type { Authorizer, ObjectReader } from '../model.ts';
import { type Access, accessOf, type PolicyRule, ruleAllows } from './access.ts';

/** Members may do everything, whatever the roles say. */
export const MASTERS_GROUP = 'system:masters';
const RBAC_GROUP = 'rbac.authorization.k8s.io';
const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:';

export interface Decision {
  readonly allowed: boolean;
  /** Why, as SubjectAccessReview shows it; empty for members of system:masters and for plain refusals. */
  readonly reason: string;
}

/** Role-based access control over the Roles and bindings that `objects` holds at the moment of each question. */
export interface Rbac {
  decide(user: User, access: Access): Decision;
  /** Every rule that holds for `user` in `namespace` (cluster-wide ones included), and what could not be resolved. */
  rulesFor(
    user: User,
    namespace: string | undefined,
  ): { readonly rules: readonly PolicyRule[]; readonly errors: readonly string[] };
  /** The rules of a role as a binding in `namespace` refers to it; undefined when it does not exist. */
  roleRules(roleRef: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined;
}

export interface RoleRef {
  readonly kind: string;
  readonly name: string;
}

interface Grant {
  readonly rules: readonly PolicyRule[];
  readonly because: string;
  readonly error?: string;
}

export function createRbac(objects: ObjectReader): Rbac {
  const roleRules: Rbac['roleRules'] = (roleRef, namespace) => {
    if (roleRef.kind === 'ClusterRole') {
      const role = objects.get(RBAC_GROUP, 'clusterroles', undefined, roleRef.name);
      return role && clusterRoleRules(role, objects);
    }
    const role = namespace === undefined ? undefined : objects.get(RBAC_GROUP, 'roles', namespace, roleRef.name);
    return role && rulesOf(role);
  };

  function* grants(user: User, namespace: string | undefined): Generator<Grant> {
    for (const binding of objects.list(RBAC_GROUP, 'clusterrolebindings', undefined)) {
      yield* grantsOf(binding, undefined, user);
    }
    if (namespace === undefined) return;
    for (const binding of objects.list(RBAC_GROUP, 'rolebindings', namespace)) {
      yield* grantsOf(binding, namespace, user);
    }
  }

  function* grantsOf(binding: AnyObject, namespace: string | undefined, user: User): Generator<Grant> {
    const subject = subjectsOf(binding).find((candidate) => appliesTo(candidate, user, namespace));
    if (subject === undefined) return;
    const roleRef = binding.roleRef as RoleRef;
    const rules = roleRules(roleRef, namespace);
    const plural = roleRef.kind === 'ClusterRole' ? 'clusterrole' : 'role';
    const where = namespace === undefined ? '' : `/${namespace}`;
    const because =
      `RBAC: allowed by ${namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding'} ` +
      `"${binding.metadata.name}${where}" of ${roleRef.kind} "${roleRef.name}" to ${describeSubject(subject, namespace)}`;
    if (rules !== undefined) yield { rules, because };
    else yield { rules: [], because, error: `${plural}.${RBAC_GROUP} "${roleRef.name}" not found` };
  }

  return {
    roleRules,
    decide(user, access) {
      if (user.groups.includes(MASTERS_GROUP)) return { allowed: true, reason: '' };
      const namespace = access.type === 'resource' ? access.namespace : undefined;
      const errors: string[] = [];
      for (const grant of grants(user, namespace)) {
        if (grant.error !== undefined) errors.push(grant.error);
        if (grant.rules.some((rule) => ruleAllows(rule, access))) return { allowed: true, reason: grant.because };
      }
      return { allowed: false, reason: errors.length === 0 ? '' : `RBAC: ${aggregate(errors)}` };
    },
    rulesFor(user, namespace) {
      const found = [...grants(user, namespace)];
      const errors = found.flatMap(({ error }) => (error === undefined ? [] : [error]));
      return { rules: found.flatMap(({ rules }) => rules), errors };
    },
  };
}

/** The authorizer of the request pipeline. */
export function rbacAuthorizer(rbac: Rbac): Authorizer {
  return (user, info) => rbac.decide(user, accessOf(info));
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

function subjectsOf(binding: AnyObject): readonly Subject[] {
  return (binding.subjects as readonly Subject[] | undefined) ?? [];
}

function rulesOf(role: AnyObject): readonly PolicyRule[] {
  return (role.rules as readonly PolicyRule[] | undefined) ?? [];
}

/** An aggregated role is the sum of the roles its selectors match; evaluated here, so no controller has to run. */
function clusterRoleRules(role: AnyObject, objects: ObjectReader): readonly PolicyRule[] {
  const aggregation = role.aggregationRule as { clusterRoleSelectors?: LabelSelector[] } | undefined;
  const selectors = aggregation?.clusterRoleSelectors ?? [];
  if (selectors.length === 0) return rulesOf(role);
  const seen = new Set<string | undefined>([role.metadata.name]);
  const collect = (wanted: readonly LabelSelector[]): PolicyRule[] =>
    objects.list(RBAC_GROUP, 'clusterroles', undefined).flatMap((other) => {
      if (seen.has(other.metadata.name) || !wanted.some((selector) => matches(selector, other))) return [];
      seen.add(other.metadata.name);
      const nested = other.aggregationRule as typeof aggregation;
      return [...rulesOf(other), ...collect(nested?.clusterRoleSelectors ?? [])];
    });
  return [...rulesOf(role), ...collect(selectors)];
}

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

function matches(selector: LabelSelector, object: AnyObject): boolean {
  const labels = object.metadata.labels ?? {};
  const wanted = Object.entries(selector.matchLabels ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

function appliesTo(subject: Subject, user: User, namespace: string | undefined): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.name === user.name;
    case 'Group':
      return user.groups.includes(subject.name);
    case 'ServiceAccount': {
      const home = subject.namespace ?? namespace;
      return home !== undefined && user.name === `${SERVICE_ACCOUNT_PREFIX}${home}:${subject.name}`;
    }
    default:
      return false;
  }
}

function describeSubject(subject: Subject, namespace: string | undefined): string {
  if (subject.kind !== 'ServiceAccount') return `${subject.kind} "${subject.name}"`;
  return `ServiceAccount "${subject.name}/${subject.namespace ?? namespace ?? ''}"`;
}

function aggregate(errors: readonly string[]): string {
  const unique = [...new Set(errors)];
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`;
}
