import type { AnyObject } from '@drey/kube';
import { ageOf } from '../age.ts';
import { bool, formatLabels, formatSelector, int, list, map, orElse, read, shortList, text } from '../fields.ts';
import type { CellWriter } from '../renderer.ts';

const MAX_ENTRIES = 3;

function name(object: AnyObject): string {
  return object.metadata.name ?? '';
}

function age(object: AnyObject, now: number): string {
  return ageOf(object.metadata.creationTimestamp, now);
}

/** The value of an optional field as text. */
function optional(none: string, object: AnyObject, ...path: readonly string[]): string {
  return read(object, ...path) === undefined ? none : text(object, ...path);
}

function servicePorts(service: AnyObject): string {
  const ports = list(service, 'spec', 'ports').map((port) => {
    const node = int(port, 'nodePort');
    return `${int(port, 'port')}${node > 0 ? `:${node}` : ''}/${text(port, 'protocol')}`;
  });
  return orElse(ports.join(','), '<none>');
}

function ingressAddresses(object: AnyObject): string {
  const addresses = list(object, 'status', 'loadBalancer', 'ingress').map(
    (ingress) => text(ingress, 'ip') || text(ingress, 'hostname'),
  );
  return [...new Set(addresses.filter((address) => address !== ''))].sort().join(',');
}

function externalAddress(service: AnyObject): string {
  const external = list(service, 'spec', 'externalIPs').map(String);
  switch (text(service, 'spec', 'type')) {
    case 'ClusterIP':
    case 'NodePort':
      return orElse(external.join(','), '<none>');
    case 'LoadBalancer': {
      const balancer = ingressAddresses(service);
      return orElse([...(balancer === '' ? [] : [balancer]), ...external].join(','), '<pending>');
    }
    case 'ExternalName':
      return text(service, 'spec', 'externalName');
    default:
      return '<unknown>';
  }
}

function hosts(ingress: AnyObject): string {
  const rules = list(ingress, 'spec', 'rules').map((rule) => text(rule, 'host'));
  const named = rules.filter((host) => host !== '');
  if (named.length === 0) return '*';
  const shown = named.slice(0, MAX_ENTRIES).join(',');
  return named.length >= MAX_ENTRIES && rules.length > MAX_ENTRIES
    ? `${shown} + ${rules.length - MAX_ENTRIES} more...`
    : shown;
}

