import type { AnyObject } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import type { User } from '../contract.ts';
import type { ObjectReader } from '../model.ts';
import { type Access, describeRule, mergeVerbs, uncovered } from './access.ts';
import { bootstrapRoles } from './bootstrap-roles.ts';
import { createRbac } from './rbac.ts';

const plurals: Readonly<Record<string, string>> = {
  Role: 'roles',
  ClusterRole: 'clusterroles',
  RoleBinding: 'rolebindings',
  ClusterRoleBinding: 'clusterrolebindings',
};

function reader(objects: readonly AnyObject[]): ObjectReader {
  return {
    get: (_group, plural, namespace, name) =>
      objects.find((o) => plurals[o.kind] === plural && o.metadata.name === name && o.metadata.namespace === namespace),
    list: (_group, plural, namespace) =>
      objects.filter(
        (o) => plurals[o.kind] === plural && (namespace === undefined || o.metadata.namespace === namespace),
      ),
  };
}

function object(kind: string, name: string, namespace: string | undefined, more: object): AnyObject {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return { apiVersion, kind, metadata: { name, ...(namespace && { namespace }) }, ...more } as AnyObject;
}

function can(verb: string, resource: string, more: Partial<Extract<Access, { type: 'resource' }>> = {}): Access {
  return { type: 'resource', verb, group: '', resource, namespace: 'ns', name: undefined, ...more };
}

const bob: User = { name: 'bob', groups: ['crew', 'system:authenticated'] };
const role = object('Role', 'r', 'ns', {
  rules: [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get'] },
    { apiGroups: ['apps'], resources: ['*'], verbs: ['*'] },
    { apiGroups: [''], resources: ['*/log'], verbs: ['get'] },
  ],
});
const bound = object('RoleBinding', 'b', 'ns', {
  subjects: [{ kind: 'Group', name: 'crew' }],
  roleRef: { kind: 'Role', name: 'r' },
});

describe('role-based access control', () => {
  it('allows what a bound role names, by name, group and subresource, and nothing else', () => {
    const rbac = createRbac(reader([role, bound]));
    const reason = 'RBAC: allowed by RoleBinding "b/ns" of Role "r" to Group "crew"';
    expect(rbac.decide(bob, can('get', 'configmaps', { name: 'mine' }))).toEqual({ allowed: true, reason });
    expect(rbac.decide(bob, can('get', 'configmaps', { name: 'other' })).allowed).toBe(false);
    expect(rbac.decide(bob, can('list', 'configmaps')).allowed).toBe(false);
    expect(rbac.decide(bob, can('delete', 'deployments/scale', { group: 'apps' })).allowed).toBe(true);
    expect(rbac.decide(bob, can('get', 'pods/log')).allowed).toBe(true);
    expect(rbac.decide(bob, can('get', 'pods')).allowed).toBe(false);
    expect(rbac.decide(bob, can('get', 'deployments', { group: 'apps', namespace: 'other' })).allowed).toBe(false);
    expect(rbac.decide({ name: 'eve', groups: [] }, can('get', 'pods/log')).allowed).toBe(false);
  });

  it('knows service accounts, and says which role of a binding is missing', () => {
    const binding = object('RoleBinding', 'v', 'ns', {
      subjects: [{ kind: 'ServiceAccount', name: 'bot', namespace: 'home' }],
      roleRef: { kind: 'ClusterRole', name: 'gone' },
    });
    const bot: User = { name: 'system:serviceaccount:home:bot', groups: [] };
    expect(createRbac(reader([binding])).decide(bot, can('get', 'pods'))).toEqual({
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    });
  });

  it('aggregates the bootstrap roles: admin holds what edit and view hold', () => {
    const user = object('ClusterRoleBinding', 'x', undefined, {
      subjects: [{ kind: 'User', name: 'bob' }],
      roleRef: { kind: 'ClusterRole', name: 'admin' },
    });
    const rbac = createRbac(reader([...bootstrapRoles(), user]));
    expect(rbac.decide(bob, can('list', 'configmaps')).allowed).toBe(true);
    expect(rbac.decide(bob, can('create', 'pods/exec')).allowed).toBe(true);
    expect(rbac.decide(bob, can('create', 'roles', { group: 'rbac.authorization.k8s.io' })).allowed).toBe(true);
    expect(rbac.decide(bob, can('list', 'nodes', { namespace: undefined })).allowed).toBe(false);
    expect(rbac.decide(bob, { type: 'path', verb: 'get', path: '/apis/apps/v1' }).allowed).toBe(true);
    expect(rbac.decide(bob, { type: 'path', verb: 'get', path: '/metrics' }).allowed).toBe(false);
    const admin: User = { name: 'root', groups: ['system:masters'] };
    expect(rbac.decide(admin, can('impersonate', 'users'))).toEqual({ allowed: true, reason: '' });
  });

  it('finds the permissions that a grant adds, and describes them in one line each', () => {
    const held = [{ apiGroups: ['apps'], resources: ['*'], verbs: ['get', 'list'] }];
    const wanted = [
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch', 'create'] },
      { nonResourceURLs: ['/x'], verbs: ['get'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['get'] },
    ];
    expect(mergeVerbs(uncovered(held, wanted)).map(describeRule)).toEqual([
      '{APIGroups:["apps"], Resources:["deployments"], Verbs:["watch" "create"]}',
      '{NonResourceURLs:["/x"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}',
    ]);
    expect(
      uncovered(
        [
          { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
          { verbs: ['*'], nonResourceURLs: ['*'] },
        ],
        wanted,
      ),
    ).toEqual([]);
  });
});
