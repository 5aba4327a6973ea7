import type { AnyObject } from '@drey/kube';
import {
  type CompiledVersion,
  compileCrd,
  convertCustomResource,
  type DefinitionSpec,
  selectableValue,
} from '../crd/index.ts';
import type { FieldError, Strategy, SubresourceDefinition, Verb } from '../model.ts';
import { cloneJson } from '../schema/json.ts';
import { subdomainErrors } from '../validation/formats.ts';
import { finalizerWarnings, objectMetaErrors, objectMetaUpdateErrors } from '../validation/object-meta.ts';
import { sameValue } from './same-value.ts';
import { apiVersionOf, remembered, type ServedResource } from './served.ts';

const VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const SUBRESOURCE_VERBS: readonly Verb[] = ['get', 'patch', 'update'];

/** Group, scope and names of a definition whose defaults are filled in. */
export interface CustomNames {
  readonly group: string;
  readonly namespaced: boolean;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

export function customNames(crd: AnyObject): CustomNames {
  const { group = '', scope, names = {} } = crd.spec as DefinitionSpec;
  const { plural = '', kind = '', shortNames = [], categories = [] } = names;
  return {
    group,
    namespaced: scope === 'Namespaced',
    plural,
    kind,
    singular: names.singular ?? kind.toLowerCase(),
    listKind: names.listKind ?? `${kind}List`,
    shortNames,
    categories,
  };
}

/** The served versions of an established definition. */
export function customResources(crd: AnyObject): readonly ServedResource[] {
  const versions = [...compileCrd(crd).values()];
  const stored = versions.find((version) => version.storage);
  return versions.filter((version) => version.served).map((version) => customResource(crd, version, stored));
}

function customResource(crd: AnyObject, version: CompiledVersion, stored: CompiledVersion | undefined): ServedResource {
  const names = customNames(crd);
  const { group, kind, namespaced, plural } = names;
  const apiVersion = apiVersionOf(group, version.name);
  const convert = converter(version, apiVersion);
  const toStored = stored === undefined ? convert : converter(stored, apiVersionOf(group, stored.name));
  return {
    ...names,
    version: version.name,
    verbs: VERBS,
    subresources: subresourcesOf(version, kind),
    schema: version.schema,
    columns: version.columns,
    crd: version,
    strategy: customStrategy(version, namespaced),
    apiVersion,
    storageKey: `${group}/${plural}`,
    encode: (object) => toStored(object),
    decode: remembered(convert),
    bareItems: false,
    errorGroup: group,
    createsOnUpdate: false,
    needsResourceVersion: true,
    answersDeletedObject: false,
    orphansByDefault: false,
    deprecation: undefined,
    orphanWarning: undefined,
    holds: () => false,
    terminate: () => undefined,
    beginDelete: () => undefined,
    warnings: (object, old) => [
      ...(version.deprecationWarning === undefined ? [] : [version.deprecationWarning]),
      ...finalizerWarnings(object.metadata.finalizers ?? [], old?.metadata.finalizers ?? []),
    ],
  };
}

/** To another version; what that version does not know is lost, and its defaults are filled in. */
function converter(version: CompiledVersion, apiVersion: string): (object: AnyObject) => AnyObject {
  return (object) => {
    if (object.apiVersion === apiVersion) return object;
    const converted = cloneJson(convertCustomResource(object, apiVersion));
    version.prune(converted);
    version.applyDefaults(converted);
    return converted;
  };
}

function subresourcesOf(version: CompiledVersion, kind: string): readonly SubresourceDefinition[] {
  return [
    ...(version.statusSubresource ? [{ name: 'status', kind, verbs: SUBRESOURCE_VERBS }] : []),
    ...(version.scale === undefined
      ? []
      : [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: SUBRESOURCE_VERBS }]),
  ];
}

function customStrategy(version: CompiledVersion, namespaced: boolean): Strategy {
  return {
    applyDefaults: (object) => version.applyDefaults(object),
    prepareForCreate(object) {
      if (version.statusSubresource) delete object.status;
      object.metadata.generation = 1;
    },
    prepareForUpdate(object, old, subresource) {
      if (subresource === 'status') keepAllButStatus(object, old);
      else if (version.statusSubresource) {
        if (old.status === undefined) delete object.status;
        else object.status = old.status;
      }
    },
    validateCreate: (object) => [
      ...objectMetaErrors(object, namespaced, subdomainErrors),
      ...version.validate(object, undefined),
    ],
    validateUpdate: (object, old, subresource): readonly FieldError[] => [
      ...objectMetaUpdateErrors(object, old),
      ...(subresource === 'status' ? version.validate(object, old).map(fromStatus) : version.validate(object, old)),
    ],
    bumpsGeneration: (object, old) => !sameValue(content(object, version), content(old, version)),
    selectableFields: (object) =>
      Object.fromEntries(
        version.selectableFields.map((path) => [path.replace(/^\./, ''), selectableValue(object, path)]),
      ),
  };
}

/** The status endpoint judges the status alone: its messages name fields from there. */
function fromStatus(error: FieldError): FieldError {
  if (!error.field.startsWith('status.')) return error;
  const within = error.field.slice('status.'.length);
  return { ...error, message: error.message.replace(`${error.field} in body`, `${within} in body`) };
}

/** A status update changes the status and nothing else, not even labels. */
function keepAllButStatus(object: AnyObject, old: AnyObject): void {
  const { status } = object;
  const { managedFields } = object.metadata;
  for (const key of Object.keys(object)) delete object[key];
  Object.assign(object, old, { metadata: { ...old.metadata } });
  if (managedFields === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = managedFields;
  if (status === undefined) delete object.status;
  else object.status = status;
}

function content(object: AnyObject, version: CompiledVersion): Record<string, unknown> {
  const { metadata: _metadata, ...rest } = object;
  if (version.statusSubresource) delete rest.status;
  return rest;
}
