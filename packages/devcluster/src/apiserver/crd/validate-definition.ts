import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../model.ts';
import { equalJson } from '../schema/index.ts';
import { duplicate, forbiddenField, invalidValue, notSupported, required } from '../validation/field-errors.ts';
import { label1035Errors, subdomainErrors } from '../validation/formats.ts';
import type { PrinterColumn } from './columns.ts';
import {
  type DefinitionNames,
  type DefinitionSpec,
  type DefinitionVersion,
  hasCondition,
  specOf,
  statusOf,
} from './definition-type.ts';
import { tooMany } from './field-errors.ts';
import type { JsonSchema } from './json-schema.ts';
import { validateDefinitionSchema } from './validate-schema.ts';

/**
 * Errors of a CustomResourceDefinition with its defaults filled in and its status prepared; metadata other than the name
 * is the caller's. `old` is undefined for a create.
 */
export function validateCrd(crd: AnyObject, old: AnyObject | undefined): readonly FieldError[] {
  const spec = specOf(crd);
  return [
    ...(old === undefined ? checkName(crd, spec) : []),
    ...checkSpec(spec),
    ...(old === undefined ? [] : checkUpdate(spec, old)),
    ...checkStoredVersions(crd, spec),
    ...checkApproval(crd, old),
    ...checkPreserved(spec, old),
  ];
}

function checkName(crd: AnyObject, spec: DefinitionSpec): readonly FieldError[] {
  const expected = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  if (crd.metadata.name === expected) return [];
  return [invalidValue('metadata.name', crd.metadata.name ?? '', 'must be spec.names.plural+"."+spec.group')];
}

function checkSpec(spec: DefinitionSpec): readonly FieldError[] {
  const versions = spec.versions ?? [];
  const hoisted = hoist(versions);
  const missing = versions.flatMap((v, i) =>
    v.schema?.openAPIV3Schema === undefined ? [required(`spec.versions[${i}].schema.openAPIV3Schema`)] : [],
  );
  return [
    ...checkGroup(spec.group ?? ''),
    ...checkScope(spec.scope ?? ''),
    ...missing,
    ...versions.flatMap((v, i) => checkVersion(v, `spec.versions[${i}]`, hoisted)),
    ...checkVersionList(versions, hoisted),
    ...checkNames(spec.names ?? {}),
    ...checkHoisted(versions, hoisted),
    ...checkConversion(spec),
  ];
}

function checkGroup(group: string): readonly FieldError[] {
  if (group === '') return [required('spec.group')];
  const problems = subdomainErrors(group);
  if (problems.length > 0) return [invalidValue('spec.group', group, problems.join(','))];
  return group.includes('.') ? [] : [invalidValue('spec.group', group, 'should be a domain with at least one dot')];
}

function checkScope(scope: string): readonly FieldError[] {
  if (scope === '') return [required('spec.scope')];
  const scopes = ['Cluster', 'Namespaced'];
  return scopes.includes(scope) ? [] : [notSupported('spec.scope', scope, scopes)];
}

/** What all versions have in common is judged once, and named as if it stood above the versions. */
interface Hoisted {
  readonly schema: boolean;
  readonly subresources: boolean;
  readonly columns: boolean;
  readonly selectableFields: boolean;
}

function hoist(versions: readonly DefinitionVersion[]): Hoisted {
  const [first, ...rest] = versions;
  const common = (get: (v: DefinitionVersion) => unknown): boolean =>
    first !== undefined && rest.every((v) => equalJson(get(v) ?? null, get(first) ?? null));
  return {
    schema: common((v) => v.schema),
    subresources: common((v) => v.subresources),
    columns: common((v) => v.additionalPrinterColumns),
    selectableFields: common((v) => v.selectableFields),
  };
}

function hasStatus(version: DefinitionVersion): boolean {
  return version.subresources?.status !== undefined && version.subresources.status !== null;
}

