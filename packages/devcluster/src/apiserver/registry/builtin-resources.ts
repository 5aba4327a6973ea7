/**
 * The built-in resources, as Kubernetes 1.34 serves them: names, verbs and subresources. What each kind does around
 * storage is in `rules/`.
 */

interface BuiltinOptions {
  /** False for cluster-scoped kinds. */
  readonly namespaced?: false;
  /** Words separated by spaces; absent: {@link ALL_VERBS}. */
  readonly verbs?: string;
  readonly singular?: string;
  readonly short?: string;
  readonly categories?: string;
  /** `name`, or `name=Kind(verbs)` where kind or verbs are not those of a status; separated by `; `. */
  readonly sub?: string;
}

/** Group, version, kind, plural. */
type BuiltinRow = readonly [string, string, string, string, BuiltinOptions?];

export const ALL_VERBS = 'create delete deletecollection get list patch update watch';

export const builtinRows: readonly BuiltinRow[] = [
  ['', 'v1', 'Binding', 'bindings', { verbs: 'create' }],
  ['', 'v1', 'ComponentStatus', 'componentstatuses', { namespaced: false, verbs: 'get list', short: 'cs' }],
  ['', 'v1', 'ConfigMap', 'configmaps', { short: 'cm' }],
  ['', 'v1', 'Endpoints', 'endpoints', { short: 'ep' }],
  ['', 'v1', 'Event', 'events', { short: 'ev' }],
  ['', 'v1', 'LimitRange', 'limitranges', { short: 'limits' }],
  [
    '',
    'v1',
    'Namespace',
    'namespaces',
    {
      namespaced: false,
      verbs: 'create delete get list patch update watch',
      short: 'ns',
      sub: 'finalize=(update); status',
    },
  ],
  [
    '',
    'v1',
    'Node',
    'nodes',
    { namespaced: false, short: 'no', sub: 'proxy=NodeProxyOptions(create delete get patch update); status' },
  ],
  ['', 'v1', 'PersistentVolumeClaim', 'persistentvolumeclaims', { short: 'pvc', sub: 'status' }],
  ['', 'v1', 'PersistentVolume', 'persistentvolumes', { namespaced: false, short: 'pv', sub: 'status' }],
  [
    '',
    'v1',
    'Pod',
    'pods',
    {
      short: 'po',
      categories: 'all',
      sub: 'attach=PodAttachOptions(create get); binding=Binding(create); ephemeralcontainers=(get patch update); eviction=policy/v1/Eviction(create); exec=PodExecOptions(create get); log=(get); portforward=PodPortForwardOptions(create get); proxy=PodProxyOptions(create delete get patch update); resize=(get patch update); status',
    },
  ],
  ['', 'v1', 'PodTemplate', 'podtemplates'],
  [
    '',
    'v1',
    'ReplicationController',
    'replicationcontrollers',
    { short: 'rc', categories: 'all', sub: 'scale=autoscaling/v1/Scale(get patch update); status' },
  ],
  ['', 'v1', 'ResourceQuota', 'resourcequotas', { short: 'quota', sub: 'status' }],
  ['', 'v1', 'Secret', 'secrets'],
  [
    '',
    'v1',
    'ServiceAccount',
    'serviceaccounts',
    { short: 'sa', sub: 'token=authentication.k8s.io/v1/TokenRequest(create)' },
  ],
  [
    '',
    'v1',
    'Service',
    'services',
    { short: 'svc', categories: 'all', sub: 'proxy=ServiceProxyOptions(create delete get patch update); status' },
  ],
  [
    'apiregistration.k8s.io',
    'v1',
    'APIService',
    'apiservices',
    { namespaced: false, categories: 'api-extensions', sub: 'status' },
  ],
  ['apps', 'v1', 'ControllerRevision', 'controllerrevisions'],
  ['apps', 'v1', 'DaemonSet', 'daemonsets', { short: 'ds', categories: 'all', sub: 'status' }],
  [
    'apps',
    'v1',
    'Deployment',
    'deployments',
    { short: 'deploy', categories: 'all', sub: 'scale=autoscaling/v1/Scale(get patch update); status' },
  ],
  [
    'apps',
    'v1',
    'ReplicaSet',
    'replicasets',
    { short: 'rs', categories: 'all', sub: 'scale=autoscaling/v1/Scale(get patch update); status' },
  ],
  [
    'apps',
    'v1',
    'StatefulSet',
    'statefulsets',
    { short: 'sts', categories: 'all', sub: 'scale=autoscaling/v1/Scale(get patch update); status' },
  ],
  ['events.k8s.io', 'v1', 'Event', 'events', { short: 'ev' }],
  ['authentication.k8s.io', 'v1', 'SelfSubjectReview', 'selfsubjectreviews', { namespaced: false, verbs: 'create' }],
  ['authentication.k8s.io', 'v1', 'TokenReview', 'tokenreviews', { namespaced: false, verbs: 'create' }],
  ['authorization.k8s.io', 'v1', 'LocalSubjectAccessReview', 'localsubjectaccessreviews', { verbs: 'create' }],
  [
    'authorization.k8s.io',
    'v1',
    'SelfSubjectAccessReview',
    'selfsubjectaccessreviews',
    { namespaced: false, verbs: 'create' },
  ],
  [
    'authorization.k8s.io',
    'v1',
    'SelfSubjectRulesReview',
    'selfsubjectrulesreviews',
    { namespaced: false, verbs: 'create' },
  ],
  ['authorization.k8s.io', 'v1', 'SubjectAccessReview', 'subjectaccessreviews', { namespaced: false, verbs: 'create' }],
  [
    'autoscaling',
    'v1',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
    { short: 'hpa', categories: 'all', sub: 'status' },
  ],
  [
    'autoscaling',
    'v2',
    'HorizontalPodAutoscaler',
    'horizontalpodautoscalers',
    { short: 'hpa', categories: 'all', sub: 'status' },
  ],
  ['batch', 'v1', 'CronJob', 'cronjobs', { short: 'cj', categories: 'all', sub: 'status' }],
  ['batch', 'v1', 'Job', 'jobs', { categories: 'all', sub: 'status' }],
  [
    'certificates.k8s.io',
    'v1',
    'CertificateSigningRequest',
    'certificatesigningrequests',
    { namespaced: false, short: 'csr', sub: 'approval=(get patch update); status' },
  ],
  ['networking.k8s.io', 'v1', 'IngressClass', 'ingressclasses', { namespaced: false }],
  ['networking.k8s.io', 'v1', 'Ingress', 'ingresses', { short: 'ing', sub: 'status' }],
  ['networking.k8s.io', 'v1', 'IPAddress', 'ipaddresses', { namespaced: false, short: 'ip' }],
  ['networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies', { short: 'netpol' }],
  ['networking.k8s.io', 'v1', 'ServiceCIDR', 'servicecidrs', { namespaced: false, sub: 'status' }],
  ['policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets', { short: 'pdb', sub: 'status' }],
  ['rbac.authorization.k8s.io', 'v1', 'ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }],
  ['rbac.authorization.k8s.io', 'v1', 'ClusterRole', 'clusterroles', { namespaced: false }],
  ['rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'],
  ['rbac.authorization.k8s.io', 'v1', 'Role', 'roles'],
  ['storage.k8s.io', 'v1', 'CSIDriver', 'csidrivers', { namespaced: false }],
  ['storage.k8s.io', 'v1', 'CSINode', 'csinodes', { namespaced: false }],
  ['storage.k8s.io', 'v1', 'CSIStorageCapacity', 'csistoragecapacities'],
  ['storage.k8s.io', 'v1', 'StorageClass', 'storageclasses', { namespaced: false, short: 'sc' }],
  ['storage.k8s.io', 'v1', 'VolumeAttachment', 'volumeattachments', { namespaced: false, sub: 'status' }],
  ['storage.k8s.io', 'v1', 'VolumeAttributesClass', 'volumeattributesclasses', { namespaced: false, short: 'vac' }],
  [
    'admissionregistration.k8s.io',
    'v1',
    'MutatingWebhookConfiguration',
    'mutatingwebhookconfigurations',
    { namespaced: false, categories: 'api-extensions' },
  ],
  [
    'admissionregistration.k8s.io',
    'v1',
    'ValidatingAdmissionPolicy',
    'validatingadmissionpolicies',
    { namespaced: false, categories: 'api-extensions', sub: 'status' },
  ],
  [
    'admissionregistration.k8s.io',
    'v1',
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
    { namespaced: false, categories: 'api-extensions' },
  ],
  [
    'admissionregistration.k8s.io',
    'v1',
    'ValidatingWebhookConfiguration',
    'validatingwebhookconfigurations',
    { namespaced: false, categories: 'api-extensions' },
  ],
  [
    'apiextensions.k8s.io',
    'v1',
    'CustomResourceDefinition',
    'customresourcedefinitions',
    { namespaced: false, short: 'crd crds', categories: 'api-extensions', sub: 'status' },
  ],
  ['scheduling.k8s.io', 'v1', 'PriorityClass', 'priorityclasses', { namespaced: false, short: 'pc' }],
  ['coordination.k8s.io', 'v1', 'Lease', 'leases'],
  ['node.k8s.io', 'v1', 'RuntimeClass', 'runtimeclasses', { namespaced: false }],
  ['discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices'],
  ['resource.k8s.io', 'v1', 'DeviceClass', 'deviceclasses', { namespaced: false }],
  ['resource.k8s.io', 'v1', 'ResourceClaim', 'resourceclaims', { sub: 'status' }],
  ['resource.k8s.io', 'v1', 'ResourceClaimTemplate', 'resourceclaimtemplates'],
  ['resource.k8s.io', 'v1', 'ResourceSlice', 'resourceslices', { namespaced: false }],
  ['flowcontrol.apiserver.k8s.io', 'v1', 'FlowSchema', 'flowschemas', { namespaced: false, sub: 'status' }],
  [
    'flowcontrol.apiserver.k8s.io',
    'v1',
    'PriorityLevelConfiguration',
    'prioritylevelconfigurations',
    { namespaced: false, sub: 'status' },
  ],
];
