import { isKubeError, type KubeClient, Role, RoleBinding, ServiceAccount } from '@drey/kube';

/** The rights that Flink's JobManager needs in its namespace: its own pods, and ConfigMaps for high availability. */
const rules = [
  {
    apiGroups: [''],
    resources: ['pods', 'configmaps'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'],
  },
  { apiGroups: [''], resources: ['services'], verbs: ['get', 'update'] },
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'deployments/finalizers'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  },
];

/** Creates the service account `flink` with its Role, as the Helm chart does for namespaces that are watched. */
export async function ensureJobAccount(client: KubeClient, namespace: string): Promise<void> {
  const metadata = { name: 'flink', namespace };
  await unlessThere(client.create(ServiceAccount, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }));
  const group = 'rbac.authorization.k8s.io';
  await unlessThere(client.create(Role, { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules }));
  await unlessThere(
    client.create(RoleBinding, {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'flink-role-binding', namespace },
      roleRef: { apiGroup: group, kind: 'Role', name: 'flink' },
      subjects: [{ kind: 'ServiceAccount', name: 'flink', namespace }],
    }),
  );
}

async function unlessThere(create: Promise<unknown>): Promise<void> {
  try {
    await create;
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
  }
}