function checkVersion(version: DefinitionVersion, path: string, hoisted: Hoisted): readonly FieldError[] {
  const errors: FieldError[] = [];
  const problems = label1035Errors(version.name);
  if (problems.length > 0) errors.push(invalidValue(`${path}.name`, version.name, problems.join(',')));
  const { deprecationWarning: warning } = version;
  if (warning !== undefined) {
    const say = (text: string): unknown => errors.push(invalidValue(`${path}.deprecationWarning`, warning, text));
    if (version.deprecated !== true) say('can only be set for deprecated versions');
    else if (Buffer.byteLength(warning) > 256) say('must be <= 256 characters long');
    else if (warning === '') say('must not be an empty string');
  }
  const schema = version.schema?.openAPIV3Schema;
  if (!hoisted.schema && schema !== undefined) {
    errors.push(...validateDefinitionSchema(schema, `${path}.schema.openAPIV3Schema`, hasStatus(version)));
  }
  if (!hoisted.subresources) errors.push(...checkScale(version, `${path}.subresources`));
  if (!hoisted.columns) errors.push(...checkColumns(version, `${path}.additionalPrinterColumns`));
  if (!hoisted.selectableFields) errors.push(...checkSelectable(version, `${path}.selectableFields`));
  return errors;
}

function checkHoisted(versions: readonly DefinitionVersion[], hoisted: Hoisted): readonly FieldError[] {
  const [version] = versions;
  if (version === undefined) return [];
  const schema = version.schema?.openAPIV3Schema;
  const status = versions.some(hasStatus);
  return [
    ...(hoisted.schema && schema !== undefined
      ? validateDefinitionSchema(schema, 'spec.validation.openAPIV3Schema', status)
      : []),
    ...(hoisted.subresources ? checkScale(version, 'spec.subresources') : []),
    ...(hoisted.columns ? checkColumns(version, 'spec.additionalPrinterColumns') : []),
    ...(hoisted.selectableFields ? checkSelectable(version, 'spec.selectableFields') : []),
  ];
}

function checkVersionList(versions: readonly DefinitionVersion[], hoisted: Hoisted): readonly FieldError[] {
  const errors: FieldError[] = [];
  const printed = versions.map((v) => printVersion(v, hoisted));
  if (new Set(versions.map((v) => v.name)).size !== versions.length) {
    errors.push(invalidValue('spec.versions', printed, 'must contain unique version names'));
  }
  if (versions.filter((v) => v.storage).length !== 1) {
    errors.push(invalidValue('spec.versions', printed, 'must have exactly one version marked as storage version'));
  }
  // The internal type keeps the first version's name in a field of its own, which is judged as well.
  const first = versions[0]?.name ?? '';
  const problems = first === '' ? [] : label1035Errors(first);
  if (problems.length > 0) errors.push(invalidValue('spec.version', first, problems.join(',')));
  return errors;
}

/** A version as the real server's internal type prints it. */
function printVersion(v: DefinitionVersion, hoisted: Hoisted): Record<string, unknown> {
  return {
    Name: v.name,
    Served: v.served,
    Storage: v.storage,
    Deprecated: v.deprecated ?? false,
    DeprecationWarning: v.deprecationWarning ?? null,
    Schema: hoisted.schema ? null : (v.schema ?? null),
    Subresources: hoisted.subresources ? null : (v.subresources ?? null),
    AdditionalPrinterColumns: hoisted.columns ? null : (v.additionalPrinterColumns ?? null),
    SelectableFields: hoisted.selectableFields ? null : (v.selectableFields ?? null),
  };
}

