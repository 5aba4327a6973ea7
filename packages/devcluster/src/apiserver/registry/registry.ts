import type { Registry } from '../model.ts';
import { builtinResources } from './builtins.ts';
import type { ServedResource } from './served.ts';

/** The served resources: the built-in ones, and those of the custom resource definitions that are established. */
export class ResourceRegistry implements Registry {
  readonly #builtin: readonly ServedResource[];
  readonly #byPlural = new Map<string, ServedResource>();
  readonly #storageKeys = new Map<string, string>();
  readonly #byKind = new Map<string, ServedResource>();
  /** By the name of the definition. */
  readonly #custom = new Map<string, readonly ServedResource[]>();
  #revision = 1;

  constructor(builtin: readonly ServedResource[] = builtinResources()) {
    this.#builtin = builtin;
    for (const resource of builtin) this.#index(resource);
  }

  get revision(): number {
    return this.#revision;
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPlural.get(`${group}/${version}/${plural}`);
  }

  findKind(group: string, version: string, kind: string): ServedResource | undefined {
    return this.#byKind.get(`${group}/${version}/${kind}`);
  }

  /** Where a kind lies in storage, whatever the version. */
  storageKeyOf(group: string, plural: string): string | undefined {
    return this.#storageKeys.get(`${group}/${plural}`);
  }

  /** Whether a group is built in: unknown versions and resources of other groups are no API at all. */
  isBuiltin(group: string): boolean {
    return this.#builtin.some((resource) => resource.group === group);
  }

  all(): readonly ServedResource[] {
    return [...this.#builtin, ...[...this.#custom.values()].flat()];
  }

  /** Replaces what a custom resource definition serves; an empty list removes it. */
  setCustom(definitionName: string, resources: readonly ServedResource[]): void {
    for (const resource of this.#custom.get(definitionName) ?? []) {
      this.#byPlural.delete(`${resource.group}/${resource.version}/${resource.plural}`);
      this.#byKind.delete(`${resource.group}/${resource.version}/${resource.kind}`);
    }
    if (resources.length === 0) this.#custom.delete(definitionName);
    else this.#custom.set(definitionName, resources);
    for (const resource of resources) this.#index(resource);
    this.#revision += 1;
  }

  #index(resource: ServedResource): void {
    this.#byPlural.set(`${resource.group}/${resource.version}/${resource.plural}`, resource);
    this.#byKind.set(`${resource.group}/${resource.version}/${resource.kind}`, resource);
    this.#storageKeys.set(`${resource.group}/${resource.plural}`, resource.storageKey);
  }
}
