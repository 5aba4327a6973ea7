import type { AnyObject } from '@drey/kube';
import type { PolicyRule } from './access.ts';

/** The roles and bindings a new cluster has, by the names and with the rights of Kubernetes 1.34. */

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const ALL = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-';

function rule(verbs: readonly string[], group: string, ...resources: string[]): PolicyRule {
  return { verbs, apiGroups: [group], resources };
}

function urls(...nonResourceURLs: string[]): PolicyRule {
  return { verbs: ['get'], nonResourceURLs };
}

interface RoleSpec {
  readonly rules?: readonly PolicyRule[];
  readonly aggregates?: string;
  readonly aggregateTo?: string;
}

const oldWorkloads = ['daemonsets', 'deployments', 'deployments/scale', 'ingresses', 'networkpolicies'];
const oldReplicas = ['replicasets', 'replicasets/scale', 'replicationcontrollers/scale'];

function withStatus(...plurals: string[]): string[] {
  return plurals.flatMap((plural) => [plural, `${plural}/status`]);
}

const viewRules: readonly PolicyRule[] = [
  rule(
    READ,
    '',
    ...['configmaps', 'endpoints', 'persistentvolumeclaims', 'persistentvolumeclaims/status', 'pods'],
    ...['replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services', 'services/status'],
  ),
  rule(
    READ,
    '',
    ...['bindings', 'events', 'limitranges', 'namespaces/status', 'pods/log', 'pods/status'],
    ...['replicationcontrollers/status', 'resourcequotas', 'resourcequotas/status'],
  ),
  rule(READ, '', 'namespaces'),
  rule(READ, 'discovery.k8s.io', 'endpointslices'),
  rule(
    READ,
    'apps',
    ...['controllerrevisions', ...withStatus('daemonsets'), 'deployments', 'deployments/scale', 'deployments/status'],
    ...['replicasets', 'replicasets/scale', 'replicasets/status'],
    ...['statefulsets', 'statefulsets/scale', 'statefulsets/status'],
  ),
  rule(READ, 'autoscaling', ...withStatus('horizontalpodautoscalers')),
  rule(READ, 'batch', ...withStatus('cronjobs', 'jobs')),
  rule(
    READ,
    'extensions',
    ...[...withStatus('daemonsets'), 'deployments', 'deployments/scale', 'deployments/status'],
    ...[...withStatus('ingresses'), 'networkpolicies'],
    ...['replicasets', 'replicasets/scale', 'replicasets/status', 'replicationcontrollers/scale'],
  ),
  rule(READ, 'policy', ...withStatus('poddisruptionbudgets')),
  rule(READ, 'networking.k8s.io', ...withStatus('ingresses'), 'networkpolicies'),
  rule(READ, 'resource.k8s.io', ...withStatus('resourceclaims'), 'resourceclaimtemplates'),
];

const connections = ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'];

const editRules: readonly PolicyRule[] = [
  rule(READ, '', ...connections, 'secrets', 'services/proxy'),
  rule(['impersonate'], '', 'serviceaccounts'),
  rule(WRITE, '', 'pods', ...connections),
  rule(['create'], '', 'pods/eviction'),
  rule(
    WRITE,
    '',
    ...['configmaps', 'events', 'persistentvolumeclaims', 'replicationcontrollers', 'replicationcontrollers/scale'],
    ...['secrets', 'serviceaccounts', 'services', 'services/proxy'],
  ),
  rule(['create'], '', 'serviceaccounts/token'),
  rule(
    WRITE,
    'apps',
    ...['daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale', 'replicasets', 'replicasets/scale'],
    ...['statefulsets', 'statefulsets/scale'],
  ),
  rule(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  rule(WRITE, 'batch', 'cronjobs', 'jobs'),
  rule(WRITE, 'extensions', ...oldWorkloads, 'deployments/rollback', ...oldReplicas),
  rule(WRITE, 'policy', 'poddisruptionbudgets'),
  rule(WRITE, 'networking.k8s.io', 'ingresses', 'networkpolicies'),
  rule(ALL, 'coordination.k8s.io', 'leases'),
  rule(WRITE, 'resource.k8s.io', 'resourceclaims', 'resourceclaimtemplates'),
];

const probes = ['/healthz', '/livez'];
const versions = ['/readyz', '/version', '/version/'];

const roles: Readonly<Record<string, RoleSpec>> = {
  'cluster-admin': {
    rules: [rule(['*'], '*', '*'), { verbs: ['*'], nonResourceURLs: ['*'] }],
  },
  admin: { aggregates: 'admin' },
  edit: { aggregates: 'edit', aggregateTo: 'admin' },
  view: { aggregates: 'view', aggregateTo: 'edit' },
  'system:aggregate-to-admin': {
    aggregateTo: 'admin',
    rules: [
      rule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
      rule(ALL, 'rbac.authorization.k8s.io', 'rolebindings', 'roles'),
    ],
  },
  'system:aggregate-to-edit': { aggregateTo: 'edit', rules: editRules },
  'system:aggregate-to-view': { aggregateTo: 'view', rules: viewRules },
  'system:auth-delegator': {
    rules: [
      rule(['create'], 'authentication.k8s.io', 'tokenreviews'),
      rule(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
    ],
  },
  'system:basic-user': {
    rules: [
      rule(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
      rule(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
  },
  'system:discovery': {
    rules: [urls('/api', '/api/*', '/apis', '/apis/*', ...probes, '/openapi', '/openapi/*', ...versions)],
  },
  'system:public-info-viewer': { rules: [urls(...probes, ...versions)] },
  'system:monitoring': {
    rules: [
      urls('/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*'),
      rule(['get'], '', 'nodes/metrics'),
    ],
  },
  'system:service-account-issuer-discovery': {
    rules: [
      urls(
        ...['/.well-known/openid-configuration', '/.well-known/openid-configuration/'],
        ...['/openid/v1/jwks', '/openid/v1/jwks/'],
      ),
    ],
  },
};

const bindings: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['system:masters'],
  'system:basic-user': ['system:authenticated'],
  'system:discovery': ['system:authenticated'],
  'system:monitoring': ['system:monitoring'],
  'system:public-info-viewer': ['system:authenticated', 'system:unauthenticated'],
  'system:service-account-issuer-discovery': ['system:serviceaccounts'],
};

const RBAC_VERSION = 'rbac.authorization.k8s.io/v1';

/** The bootstrap ClusterRoles and ClusterRoleBindings, ready to be created where they are missing. */
export function bootstrapRoles(): readonly AnyObject[] {
  return [
    ...Object.entries(roles).map(([name, spec]) => clusterRole(name, spec)),
    ...Object.entries(bindings).map(([name, groups]) => clusterRoleBinding(name, groups)),
  ];
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): AnyObject['metadata'] {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}

function clusterRole(name: string, spec: RoleSpec): AnyObject {
  const labels = spec.aggregateTo === undefined ? {} : { [`${AGGREGATE}${spec.aggregateTo}`]: 'true' };
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRole',
    metadata: metadata(name, labels),
    ...(spec.aggregates === undefined
      ? {}
      : {
          aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE}${spec.aggregates}`]: 'true' } }] },
        }),
    ...(spec.rules === undefined ? {} : { rules: spec.rules }),
  };
}

function clusterRoleBinding(name: string, groups: readonly string[]): AnyObject {
  const apiGroup = 'rbac.authorization.k8s.io';
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    roleRef: { apiGroup, kind: 'ClusterRole', name },
    subjects: groups.map((group) => ({ kind: 'Group', apiGroup, name: group })),
  };
}