function checkNames(names: DefinitionNames): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const key of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[key]) errors.push(required(`spec.names.${key}`));
  }
  const label = (field: string, value: string | undefined, prefix = ''): void => {
    const problems = value ? label1035Errors(prefix === '' ? value : value.toLowerCase()) : [];
    if (problems.length > 0) errors.push(invalidValue(`spec.names.${field}`, value, `${prefix}${problems.join(',')}`));
  };
  const mixed = 'may have mixed case, but should otherwise match: ';
  label('plural', names.plural);
  label('singular', names.singular);
  label('kind', names.kind, mixed);
  label('listKind', names.listKind, mixed);
  for (const [i, name] of (names.shortNames ?? []).entries()) label(`shortNames[${i}]`, name);
  if (names.kind && names.kind === names.listKind) {
    errors.push(invalidValue('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  }
  for (const [i, name] of (names.categories ?? []).entries()) label(`categories[${i}]`, name);
  return errors;
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function checkColumns(version: DefinitionVersion, path: string): readonly FieldError[] {
  return (version.additionalPrinterColumns ?? []).flatMap((c, i) => checkColumn(c, `${path}[${i}]`));
}

function checkColumn(column: PrinterColumn, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!column.name) errors.push(required(`${path}.name`));
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (!column.type) errors.push(required(`${path}.type`, types));
  else if (!COLUMN_TYPES.includes(column.type)) errors.push(invalidValue(`${path}.type`, column.type, types));
  if (column.format && !COLUMN_FORMATS.includes(column.format)) {
    errors.push(invalidValue(`${path}.format`, column.format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  }
  if (!column.jsonPath) errors.push(required(`${path}.JSONPath`));
  else errors.push(...checkSimplePath(column.jsonPath, `${path}.JSONPath`));
  return errors;
}

function checkSimplePath(jsonPath: string, path: string): readonly FieldError[] {
  if (!jsonPath.startsWith('.')) {
    return [invalidValue(path, jsonPath, 'must be a simple json path starting with .')];
  }
  return [];
}

function checkScale(version: DefinitionVersion, path: string): readonly FieldError[] {
  const scale = version.subresources?.scale;
  if (scale === undefined || scale === null) return [];
  const at = (name: string): string => `${path}.scale.${name}`;
  const under = (name: 'specReplicasPath' | 'statusReplicasPath', prefix: string): readonly FieldError[] => {
    const value = scale[name];
    if (!value) return [required(at(name))];
    const simple = checkSimplePath(value, at(name));
    if (simple.length > 0 || value.startsWith(`${prefix}.`)) return simple;
    return [invalidValue(at(name), value, `should be a json path under ${prefix}`)];
  };
  const { labelSelectorPath: selector } = scale;
  const misplaced = selector !== undefined && selector !== '' && !/^\.(?:spec|status)\./.test(selector);
  return [
    ...under('specReplicasPath', '.spec'),
    ...under('statusReplicasPath', '.status'),
    ...(misplaced
      ? [invalidValue(at('labelSelectorPath'), selector, 'should be a json path under either .spec or .status')]
      : []),
  ];
}

const SELECTABLE_MAX = 8;

function checkSelectable(version: DefinitionVersion, path: string): readonly FieldError[] {
  const fields = version.selectableFields ?? [];
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, { jsonPath }] of fields.entries()) {
    const at = `${path}[${i}].jsonPath`;
    if (!jsonPath) {
      errors.push(required(at));
      continue;
    }
    const problem = selectableProblem(jsonPath, version.schema?.openAPIV3Schema);
    if (problem !== undefined) errors.push(invalidValue(at, jsonPath, problem));
    if (seen.has(jsonPath)) errors.push(duplicate(at, jsonPath));
    seen.add(jsonPath);
  }
  if (seen.size > SELECTABLE_MAX) errors.push(tooMany(path, seen.size, SELECTABLE_MAX));
  return errors;
}

function selectableProblem(jsonPath: string, root: JsonSchema | undefined): string | undefined {
  if (jsonPath.includes('[')) return 'is an invalid path: array notation is not allowed';
  if (!jsonPath.startsWith('.')) return `is an invalid path: expected [ or . but got: ${jsonPath.split('.')[0]}`;
  let schema = root;
  for (const name of jsonPath.slice(1).split('.')) {
    schema = schema?.properties?.[name];
    if (schema === undefined) return 'is an invalid path: does not refer to a valid field';
  }
  if (jsonPath.startsWith('.metadata.')) return 'must not point to fields in metadata';
  if (!['string', 'boolean', 'integer'].includes(schema?.type ?? '')) {
    return 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
  }
  return undefined;
}

function checkConversion(spec: DefinitionSpec): readonly FieldError[] {
  const { conversion } = spec;
  if (conversion === undefined) return [];
  const path = 'spec.conversion';
  const strategies = ['None', 'Webhook'];
  if (!conversion.strategy) return [required(`${path}.strategy`)];
  if (!strategies.includes(conversion.strategy)) {
    return [notSupported(`${path}.strategy`, conversion.strategy, strategies)];
  }
  const config = conversion.webhook?.clientConfig;
  const versions = conversion.webhook?.conversionReviewVersions ?? [];
  if (conversion.strategy === 'None') {
    return [
      ...(config === undefined
        ? []
        : [forbiddenField(`${path}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')]),
      ...(versions.length === 0
        ? []
        : [
            forbiddenField(`${path}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook'),
          ]),
    ];
  }
  const errors: FieldError[] = [];
  if (config === undefined) {
    errors.push(required(`${path}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  } else if ((config.url === undefined) === (config.service === undefined)) {
    errors.push(required(`${path}.webhookClientConfig`, 'exactly one of url or service is required'));
  }
  if (versions.length === 0) errors.push(required(`${path}.conversionReviewVersions`));
  else if (!versions.some((v) => v === 'v1' || v === 'v1beta1')) {
    errors.push(invalidValue(`${path}.conversionReviewVersions`, versions, 'must include at least one of v1, v1beta1'));
  }
  return errors;
}

const IMMUTABLE = 'field is immutable';

function checkUpdate(spec: DefinitionSpec, oldCrd: AnyObject): readonly FieldError[] {
  const old = specOf(oldCrd);
  const errors: FieldError[] = [];
  const same = (field: string, value: unknown, before: unknown): void => {
    if (!equalJson(value ?? '', before ?? '')) errors.push(invalidValue(field, value ?? '', IMMUTABLE));
  };
  if (hasCondition(oldCrd, 'Established')) {
    same('spec.scope', spec.scope, old.scope);
    same('spec.names.kind', spec.names?.kind, old.names?.kind);
  }
  same('spec.group', spec.group, old.group);
  same('spec.names.plural', spec.names?.plural, old.names?.plural);
  return errors;
}

function checkStoredVersions(crd: AnyObject, spec: DefinitionSpec): readonly FieldError[] {
  const path = 'status.storedVersions';
  const stored = statusOf(crd).storedVersions ?? [];
  if (stored.length === 0) return [invalidValue(path, null, 'must have at least one stored version')];
  const versions = spec.versions ?? [];
  const unstored = versions.filter((v) => v.storage && !stored.includes(v.name));
  const gone = [...stored.entries()].filter(([, name]) => !versions.some((v) => v.name === name));
  return [
    ...unstored.map((v) => invalidValue(path, stored, `must have the storage version ${v.name}`)),
    ...gone.map(([i, v]) =>
      invalidValue(
        `${path}[${i}]`,
        v,
        `missing from spec.versions; ${v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${v} and removes ${v} from status.storedVersions`,
      ),
    ),
  ];
}

const APPROVED = 'api-approved.kubernetes.io';

function checkApproval(crd: AnyObject, old: AnyObject | undefined): readonly FieldError[] {
  const group = specOf(crd).group ?? '';
  const isProtected = ['k8s.io', 'kubernetes.io'].some((d) => group === d || group.endsWith(`.${d}`));
  if (!isProtected) return [];
  const path = `metadata.annotations[${APPROVED}]`;
  const state = approval(crd);
  if (old !== undefined && approval(old) === state) return [];
  if (state === 'missing') {
    const detail = `protected groups must have approval annotation "${APPROVED}", see https://github.com/kubernetes/enhancements/pull/1111`;
    return [required(path, detail)];
  }
  if (state === 'valid') return [];
  const detail = `protected groups must have approval annotation "${APPROVED}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [invalidValue(path, crd.metadata.annotations?.[APPROVED] ?? '', detail)];
}

function approval(crd: AnyObject): 'missing' | 'valid' | 'invalid' {
  const value = crd.metadata.annotations?.[APPROVED] ?? '';
  if (value === '') return 'missing';
  return value.startsWith('unapproved') || /^https?:\/\/[^/]+/.test(value) ? 'valid' : 'invalid';
}

function checkPreserved(spec: DefinitionSpec, old: AnyObject | undefined): readonly FieldError[] {
  if (spec.preserveUnknownFields !== true || (old !== undefined && specOf(old).preserveUnknownFields === true))
    return [];
  const detail =
    'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalidValue('spec.preserveUnknownFields', true, detail)];
}
