import {
  booleanType,
  doubleType,
  durationType,
  enumType,
  intType,
  listType,
  mapListType,
  mapType,
  option,
  optionalOption,
  stringType,
} from '../option.ts';

/** Types that `kubernetes.rest-service.exposed.type` may name. */
export const restServiceExposedTypes = ['ClusterIP', 'NodePort', 'LoadBalancer', 'Headless_ClusterIP'] as const;

const serviceAccount = option('kubernetes.service-account', stringType, 'default');
const podTemplate = optionalOption('kubernetes.pod-template-file.default', stringType, {
  renamed: [{ since: '1.17', key: 'kubernetes.pod-template-file' }],
});

/** Options of Flink's native Kubernetes deployment, for the whole cluster. */
export const kubernetesOptions = {
  clusterId: optionalOption('kubernetes.cluster-id', stringType),
  namespace: option('kubernetes.namespace', stringType, 'default'),
  context: optionalOption('kubernetes.context', stringType),
  configFile: optionalOption('kubernetes.config.file', stringType),
  containerImage: optionalOption('kubernetes.container.image.ref', stringType, {
    renamed: [{ since: '1.17', key: 'kubernetes.container.image' }],
  }),
  imagePullPolicy: option(
    'kubernetes.container.image.pull-policy',
    enumType('IfNotPresent', 'Always', 'Never'),
    'IfNotPresent',
  ),
  imagePullSecrets: option('kubernetes.container.image.pull-secrets', listType, []),
  entryPath: option('kubernetes.entry.path', stringType, '/docker-entrypoint.sh'),
  flinkConfDir: option('kubernetes.flink.conf.dir', stringType, '/opt/flink/conf'),
  flinkLogDir: optionalOption('kubernetes.flink.log.dir', stringType),
  hostNetwork: option('kubernetes.hostnetwork.enabled', booleanType, false, { since: '1.15' }),
  serviceAccount,
  secrets: option('kubernetes.secrets', mapType, new Map<string, string>()),
  envSecretKeyRef: option('kubernetes.env.secretKeyRef', mapListType, []),
  persistentVolumeClaims: option('kubernetes.persistent-volume-claims', mapType, new Map<string, string>(), {
    since: '2.3',
  }),
  persistentVolumeClaimReadOnly: option('kubernetes.persistent-volume-claim-read-only', booleanType, false, {
    since: '2.3',
  }),
  /** Before 1.15 the default is LoadBalancer. */
  restServiceExposedType: option(
    'kubernetes.rest-service.exposed.type',
    enumType(...restServiceExposedTypes),
    'ClusterIP',
  ),
  restServiceNodePortAddressType: option(
    'kubernetes.rest-service.exposed.node-port-address-type',
    enumType('InternalIP', 'ExternalIP'),
    'InternalIP',
  ),
  restServiceAnnotations: option('kubernetes.rest-service.annotations', mapType, new Map<string, string>()),
  restServiceLabels: option('kubernetes.rest-service.labels', mapType, new Map<string, string>(), { since: '2.2' }),
  internalServiceAnnotations: option('kubernetes.internal-service.annotations', mapType, new Map<string, string>(), {
    since: '1.20',
  }),
  internalServiceLabels: option('kubernetes.internal-service.labels', mapType, new Map<string, string>(), {
    since: '2.2',
  }),
  hadoopConfigMapName: optionalOption('kubernetes.hadoop.conf.config-map.name', stringType),
  hadoopMountEnabled: option('kubernetes.decorator.hadoop-conf-mount.enabled', booleanType, true, { since: '1.17' }),
  kerberosMountEnabled: option('kubernetes.decorator.kerberos-mount.enabled', booleanType, true, { since: '1.17' }),
  nodeNameLabel: option('kubernetes.node-name-label', stringType, 'kubernetes.io/hostname', { since: '1.16' }),
  podTemplate,
  entrypointClass: optionalOption('kubernetes.internal.jobmanager.entrypoint.class', stringType),
  clientUserAgent: option('kubernetes.client.user-agent', stringType, 'flink', { since: '1.16' }),
  clientIoPoolSize: option('kubernetes.client.io-pool.size', intType, 4),
  transactionalMaxRetries: option('kubernetes.transactional-operation.max-retries', intType, 15),
  transactionalInitialRetryDelay: option('kubernetes.transactional-operation.initial-retry-delay', durationType, 50, {
    since: '1.20',
  }),
  transactionalMaxRetryDelay: option('kubernetes.transactional-operation.max-retry-delay', durationType, 60_000, {
    since: '1.20',
  }),
  artifactsLocalUploadEnabled: option('kubernetes.artifacts.local-upload-enabled', booleanType, false, {
    since: '1.20',
  }),
  artifactsLocalUploadOverwrite: option('kubernetes.artifacts.local-upload-overwrite', booleanType, false, {
    since: '1.20',
  }),
  artifactsLocalUploadTarget: optionalOption('kubernetes.artifacts.local-upload-target', stringType, {
    since: '1.20',
  }),
} as const;

