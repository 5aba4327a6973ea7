import type { SubresourceDefinition, Verb } from '../model.ts';
import { builtinSchema, type TypeSchema } from '../schema/index.ts';
import { ALL_VERBS, builtinRows } from './builtin-resources.ts';
import { kindRules } from './rules/index.ts';
import { apiVersionOf, remembered, type ServedResource } from './served.ts';
import { builtinStrategy } from './strategy.ts';

/** What the table of built-in kinds says, with each kind's rules. */
export function builtinResources(): readonly ServedResource[] {
  return builtinRows.map(([group, version, kind, plural, options = {}]) => {
    const rules = kindRules[`${group}/${version}/${kind}`] ?? kindRules[`${group}/${kind}`] ?? {};
    const namespaced = options.namespaced ?? true;
    const subresources = parseSubresources(kind, options.sub);
    const status = subresources.some(({ name }) => name === 'status');
    const { storage } = rules;
    return {
      group,
      version,
      kind,
      plural,
      namespaced,
      subresources,
      apiVersion: apiVersionOf(group, version),
      listKind: `${kind}List`,
      singular: options.singular ?? kind.toLowerCase(),
      shortNames: words(options.short),
      categories: words(options.categories),
      verbs: words(options.verbs ?? ALL_VERBS) as Verb[],
      schema: schemaOf(group, version, kind),
      columns: [],
      strategy: builtinStrategy(rules, { namespaced, status }),
      storageKey: storage?.key ?? `${group}/${plural}`,
      encode: storage?.encode ?? ((object) => object),
      decode: storage === undefined ? (object) => object : remembered(storage.decode),
      bareItems: true,
      errorGroup: rules.errorGroup ?? group,
      createsOnUpdate: rules.createsOnUpdate ?? false,
      needsResourceVersion: rules.needsResourceVersion ?? false,
      answersDeletedObject: rules.answersDeletedObject ?? false,
      deprecation: rules.deprecation,
      orphanWarning: rules.orphanWarning,
      orphansByDefault: rules.orphansByDefault ?? false,
      holds: (object) => rules.holds?.(object) ?? false,
      terminate: (object) => rules.terminate?.(object),
      beginDelete: (object, time) => rules.beginDelete?.(object, time),
      warnings: (object, old) => rules.warnings?.(object, old) ?? [],
    };
  });
}

function schemaOf(group: string, version: string, kind: string): TypeSchema {
  return builtinSchema(group, version, kind) ?? { t: 'any' };
}

function words(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(' ');
}

/** `status; scale=autoscaling/v1/Scale(get patch update)`. */
function parseSubresources(owner: string, text: string | undefined): readonly SubresourceDefinition[] {
  if (text === undefined) return [];
  return text.split('; ').map((part) => {
    const found = /^([a-z]+)(?:=([^(]*)\((.*)\))?$/.exec(part);
    const [, name = '', kindText = '', verbs = 'get patch update'] = found ?? [];
    const [kind = '', version, group] = kindText.split('/').reverse();
    return {
      name,
      kind: kind === '' ? owner : kind,
      ...(group === undefined || version === undefined ? {} : { group, version }),
      verbs: words(verbs) as Verb[],
    };
  });
}
