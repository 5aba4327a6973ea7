import type { AnyObject } from '@drey/kube';
import { bootstrapRoles } from '../auth/bootstrap-roles.ts';
import { MASTERS_GROUP } from '../auth/rbac.ts';
import type { ApiHandler, User } from '../contract.ts';

/** The server's own requests. */
export const SERVER_USER: User = { name: 'system:apiserver', groups: [MASTERS_GROUP] };

const collections: Readonly<Record<string, string>> = {
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Namespace: '/api/v1/namespaces',
  PriorityClass: '/apis/scheduling.k8s.io/v1/priorityclasses',
};

/** What a new cluster holds; without roles, where only administrators use it. */
export function bootstrapObjects({ roles }: { readonly roles: boolean }): readonly AnyObject[] {
  const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
  return [
    ...namespaces.map((name): AnyObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...(roles ? bootstrapRoles() : []),
    priorityClass('system-cluster-critical', 2_000_000_000, 'pods the cluster needs, on any node'),
    priorityClass('system-node-critical', 2_000_001_000, 'pods that a node needs, on that node'),
  ];
}

function priorityClass(name: string, value: number, use: string): AnyObject {
  const apiVersion = 'scheduling.k8s.io/v1';
  return { apiVersion, kind: 'PriorityClass', metadata: { name }, value, description: `For ${use}.` };
}

/** Creates what is missing; leaves what is there as it is. Rejects when the server refuses an object. */
export async function createMissing(handle: ApiHandler, objects: readonly AnyObject[]): Promise<void> {
  const never = new AbortController().signal;
  for (const object of objects) {
    const path = collections[object.kind] ?? '';
    const response = await handle({
      method: 'POST',
      path,
      query: new URLSearchParams(),
      headers: { 'content-type': 'application/json', 'user-agent': 'kube-apiserver' },
      body: Buffer.from(JSON.stringify(object)),
      user: SERVER_USER,
      signal: never,
    });
    if (response.status === 201 || response.status === 409) continue;
    const text = response.body instanceof Uint8Array ? Buffer.from(response.body).toString('utf8') : '';
    throw new Error(`cannot create ${object.kind} ${object.metadata.name}: ${response.status} ${text}`);
  }
}
