import type { ConfigMap, Container, EnvVar, Pod, Secret } from '@drey/kube';
import { parseQuantity } from './quantity.ts';

/** What variables of a container may refer to. */
export interface EnvSources {
  readonly podAddress: string;
  readonly hostAddress: string;
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** Set by the image, and by the node for every container (KUBERNETES_SERVICE_HOST, …); the container's own win. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly nodeAllocatable: Readonly<Record<string, string>>;
}

/** A container that cannot be created as it is written: `CreateContainerConfigError` with the kubelet's wording. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

/** Names of the ConfigMaps and Secrets that the container's environment needs; optional ones included. */
export function envReferences(container: Container): { configMaps: Set<string>; secrets: Set<string> } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const from of container.envFrom ?? []) {
    if (from.configMapRef?.name !== undefined) configMaps.add(from.configMapRef.name);
    if (from.secretRef?.name !== undefined) secrets.add(from.secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name !== undefined) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name !== undefined) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps, secrets };
}

/**
 * The environment of a container: defaults, then envFrom in order, then env in order, where `$(NAME)` stands for a
 * variable defined before. Throws {@link ContainerConfigError}.
 */
export function containerEnv(pod: Pod, container: Container, sources: EnvSources): Record<string, string> {
  const env: Record<string, string> = { ...sources.defaults };
  for (const from of container.envFrom ?? []) {
    for (const [key, value] of Object.entries(envFromData(pod, from, sources)))
      env[`${from.prefix ?? ''}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = envValue(pod, container, variable, sources, env);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

/** Replaces `$(NAME)` where NAME is defined; `$$` is a literal dollar sign; anything else stays as it stands. */
export function expandVariables(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) => {
    if (whole === '$$') return '$';
    return name === undefined ? whole : (env[name] ?? whole);
  });
}

/** The value of a downward API field. Undefined when the field is not one of those that Kubernetes offers. */
export function podField(
  pod: Pod,
  path: string,
  sources: Pick<EnvSources, 'podAddress' | 'hostAddress'>,
): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (keyed !== null) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels ?? {});
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations ?? {});
    case 'spec.nodeName':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.podIP':
    case 'status.podIPs':
      return sources.podAddress;
    case 'status.hostIP':
    case 'status.hostIPs':
      return sources.hostAddress;
    default:
      return undefined;
  }
}

/** A container's request or limit in units of the divisor, rounded up; without a limit, what the node has. */
export function resourceField(
  pod: Pod,
  own: Container | undefined,
  ref: { containerName?: string; resource: string; divisor?: string },
  nodeAllocatable: Readonly<Record<string, string>>,
): string | undefined {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const container = ref.containerName === undefined ? own : all.find((c) => c.name === ref.containerName);
  const [kind, resource = ''] = ref.resource.split('.', 2);
  if (container === undefined || (kind !== 'limits' && kind !== 'requests')) return undefined;
  const resources = container.resources;
  const quantity = parseQuantity(
    resources?.[kind]?.[resource] ?? (kind === 'limits' ? nodeAllocatable[resource] : '0'),
  );
  const divisor = parseQuantity(ref.divisor === undefined || ref.divisor === '0' ? '1' : ref.divisor) ?? 1;
  return String(Math.ceil((quantity ?? 0) / divisor - 1e-9));
}

function envFromData(
  pod: Pod,
  from: NonNullable<Container['envFrom']>[number],
  sources: EnvSources,
): Record<string, string> {
  if (from.configMapRef !== undefined) {
    const name = from.configMapRef.name ?? '';
    const found = sources.configMaps.get(name);
    if (found === undefined && from.configMapRef.optional !== true) throw missing('configmap', name);
    return found?.data ?? {};
  }
  if (from.secretRef !== undefined) {
    const name = from.secretRef.name ?? '';
    const found = sources.secrets.get(name);
    if (found === undefined && from.secretRef.optional !== true) throw missing('secret', name);
    return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)]));
  }
  throw new ContainerConfigError(`envFrom entry without a source in pod ${pod.metadata.name}`);
}

function envValue(
  pod: Pod,
  container: Container,
  variable: EnvVar,
  sources: EnvSources,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) return expandVariables(variable.value ?? '', env);
  if (from.fieldRef !== undefined) {
    const value = podField(pod, from.fieldRef.fieldPath, sources);
    if (value === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return value;
  }
  if (from.resourceFieldRef !== undefined) {
    const value = resourceField(pod, container, from.resourceFieldRef, sources.nodeAllocatable);
    if (value === undefined) throw new ContainerConfigError(`unsupported resource: ${from.resourceFieldRef.resource}`);
    return value;
  }
  return keyValue(pod, from, sources);
}

function keyValue(pod: Pod, from: NonNullable<EnvVar['valueFrom']>, sources: EnvSources): string | undefined {
  const [ref, object, kind] =
    from.configMapKeyRef !== undefined
      ? ([from.configMapKeyRef, sources.configMaps.get(from.configMapKeyRef.name ?? ''), 'ConfigMap'] as const)
      : ([from.secretKeyRef, sources.secrets.get(from.secretKeyRef?.name ?? ''), 'Secret'] as const);
  if (ref === undefined) return '';
  if (object === undefined) {
    if (ref.optional === true) return undefined;
    throw missing(kind.toLowerCase(), ref.name ?? '');
  }
  const value = object.data?.[ref.key];
  if (value === undefined) {
    if (ref.optional === true) return undefined;
    throw new ContainerConfigError(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`);
  }
  return kind === 'Secret' ? decode(value) : value;
}

function missing(kind: string, name: string): ContainerConfigError {
  return new ContainerConfigError(`${kind} "${name}" not found`);
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** `key="value"` lines by key, values quoted as Go does. */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
