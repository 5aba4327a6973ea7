import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../model.ts';
import { isObject } from '../schema/index.ts';
import { invalidValue } from '../validation/field-errors.ts';
import { compileRules, type RuleCheck } from './cel-rules.ts';
import { printerColumns } from './columns.ts';
import type { CompiledVersion } from './compiled.ts';
import { defaultObject, dropNulls } from './defaults.ts';
import { type DefinitionVersion, specOf } from './definition-type.ts';
import type { JsonSchema } from './json-schema.ts';
import { pruneObject } from './prune.ts';
import { customResourceType } from './type-schema.ts';
import { decodeProblem, validateEmbedded, validateLists } from './validate-lists.ts';
import { validateScale } from './validate-scale.ts';
import { NO_FIELD, validateValue } from './validate-value.ts';

const FREE_FORM: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Errors behind which rules are not run. */
const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/**
 * Makes the versions of a definition ready for use, by name. The definition has been accepted by {@link validateCrd};
 * compile it again after a change.
 */
export function compileCrd(crd: AnyObject): ReadonlyMap<string, CompiledVersion> {
  return new Map((specOf(crd).versions ?? []).map((version) => [version.name, compileVersion(version, crd)]));
}

function compileVersion(version: DefinitionVersion, crd: AnyObject): CompiledVersion {
  const schema = version.schema?.openAPIV3Schema ?? FREE_FORM;
  const rules = compileRules(schema);
  const { group = '', names } = specOf(crd);
  const warning = version.deprecationWarning ?? `${group}/${version.name} ${names?.kind ?? ''} is deprecated`;
  const scale = version.subresources?.scale;
  return {
    name: version.name,
    served: version.served,
    storage: version.storage,
    schema: customResourceType(schema),
    columns: printerColumns(version.additionalPrinterColumns),
    statusSubresource: version.subresources?.status !== undefined && version.subresources.status !== null,
    scale,
    selectableFields: (version.selectableFields ?? []).map((f) => f.jsonPath),
    ...(version.deprecated === true ? { deprecationWarning: warning } : {}),
    decodeProblem: (object) => decodeProblem(object, schema),
    prune: (object) => {
      const dropped = pruneObject(object, schema);
      dropNulls(object, schema);
      return dropped;
    },
    applyDefaults: (object) => defaultObject(object, schema),
    validate: (object, old) => {
      const foreign = typeErrors(object, `${group}/${version.name}`, names?.kind ?? '');
      return foreign.length > 0 ? foreign : validate(object, old, { schema, rules, scale });
    },
  };
}

function typeErrors(object: AnyObject, apiVersion: string, kind: string): readonly FieldError[] {
  return [
    ...(object.kind === kind ? [] : [invalidValue('kind', object.kind ?? '', `must be ${kind}`)]),
    ...(object.apiVersion === apiVersion
      ? []
      : [invalidValue('apiVersion', object.apiVersion ?? '', `must be ${apiVersion}`)]),
  ];
}

function validate(
  object: AnyObject,
  old: AnyObject | undefined,
  { schema, rules, scale }: { schema: JsonSchema; rules: RuleCheck | undefined; scale: CompiledVersion['scale'] },
): readonly FieldError[] {
  const keptLists = old !== undefined && validateLists(old, schema).length > 0;
  const errors = [
    ...validateValue(object, old, schema),
    ...validateScale(object, scale),
    ...validateEmbedded(object, schema),
    ...(keptLists ? [] : validateLists(object, schema)),
  ];
  if (rules === undefined) return errors;
  if (errors.some((e) => BLOCKING.has(e.reason))) {
    const message =
      'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [...errors, { field: NO_FIELD, reason: 'FieldValueInvalid', message }];
  }
  return [...errors, ...rules(object, old)];
}

/** Conversion strategy None: the other version's object is the same but for apiVersion. The input is not changed. */
export function convertCustomResource(object: AnyObject, apiVersion: string): AnyObject {
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** The text at a path such as `.spec.color`, as field selectors compare it; empty when there is none. */
export function selectableValue(object: AnyObject, jsonPath: string): string {
  let at: unknown = object;
  for (const name of jsonPath.replace(/^\./, '').split('.')) at = isObject(at) ? at[name] : undefined;
  return at === undefined || at === null ? '' : String(at);
}
