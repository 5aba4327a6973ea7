import type { RequestInfo } from '../model.ts';

/** What a subject asks to do, in the words of authorization. Wider than {@link RequestInfo}: verbs such as `impersonate`. */
export type Access =
  | {
      readonly type: 'resource';
      readonly verb: string;
      readonly group: string;
      /** Plural, with `/subresource` where there is one. */
      readonly resource: string;
      readonly namespace: string | undefined;
      readonly name: string | undefined;
    }
  | { readonly type: 'path'; readonly verb: string; readonly path: string };

/** A rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export function accessOf(info: RequestInfo): Access {
  if (info.type === 'other') return { type: 'path', verb: info.verb, path: info.path };
  return {
    type: 'resource',
    verb: info.verb,
    group: info.group,
    resource: info.subresource === undefined ? info.resource : `${info.resource}/${info.subresource}`,
    namespace: info.namespace,
    name: info.name,
  };
}

/** Whether one rule allows an access. */
export function ruleAllows(rule: PolicyRule, access: Access): boolean {
  if (!has(rule.verbs, access.verb)) return false;
  if (access.type === 'path') return (rule.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, access.path));
  const names = rule.resourceNames ?? [];
  return (
    has(rule.apiGroups, access.group) &&
    (rule.resources ?? []).some((resource) => resourceMatches(resource, access.resource)) &&
    (names.length === 0 || (access.name !== undefined && names.includes(access.name)))
  );
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return list?.some((entry) => entry === '*' || entry === value) ?? false;
}

/** `*` is everything, a pattern of star, slash and a subresource is that subresource of everything. */
function resourceMatches(pattern: string, resource: string): boolean {
  if (pattern === '*' || pattern === resource) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && pattern === `*${resource.slice(slash)}`;
}

/** A trailing `*` stands for any rest. */
export function urlMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, ''));
}

/** The rules of `wanted` that `held` does not cover, cut into single permissions. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  return wanted.flatMap(singlePermissions).filter((single) => !held.some((rule) => covers(rule, single)));
}

function singlePermissions(rule: PolicyRule): PolicyRule[] {
  const out: PolicyRule[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) out.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const single = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        if (names.length === 0) out.push(single);
        for (const name of names) out.push({ ...single, resourceNames: [name] });
      }
    }
  }
  return out;
}

function covers(held: PolicyRule, single: PolicyRule): boolean {
  if (!has(held.verbs, single.verbs[0] ?? '')) return false;
  const url = single.nonResourceURLs?.[0];
  if (url !== undefined) return (held.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, url));
  const heldNames = held.resourceNames ?? [];
  const name = single.resourceNames?.[0];
  return (
    has(held.apiGroups, single.apiGroups?.[0] ?? '') &&
    (held.resources ?? []).some((resource) => resourceMatches(resource, single.resources?.[0] ?? '')) &&
    (heldNames.length === 0 || (name !== undefined && heldNames.includes(name)))
  );
}

/** Single resource permissions for the same group, resource and name become one with all their verbs. */
export function mergeVerbs(singles: readonly PolicyRule[]): readonly PolicyRule[] {
  const merged = new Map<string, PolicyRule & { verbs: string[] }>();
  for (const [index, rule] of singles.entries()) {
    const target = rule.nonResourceURLs === undefined ? [rule.apiGroups, rule.resources, rule.resourceNames] : index;
    const key = JSON.stringify(target);
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { ...rule, verbs: [...rule.verbs] });
    else known.verbs.push(...rule.verbs.filter((verb) => !known.verbs.includes(verb)));
  }
  return [...merged.values()];
}

/** The form in which refusals of escalation name a rule. */
export function describeRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = parts
    .filter(([, values]) => values !== undefined && values.length > 0)
    .map(([label, values]) => `${label}:[${(values ?? []).map((value) => JSON.stringify(value)).join(' ')}]`);
  return `{${shown.join(', ')}}`;
}