function endpoints(object: AnyObject): string {
  const subsets = list(object, 'subsets');
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap((subset) => {
    const addresses = list(subset, 'addresses').map((address) => text(address, 'ip'));
    const ports = list(subset, 'ports').map((port) => int(port, 'port'));
    if (ports.length === 0) return addresses;
    return ports.flatMap((port) => addresses.map((ip) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`));
  });
  return shortList(all, MAX_ENTRIES);
}

function slicePorts(slice: AnyObject): string {
  const ports = list(slice, 'ports').map((port) => text(port, 'port') || orElse(text(port, 'name'), '*'));
  return ports.length === 0 ? '<unset>' : shortList(ports, MAX_ENTRIES);
}

function sliceEndpoints(slice: AnyObject): string {
  const addresses = list(slice, 'endpoints').flatMap((endpoint) => list(endpoint, 'addresses').map(String));
  return addresses.length === 0 ? '<unset>' : shortList(addresses, MAX_ENTRIES);
}

function nodeStatus(node: AnyObject): string {
  const ready = list(node, 'status', 'conditions').find((condition) => text(condition, 'type') === 'Ready');
  const state = ready === undefined ? 'Unknown' : text(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return bool(node, 'spec', 'unschedulable') ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(node: AnyObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix) && key.length > prefix.length) return [key.slice(prefix.length)];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return orElse([...new Set(roles)].sort().join(','), '<none>');
}

function nodeAddress(node: AnyObject, type: string): string {
  const found = list(node, 'status', 'addresses').find((address) => text(address, 'type') === type);
  return orElse(text(found, 'address'), '<none>');
}

const accessModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modes(values: readonly unknown[]): string {
  return Object.entries(accessModes)
    .filter(([mode]) => values.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function phase(object: AnyObject): string {
  return object.metadata.deletionTimestamp === undefined ? text(object, 'status', 'phase') : 'Terminating';
}

function storageClass(object: AnyObject): string {
  return (
    object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? text(object, 'spec', 'storageClassName')
  );
}

function quotaUse(quota: AnyObject, limits: boolean): string {
  const hard = Object.entries(map(quota, 'status', 'hard')).sort(([a], [b]) => (a < b ? -1 : 1));
  return hard
    .filter(([resource]) => resource.startsWith('limits.') === limits)
    .map(([resource, value]) => `${resource}: ${orElse(text(quota, 'status', 'used', resource), '0')}/${value}`)
    .join(', ');
}

/** The subjects of a binding by kind, each as one cell. */
function subjects(binding: AnyObject): [string, string, string] {
  const of = (kind: string): string =>
    list(binding, 'subjects')
      .filter((subject) => text(subject, 'kind') === kind)
      .map((subject) =>
        kind === 'ServiceAccount' ? `${text(subject, 'namespace')}/${text(subject, 'name')}` : text(subject, 'name'),
      )
      .join(', ');
  return [of('User'), of('Group'), of('ServiceAccount')];
}

const roleBinding: CellWriter = (object, now) => [
  name(object),
  `${text(object, 'roleRef', 'kind')}/${text(object, 'roleRef', 'name')}`,
  age(object, now),
  ...subjects(object),
];

const webhooks: CellWriter = (object, now) => [name(object), list(object, 'webhooks').length, age(object, now)];

/** Events of both groups are one kind; the newer one has other names for some fields. */
const event: CellWriter = (object, now) => {
  const regarding = read(object, 'involvedObject') ?? read(object, 'regarding');
  const at = (...names: readonly string[]): string =>
    names.map((field) => text(object, field)).find((value) => value !== '') ?? '';
  const first = ageOf(at('firstTimestamp', 'deprecatedFirstTimestamp', 'eventTime'), now);
  const lastTime = at('lastTimestamp', 'deprecatedLastTimestamp');
  const series = read(object, 'series');
  const last =
    series === undefined
      ? lastTime === ''
        ? first
        : ageOf(lastTime, now)
      : ageOf(text(series, 'lastObservedTime'), now);
  const count =
    series === undefined ? int(object, 'count') || int(object, 'deprecatedCount') || 1 : int(series, 'count');
  const target = text(regarding, 'name');
  const kind = text(regarding, 'kind').toLowerCase();
  const source = read(object, 'source') ?? read(object, 'deprecatedSource');
  const component = text(source, 'component') || at('reportingComponent', 'reportingController');
  const instance = text(source, 'host') || text(object, 'reportingInstance');
  return [
    last,
    text(object, 'type'),
    text(object, 'reason'),
    target === '' ? kind : `${kind}/${target}`,
    text(regarding, 'fieldPath'),
    instance === '' ? component : `${component}, ${instance}`,
    at('message', 'note').trim(),
    first,
    count,
    name(object),
  ];
};

export const clusterCells: Readonly<Record<string, CellWriter>> = {
  '/ConfigMap': (object, now) => [
    name(object),
    Object.keys(map(object, 'data')).length + Object.keys(map(object, 'binaryData')).length,
    age(object, now),
  ],
  '/Secret': (object, now) => [
    name(object),
    text(object, 'type'),
    Object.keys(map(object, 'data')).length,
    age(object, now),
  ],
  '/ServiceAccount': (object, now) => [name(object), list(object, 'secrets').length, age(object, now)],
  '/Namespace': (object, now) => [name(object), text(object, 'status', 'phase'), age(object, now)],
  '/Service': (object, now) => [
    name(object),
    text(object, 'spec', 'type'),
    orElse(text(object, 'spec', 'clusterIPs', 0), '<none>'),
    externalAddress(object),
    servicePorts(object),
    age(object, now),
    formatLabels(map(object, 'spec', 'selector')),
  ],
  '/Endpoints': (object, now) => [name(object), endpoints(object), age(object, now)],
  'discovery.k8s.io/EndpointSlice': (object, now) => [
    name(object),
    text(object, 'addressType'),
    slicePorts(object),
    sliceEndpoints(object),
    age(object, now),
  ],
  '/Event': event,
  'events.k8s.io/Event': event,
  '/Node': (object, now) => [
    name(object),
    nodeStatus(object),
    nodeRoles(object),
    age(object, now),
    text(object, 'status', 'nodeInfo', 'kubeletVersion'),
    nodeAddress(object, 'InternalIP'),
    nodeAddress(object, 'ExternalIP'),
    orElse(text(object, 'status', 'nodeInfo', 'osImage'), '<unknown>'),
    orElse(text(object, 'status', 'nodeInfo', 'kernelVersion'), '<unknown>'),
    orElse(text(object, 'status', 'nodeInfo', 'containerRuntimeVersion'), '<unknown>'),
  ],
  '/PersistentVolume': (object, now) => [
    name(object),
    orElse(text(object, 'spec', 'capacity', 'storage'), '0'),
    modes(list(object, 'spec', 'accessModes')),
    text(object, 'spec', 'persistentVolumeReclaimPolicy'),
    phase(object),
    read(object, 'spec', 'claimRef') === undefined
      ? ''
      : `${text(object, 'spec', 'claimRef', 'namespace')}/${text(object, 'spec', 'claimRef', 'name')}`,
    storageClass(object),
    optional('<unset>', object, 'spec', 'volumeAttributesClassName'),
    text(object, 'status', 'reason'),
    age(object, now),
    optional('<unset>', object, 'spec', 'volumeMode'),
  ],
  '/PersistentVolumeClaim': (object, now) => {
    const bound = text(object, 'spec', 'volumeName') !== '';
    return [
      name(object),
      phase(object),
      text(object, 'spec', 'volumeName'),
      bound ? orElse(text(object, 'status', 'capacity', 'storage'), '0') : '',
      bound ? modes(list(object, 'status', 'accessModes')) : '',
      storageClass(object),
      optional('<unset>', object, 'spec', 'volumeAttributesClassName'),
      age(object, now),
      optional('<unset>', object, 'spec', 'volumeMode'),
    ];
  },
  '/ResourceQuota': (object, now) => [name(object), quotaUse(object, false), quotaUse(object, true), age(object, now)],
  'networking.k8s.io/Ingress': (object, now) => [
    name(object),
    optional('<none>', object, 'spec', 'ingressClassName'),
    hosts(object),
    ingressAddresses(object),
    list(object, 'spec', 'tls').length > 0 ? '80, 443' : '80',
    age(object, now),
  ],
  'networking.k8s.io/IngressClass': (object, now) => {
    const group = text(object, 'spec', 'parameters', 'apiGroup');
    const parameters = `${text(object, 'spec', 'parameters', 'kind')}${group === '' ? '' : `.${group}`}/${text(object, 'spec', 'parameters', 'name')}`;
    return [
      name(object),
      text(object, 'spec', 'controller'),
      read(object, 'spec', 'parameters') === undefined ? '<none>' : parameters,
      age(object, now),
    ];
  },
  'networking.k8s.io/NetworkPolicy': (object, now) => [
    name(object),
    formatSelector(read(object, 'spec', 'podSelector')),
    age(object, now),
  ],
  'storage.k8s.io/StorageClass': (object, now) => {
    const isDefault = object.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
    return [
      `${name(object)}${isDefault ? ' (default)' : ''}`,
      text(object, 'provisioner'),
      orElse(text(object, 'reclaimPolicy'), 'Delete'),
      orElse(text(object, 'volumeBindingMode'), 'Immediate'),
      bool(object, 'allowVolumeExpansion'),
      age(object, now),
    ];
  },
  'scheduling.k8s.io/PriorityClass': (object, now) => [
    name(object),
    int(object, 'value'),
    bool(object, 'globalDefault'),
    age(object, now),
    text(object, 'preemptionPolicy'),
  ],
  'coordination.k8s.io/Lease': (object, now) => [
    name(object),
    text(object, 'spec', 'holderIdentity'),
    age(object, now),
  ],
  'node.k8s.io/RuntimeClass': (object, now) => [name(object), text(object, 'handler'), age(object, now)],
  'rbac.authorization.k8s.io/RoleBinding': roleBinding,
  'rbac.authorization.k8s.io/ClusterRoleBinding': roleBinding,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhooks,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhooks,
};
