import { createHash } from 'node:crypto';
import { compareDecimals, parseQuantity } from '@drey/api';
import type { Cached, ConfigMap, Ingress, KubeObject, Service } from '@drey/kube';
import type { Workload } from '../task-managers.ts';
import { type Edited, elementKey, type FieldPath, type ForeignEdit } from './field-managers.ts';

/**
 * Which fields of live objects differ from what they were made as. Only what the operator means counts: what the API server
 * adds, what others add beside it, and other ways to write the same value are no differences.
 */

type Plain = Readonly<Record<string, unknown>>;

/** Differences of a Service; its addresses are the API server's own. */
export function serviceDifferences(intent: Service, live: Cached<Service>): string[] {
  const wanted = intent.spec ?? {};
  const found = live.spec ?? {};
  const ports = (wanted.ports ?? []).filter((port) => !(found.ports ?? []).some((one) => includes(one, port)));
  return [
    ...ownedMetadata(intent, live),
    ...(wanted.type !== undefined && found.type !== wanted.type ? ['spec.type'] : []),
    ...(wanted.clusterIP === 'None' && found.clusterIP !== 'None' ? ['spec.clusterIP'] : []),
    // One more label in a selector is enough to send requests nowhere.
    ...(sameMap(wanted.selector, found.selector) ? [] : ['spec.selector']),
    ...ports.map((port) => `spec.ports[${port.name ?? port.port}]`),
  ];
}

/** Differences of an Ingress. */
export function ingressDifferences(intent: Ingress, live: Cached<Ingress>): string[] {
  const { ingressClassName, tls, rules } = intent.spec ?? {};
  const found = live.spec ?? {};
  return [
    ...ownedMetadata(intent, live),
    ...(ingressClassName !== undefined && found.ingressClassName !== ingressClassName ? ['spec.ingressClassName'] : []),
    ...(same(tls ?? [], found.tls ?? []) ? [] : ['spec.tls']),
    ...(same(rules ?? [], found.rules ?? []) ? [] : ['spec.rules']),
  ];
}

/** Keys under which logging files lie in a cluster's ConfigMap. */
const LOGGING_KEYS: readonly string[] = ['log4j-console.properties', 'logback-console.xml'];

/**
 * Differences of a ConfigMap. A file counts as changed only when somebody else than its creator wrote it: the configuration
 * of a running cluster may differ from what would be made today, by other defaults or another version's way to write it.
 * Logging files that the user's own spec names are compared as they are.
 */
export function configMapDifferences(
  intent: ConfigMap,
  live: Cached<ConfigMap> & Edited,
  options: { readonly ownLogging: boolean },
): string[] {
  const files = Object.entries(intent.data ?? {}).filter(([key, text]) => {
    const found = live.data?.[key];
    if (found === undefined) return true;
    if (found === textDigest(text)) return false;
    return editorOf(live.edits, ['data', key]) !== undefined || (options.ownLogging && LOGGING_KEYS.includes(key));
  });
  return [...ownedMetadata(intent, live), ...files.map(([key]) => `data.${key}`)];
}

/** What the cache keeps of a file: enough to see whether it is another one. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/**
 * Whether the number of replicas has to be put back. A number that an autoscaler wrote is its own business; `kubectl scale`
 * is no autoscaler.
 */
export function replicasDiffer(intent: Workload, live: Cached<Workload> & Edited): boolean {
  const wanted = intent.spec?.replicas ?? 1;
  if ((live.spec?.replicas ?? 1) === wanted) return false;
  const edit = editorOf(live.edits, ['spec', 'replicas']);
  return edit === undefined || edit.subresource !== 'scale' || edit.manager.startsWith('kubectl');
}

/** The edit that holds a field. */
export function editorOf(edits: readonly ForeignEdit[] | undefined, path: FieldPath): ForeignEdit | undefined {
  return edits?.find((edit) => edit.paths.some((one) => same(one, path)));
}

/**
 * Paths of `edits` at which the intent of a pod template has something else than the live Deployment. What others add beside
 * it (sidecars, annotations of a rollout) is theirs.
 */
export function templateDifferences(
  intent: Workload,
  live: KubeObject,
  edits: readonly ForeignEdit[],
): { readonly manager: string; readonly paths: readonly FieldPath[] }[] {
  return edits
    .map(({ manager, paths }) => ({
      manager,
      paths: paths.filter((path) => {
        const wanted = valueAt(intent, path);
        return wanted !== undefined && !includes(valueAt(live, path), wanted);
      }),
    }))
    .filter(({ paths }) => paths.length > 0);
}

function ownedMetadata(intent: KubeObject, live: Cached<KubeObject>): string[] {
  const { labels = {}, annotations = {}, ownerReferences = [] } = intent.metadata;
  const owners = live.metadata.ownerReferences ?? [];
  return [
    ...missingMembers(labels, live.metadata.labels).map((key) => `metadata.labels.${key}`),
    ...missingMembers(annotations, live.metadata.annotations).map((key) => `metadata.annotations.${key}`),
    ...(ownerReferences.every(({ uid }) => owners.some((one) => one.uid === uid)) ? [] : ['metadata.ownerReferences']),
  ];
}

function missingMembers(
  wanted: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>> | undefined,
): string[] {
  return Object.keys(wanted).filter((key) => found?.[key] !== wanted[key]);
}

function sameMap(wanted: Plain | undefined, found: Plain | undefined): boolean {
  return same(wanted ?? {}, found ?? {});
}

function same(left: unknown, right: unknown): boolean {
  return includes(left, right) && includes(right, left);
}

/** Whether `live` has everything that `wanted` says; members that `wanted` leaves open may be anything. */
function includes(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live) || live.length !== wanted.length) return false;
    return wanted.every((item, index) => includes(live[index], item));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof live !== 'object' || live === null) return false;
    return Object.entries(wanted).every(([key, value]) => includes((live as Plain)[key], value));
  }
  return live === wanted || sameQuantity(live, wanted);
}

/** `1` and `1000m`, `1Gi` and `1024Mi`, and numbers written as texts. */
function sameQuantity(left: unknown, right: unknown): boolean {
  const isScalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';
  if (!isScalar(left) || !isScalar(right)) return false;
  const one = parseQuantity(String(left));
  const other = parseQuantity(String(right));
  return one.ok && other.ok && compareDecimals(one.value, other.value) === 0;
}

/** The value at a path; undefined when there is none. */
function valueAt(object: unknown, path: FieldPath): unknown {
  let value: unknown = object;
  for (const part of path) {
    if (value === undefined || value === null) return undefined;
    const key = elementKey(part);
    value = key === undefined ? (value as Plain)[part] : elementOf(value, key);
  }
  return value;
}

function elementOf(list: unknown, key: Readonly<Record<string, string>>): unknown {
  if (!Array.isArray(list)) return undefined;
  return list.find((item: Plain) => Object.entries(key).every(([name, text]) => String(item[name] ?? '') === text));
}
