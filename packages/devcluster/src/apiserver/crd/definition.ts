import type { AnyObject } from '@drey/kube';
import { equalJson } from '../schema/index.ts';
import {
  type DefinitionCondition,
  type DefinitionNames,
  type DefinitionStatus,
  hasCondition,
  specOf,
  statusOf,
} from './definition-type.ts';

/** Fills the defaults of a CustomResourceDefinition: names, conversion, stored versions. Mutates. */
export function applyCrdDefaults(crd: AnyObject): void {
  const spec = { ...specOf(crd) };
  const names: Record<string, unknown> = { ...spec.names };
  const kind = typeof names.kind === 'string' ? names.kind : '';
  if (!names.singular) names.singular = kind.toLowerCase();
  if (!names.listKind && kind !== '') names.listKind = `${kind}List`;
  const conversion = spec.conversion ?? { strategy: 'None' };
  crd.spec = { ...spec, names: ordered(names), conversion: withPort(conversion) };
  const status = { ...statusOf(crd) };
  if ((status.storedVersions ?? []).length === 0)
    crd.status = { ...status, storedVersions: storageVersions(crd).slice(0, 1) };
}

function ordered(names: Record<string, unknown>): DefinitionNames {
  const { plural, singular, shortNames, kind, listKind, categories } = names as DefinitionNames;
  return {
    plural: plural ?? '',
    ...(singular ? { singular } : {}),
    ...(shortNames === undefined ? {} : { shortNames }),
    kind: kind ?? '',
    ...(listKind ? { listKind } : {}),
    ...(categories === undefined ? {} : { categories }),
  };
}

/** The service of a conversion webhook listens on 443 unless it says otherwise. */
function withPort(conversion: object): object {
  const { webhook } = conversion as { webhook?: { clientConfig?: { service?: object } } };
  const service = webhook?.clientConfig?.service;
  if (service === undefined || 'port' in service) return conversion;
  return {
    ...conversion,
    webhook: { ...webhook, clientConfig: { ...webhook?.clientConfig, service: { ...service, port: 443 } } },
  };
}

function storageVersions(crd: AnyObject): string[] {
  return (specOf(crd).versions ?? []).filter((v) => v.storage).map((v) => v.name);
}

/**
 * Sets the status that users may not set: empty on create, the old one on update, and the storage version among
 * storedVersions. Mutates `crd`.
 */
export function prepareCrd(crd: AnyObject, old: AnyObject | undefined): void {
  const status: DefinitionStatus =
    old === undefined ? { conditions: null, acceptedNames: { plural: '', kind: '' } } : statusOf(old);
  const stored = [...(status.storedVersions ?? [])];
  const [storage] = storageVersions(crd);
  if (storage !== undefined && !stored.includes(storage)) stored.push(storage);
  crd.status = {
    conditions: status.conditions ?? null,
    acceptedNames: status.acceptedNames ?? { plural: '', kind: '' },
    storedVersions: stored.length === 0 ? null : stored,
  };
}

/** Whether an update raises the generation. */
export function crdBumpsGeneration(crd: AnyObject, old: AnyObject): boolean {
  return !equalJson(crd.spec, old.spec);
}

/**
 * The status that the naming and establishing controllers give a definition: accepted names, the conditions NamesAccepted
 * and Established. `others` are the definitions of the same group, `now` is RFC 3339. Conditions that stay as they are keep
 * their time; when nothing changes the old status comes back, the same object.
 */
export function crdStatus(crd: AnyObject, others: readonly AnyObject[], now: string): DefinitionStatus {
  const status = statusOf(crd);
  const { names, problem } = acceptNames(crd, others);
  const accepted: DefinitionCondition =
    problem === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...problem };
  const conditions = mergeCondition(status.conditions ?? [], accepted, now);
  const next = mergeCondition(conditions, established(crd, problem === undefined), now);
  const result = { conditions: next, acceptedNames: names, storedVersions: status.storedVersions ?? null };
  return equalJson(result, status) ? status : result;
}

function established(crd: AnyObject, namesAccepted: boolean): DefinitionCondition {
  const type = 'Established';
  if (hasCondition(crd, type) || namesAccepted) {
    return { type, status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
  }
  return { type, status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
}

function mergeCondition(
  conditions: readonly DefinitionCondition[],
  next: DefinitionCondition,
  now: string,
): readonly DefinitionCondition[] {
  const old = conditions.find((c) => c.type === next.type);
  const same = old?.status === next.status && old.reason === next.reason && old.message === next.message;
  if (old !== undefined && same) return conditions;
  const time = old?.status === next.status ? (old.lastTransitionTime ?? now) : now;
  const { type, status, reason, message } = next;
  const written: DefinitionCondition = {
    type,
    status,
    lastTransitionTime: time,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
  return old === undefined ? [...conditions, written] : conditions.map((c) => (c.type === next.type ? written : c));
}

interface NameProblem {
  readonly reason: string;
  readonly message: string;
}

function acceptNames(
  crd: AnyObject,
  others: readonly AnyObject[],
): { names: DefinitionNames; problem: NameProblem | undefined } {
  const requested = specOf(crd).names ?? {};
  const before = statusOf(crd).acceptedNames ?? {};
  const taken = others.filter((o) => o.metadata.name !== crd.metadata.name).map((o) => statusOf(o).acceptedNames ?? {});
  const resources = new Set(taken.flatMap((n) => [n.plural, n.singular, ...(n.shortNames ?? [])]));
  const kinds = new Set(taken.flatMap((n) => [n.kind, n.listKind]));
  let problem: NameProblem | undefined;
  const free = (name: string | undefined, old: string | undefined, used: ReadonlySet<unknown>): boolean =>
    name === old || !name || !used.has(name);
  const choose = (key: 'plural' | 'singular' | 'kind' | 'listKind', reason: string): string | undefined => {
    const used = key === 'kind' || key === 'listKind' ? kinds : resources;
    if (free(requested[key], before[key], used)) return requested[key];
    problem = { reason, message: `${JSON.stringify(requested[key])} is already in use` };
    return before[key];
  };
  const plural = choose('plural', 'PluralConflict');
  const singular = choose('singular', 'SingularConflict');
  const clashes = (requested.shortNames ?? []).filter((n) => !before.shortNames?.includes(n) && resources.has(n));
  if (clashes.length > 0) {
    const messages = clashes.map((n) => `${JSON.stringify(n)} is already in use`);
    problem = {
      reason: 'ShortNamesConflict',
      message: messages.length === 1 ? (messages[0] ?? '') : `[${messages.join(', ')}]`,
    };
  }
  const shortNames = clashes.length > 0 ? before.shortNames : requested.shortNames;
  const kind = choose('kind', 'KindConflict');
  const listKind = choose('listKind', 'ListKindConflict');
  const names = ordered({ plural, singular, shortNames, kind, listKind, categories: requested.categories });
  return { names, problem };
}
