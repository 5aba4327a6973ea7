import type { AnyObject } from '@drey/kube';
import { type Access, describeRule, mergeVerbs, type PolicyRule, uncovered } from '../auth/access.ts';
import { MASTERS_GROUP, type Rbac, type RoleRef } from '../auth/rbac.ts';
import type { User } from '../contract.ts';
import type { AdmissionRequest } from '../model.ts';
import { forbidden, notFound } from '../status.ts';
import type { AdmissionPlugin } from './chain.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

/**
 * Nobody grants what they do not hold: roles and bindings are refused unless the user has their rights, or the verb
 * `escalate` on the role, or `bind` on the role that a binding refers to.
 */
export function rbacEscalation(rbac: Rbac): AdmissionPlugin {
  return {
    validate(request) {
      const { definition, operation, object, user, subresource } = request;
      if (definition.group !== RBAC_GROUP || subresource !== undefined || object === undefined) return undefined;
      if ((operation !== 'CREATE' && operation !== 'UPDATE') || user.groups.includes(MASTERS_GROUP)) return undefined;
      if (definition.plural === 'roles' || definition.plural === 'clusterroles') checkRole(rbac, request, object);
      else checkBinding(rbac, request, object);
      return undefined;
    },
  };
}

function access(request: AdmissionRequest, verb: string, resource: string, name: string): Access {
  return { type: 'resource', verb, group: RBAC_GROUP, resource, namespace: request.namespace, name };
}

function checkRole(rbac: Rbac, request: AdmissionRequest, role: AnyObject): void {
  const wanted = (role.rules ?? []) as readonly PolicyRule[];
  const same = JSON.stringify(wanted) === JSON.stringify(request.oldObject?.rules ?? []);
  if (request.operation === 'UPDATE' && same) return;
  if (rbac.decide(request.user, access(request, 'escalate', request.definition.plural, request.name)).allowed) return;
  confirm(rbac, request, wanted);
}

function checkBinding(rbac: Rbac, request: AdmissionRequest, binding: AnyObject): void {
  const { oldObject } = request;
  const grants = (object: AnyObject | undefined): string => JSON.stringify([object?.roleRef, object?.subjects ?? []]);
  if (request.operation === 'UPDATE' && grants(binding) === grants(oldObject)) return;
  const roleRef = binding.roleRef as RoleRef;
  const plural = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (rbac.decide(request.user, access(request, 'bind', plural, roleRef.name)).allowed) return;
  const rules = rbac.roleRules(roleRef, request.namespace);
  if (rules === undefined) throw notFound({ group: RBAC_GROUP, plural }, roleRef.name);
  confirm(rbac, request, rules);
}

function confirm(rbac: Rbac, request: AdmissionRequest, wanted: readonly PolicyRule[]): void {
  const { rules, errors } = rbac.rulesFor(request.user, request.namespace);
  const missing = uncovered(rules, wanted);
  if (missing.length === 0) return;
  const described = [...new Set(mergeVerbs(missing).map(describeRule))].sort().join('\n');
  const resolution = errors.length === 0 ? '' : `; resolution errors: [${errors.join(', ')}]`;
  const why = `${describeUser(request.user)} is attempting to grant RBAC permissions not currently held:\n${described}${resolution}`;
  throw forbidden(request.definition, request.name, why);
}

function describeUser({ name, groups }: User): string {
  return `user ${JSON.stringify(name)} (groups=[${groups.map((group) => JSON.stringify(group)).join(' ')}])`;
}
