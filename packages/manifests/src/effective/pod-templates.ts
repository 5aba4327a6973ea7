import { isJsonObject, type Json, type JsonObject, podTemplateNormalForm } from '@drey/api';
import type { Container, Pod, PodSpec } from '../kubernetes/objects.ts';
import { MAIN_CONTAINER_NAME } from '../native/constants.ts';

const NEVER_GIVES_UP = 2_147_483_647;

/**
 * Two pod templates as one: objects are merged member by member, and what `override` says wins. Lists are merged by
 * position, or by `name` when `byName` is set and all their elements have one; where both lists hold plain values at a
 * position, the first template’s stays.
 */
export function mergePodTemplates(base: Json, override: Json, byName: boolean): Pod | undefined {
  const first = base === null ? null : podTemplateNormalForm(base);
  const second = override === null ? null : podTemplateNormalForm(override);
  const merged = isJsonObject(first) && isJsonObject(second) ? mergeObjects(first, second, byName) : (second ?? first);
  return merged === null ? undefined : (merged as unknown as Pod);
}

function mergeObjects(base: JsonObject, override: JsonObject, byName: boolean): JsonObject {
  const out: JsonObject = { ...base };
  for (const [key, value] of Object.entries(override)) {
    const existing = out[key];
    if (isJsonObject(existing) && isJsonObject(value)) out[key] = mergeObjects(existing, value, byName);
    else if (Array.isArray(existing) && Array.isArray(value)) out[key] = mergeLists(existing, value, byName);
    else out[key] = value;
  }
  return out;
}

function mergeLists(base: readonly Json[], override: readonly Json[], byName: boolean): Json[] {
  if (byName && [...base, ...override].every((item) => nameOf(item) !== undefined)) return mergeNamed(base, override);
  return Array.from({ length: Math.max(base.length, override.length) }, (_, index) => {
    const first = base[index];
    const second = override[index];
    if (isJsonObject(first) && isJsonObject(second)) return mergeObjects(first, second, byName);
    return first ?? second ?? null;
  });
}

function mergeNamed(base: readonly Json[], override: readonly Json[]): Json[] {
  const out = new Map(base.map((item) => [nameOf(item), item]));
  for (const item of override) {
    const existing = out.get(nameOf(item));
    out.set(nameOf(item), isJsonObject(existing) && isJsonObject(item) ? mergeObjects(existing, item, true) : item);
  }
  return [...out.values()];
}

function nameOf(item: Json): string | undefined {
  return isJsonObject(item) && typeof item.name === 'string' ? item.name : undefined;
}

/** Adds resources (other than CPU and memory) to the main container, which is made when the template has none. */
export function withExtraResources(
  template: Pod | undefined,
  requests: Readonly<Record<string, string>>,
  limits: Readonly<Record<string, string>>,
): Pod | undefined {
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return template;
  return withMainContainer(template, (container) => ({
    ...container,
    resources: {
      ...container.resources,
      ...mergedQuantities('requests', container.resources?.requests, requests),
      ...mergedQuantities('limits', container.resources?.limits, limits),
    },
  }));
}

function mergedQuantities(
  name: 'requests' | 'limits',
  existing: Record<string, string> | undefined,
  added: Readonly<Record<string, string>>,
): Record<string, Record<string, string>> {
  return Object.keys(added).length === 0 ? {} : { [name]: { ...existing, ...added } };
}

/** How the REST endpoint of a JobManager is spoken to; `mutual`: only with a certificate of one's own. */
export type RestTls = 'none' | 'server' | 'mutual';

/**
 * Gives the JobManager a startup probe on its REST endpoint unless the template has one, so that a pod counts as ready only
 * when Flink answers. It never gives up: how long a start may take is not the kubelet’s decision. A kubelet has no
 * certificate to show; there it has to do that the port is open. (The Apache operator's probe knows no TLS: such pods would
 * never be ready.)
 */
export function withStartupProbe(template: Pod | undefined, tls: RestTls = 'none'): Pod {
  const scheme = tls === 'none' ? {} : { scheme: 'HTTPS' };
  const answers = { httpGet: { path: '/config', port: 'rest', ...scheme } };
  const action = tls === 'mutual' ? { tcpSocket: { port: 'rest' } } : answers;
  const probe = { ...action, periodSeconds: 1, failureThreshold: NEVER_GIVES_UP };
  return withMainContainer(template, (container, isFirst) =>
    isFirst ? { startupProbe: probe, ...container } : container,
  );
}

/** Changes the main container; a merge by position can leave two of that name. */
function withMainContainer(
  template: Pod | undefined,
  change: (container: Container, isFirst: boolean) => Container,
): Pod {
  const spec: PodSpec = template?.spec ?? {};
  const containers = spec.containers ?? [];
  const main = containers.findIndex(({ name }) => name === MAIN_CONTAINER_NAME);
  const changed =
    main === -1
      ? [...containers, change({ name: MAIN_CONTAINER_NAME }, true)]
      : containers.map((container, index) =>
          container.name === MAIN_CONTAINER_NAME ? change(container, index === main) : container,
        );
  return { ...template, spec: { ...spec, containers: changed } };
}