/** The options that JobManager and TaskManager pods have alike, each under its own prefix. */
function podOptions(component: 'jobmanager' | 'taskmanager') {
  const key = (name: string): string => `kubernetes.${component}.${name}`;
  return {
    annotations: option(key('annotations'), mapType, new Map<string, string>()),
    labels: option(key('labels'), mapType, new Map<string, string>()),
    nodeSelector: option(key('node-selector'), mapType, new Map<string, string>()),
    tolerations: option(key('tolerations'), mapListType, []),
    /** Falls back to `kubernetes.service-account`. */
    serviceAccount: option(key('service-account'), stringType, 'default', { aliases: [serviceAccount.key] }),
    cpuLimitFactor: option(key('cpu.limit-factor'), doubleType, 1, { since: '1.15' }),
    memoryLimitFactor: option(key('memory.limit-factor'), doubleType, 1, { since: '1.15' }),
    entrypointArgs: option(key('entrypoint.args'), stringType, '', { since: '1.16' }),
    /** Falls back to `kubernetes.pod-template-file.default`. */
    podTemplate: optionalOption(`kubernetes.pod-template-file.${component}`, stringType, {
      aliases: [...podTemplate.aliases, podTemplate.key],
    }),
  };
}

/** Options of the JobManager's Deployment and pods. */
export const kubernetesJobManagerOptions = {
  ...podOptions('jobmanager'),
  cpuAmount: option('kubernetes.jobmanager.cpu.amount', doubleType, 1, {
    renamed: [{ since: '1.17', key: 'kubernetes.jobmanager.cpu' }],
  }),
  replicas: option('kubernetes.jobmanager.replicas', intType, 1),
  ownerReference: option('kubernetes.jobmanager.owner.reference', mapListType, []),
} as const;

/** Options of TaskManager pods. */
export const kubernetesTaskManagerOptions = {
  ...podOptions('taskmanager'),
  /** Not above 0: as many as slots. */
  cpuAmount: option('kubernetes.taskmanager.cpu.amount', doubleType, -1, {
    renamed: [{ since: '1.17', key: 'kubernetes.taskmanager.cpu' }],
  }),
} as const;

/**
 * Drey's own: TaskManagers of a standalone cluster as a StatefulSet. They describe a cluster and not what the operator does, so
 * they have no `kubernetes.operator` before them: a change of theirs is a change of the cluster.
 */
export const taskManagerStatefulSetOptions = {
  enabled: option('kubernetes.taskmanager.stateful-set.enabled', booleanType, false),
  /** A Kubernetes quantity. Unset: no claims. */
  volumeSize: optionalOption('kubernetes.taskmanager.stateful-set.volume.size', stringType),
  /** Unset: the cluster's default class. */
  volumeStorageClass: optionalOption('kubernetes.taskmanager.stateful-set.volume.storage-class', stringType),
} as const;

/** Prefixes whose rest names an environment variable of the main container. */
export const containerizedEnvPrefixes = {
  jobManager: 'containerized.master.env.',
  taskManager: 'containerized.taskmanager.env.',
} as const;
