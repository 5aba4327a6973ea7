import { createHash } from 'node:crypto';
import type { Registry, ResourceDefinition, SubresourceDefinition } from '../model.ts';

export interface DiscoveredGroup {
  readonly name: string;
  /** The preferred version first. */
  readonly versions: readonly DiscoveredVersion[];
}

export interface DiscoveredVersion {
  readonly version: string;
  /** By plural. */
  readonly resources: readonly ResourceDefinition[];
}

/** Groups as discovery lists them: built-in ones in the order of the registry, then those of custom resources by name. */
export function discoverGroups(registry: Registry): readonly DiscoveredGroup[] {
  const builtin = new Map<string, Map<string, ResourceDefinition[]>>();
  const custom = new Map<string, Map<string, ResourceDefinition[]>>();
  for (const definition of registry.all()) {
    const groups = definition.crd === undefined || builtin.has(definition.group) ? builtin : custom;
    const versions = groups.get(definition.group) ?? new Map<string, ResourceDefinition[]>();
    groups.set(definition.group, versions);
    versions.set(definition.version, [...(versions.get(definition.version) ?? []), definition]);
  }
  const customs = [...custom].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...builtin, ...customs].map(([name, versions]) => ({
    name,
    versions: [...versions]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([version, resources]) => ({ version, resources: sortBy(resources, ({ plural }) => plural) })),
  }));
}

export function sortBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** Kubernetes' order of versions: released before beta before alpha, higher numbers first, other names last. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [rank(a), rank(b)];
  for (const [index, value] of x.entries()) {
    const difference = (y[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): readonly number[] {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  if (major === undefined) return [0, 0, 0];
  const maturity = stage === undefined ? 3 : stage === 'beta' ? 2 : 1;
  return [maturity, Number(major), Number(minor ?? 0)];
}

/** `v1` or `group/version`. */
export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `APIGroup` without its kind. */
export function apiGroup(group: DiscoveredGroup): Record<string, unknown> {
  const versions = group.versions.map(({ version }) => ({ groupVersion: groupVersion(group.name, version), version }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

/** The resources of one version in the older form, where subresources are entries of their own. */
export function apiResourceList(owner: DiscoveredGroup, version: DiscoveredVersion): Record<string, unknown> {
  const group = owner.name;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: groupVersion(group, version.version),
    resources: version.resources.flatMap((definition) => [
      {
        name: definition.plural,
        singularName: definition.singular,
        namespaced: definition.namespaced,
        kind: definition.kind,
        verbs: definition.verbs,
        ...names(definition),
        ...storageVersionHash(owner, definition),
      },
      ...subresourcesOf(definition).map((sub) => ({
        name: `${definition.plural}/${sub.name}`,
        singularName: '',
        namespaced: definition.namespaced,
        ...(sub.group === undefined ? {} : { group: sub.group }),
        ...(sub.version === undefined ? {} : { version: sub.version }),
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ]),
  };
}

const HASH_BYTES = 8;

/** Tells clients whether two resources are the same in storage: a hash of the group, version and kind they are stored as. */
function storageVersionHash(owner: DiscoveredGroup, definition: ResourceDefinition): Record<string, unknown> {
  // What cannot be watched is not stored.
  if (!definition.verbs.includes('watch')) return {};
  const digest = createHash('sha256').update(storedAs(owner, definition)).digest();
  return { storageVersionHash: digest.subarray(0, HASH_BYTES).toString('base64') };
}

function storedAs(owner: DiscoveredGroup, { group, version, kind, plural, crd }: ResourceDefinition): string {
  // Events of both groups are one, and are stored in the core group.
  if (group === 'events.k8s.io') return `/v1/${kind}`;
  const same = owner.versions.flatMap(({ resources }) => resources).filter((other) => other.plural === plural);
  const stored = crd === undefined ? same[0] : same.find((other) => other.crd?.storage);
  return `${group}/${stored?.version ?? version}/${kind}`;
}

/** An item of the aggregated form (`apidiscovery.k8s.io/v2`). */
export function groupDiscovery(group: DiscoveredGroup): Record<string, unknown> {
  return {
    metadata: group.name === '' ? {} : { name: group.name },
    versions: group.versions.map(({ version, resources }) => ({
      version,
      resources: resources.map(resourceDiscovery),
      freshness: 'Current',
    })),
  };
}

function resourceDiscovery(definition: ResourceDefinition): Record<string, unknown> {
  const subresources = subresourcesOf(definition);
  // Built-in kinds leave group and version of their own kind empty.
  const own =
    definition.crd === undefined
      ? { group: '', version: '' }
      : { group: definition.group, version: definition.version };
  return {
    resource: definition.plural,
    responseKind: { ...own, kind: definition.kind },
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: definition.verbs,
    ...names(definition),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: {
              group: sub.group ?? own.group,
              version: sub.version ?? own.version,
              kind: sub.kind,
            },
            verbs: sub.verbs,
          })),
        }),
  };
}

function names(definition: ResourceDefinition): Record<string, unknown> {
  return {
    ...(definition.shortNames.length === 0 ? {} : { shortNames: definition.shortNames }),
    ...(definition.categories.length === 0 ? {} : { categories: definition.categories }),
  };
}

/** Custom resources list `status` before `scale`; built-in kinds go by name. */
function subresourcesOf(definition: ResourceDefinition): readonly SubresourceDefinition[] {
  return definition.crd === undefined ? sortBy(definition.subresources, ({ name }) => name) : definition.subresources;
}
