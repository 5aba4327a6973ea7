import type { AnyObject, ObjectMeta, OwnerReference } from '@drey/kube';
import type { FieldError } from '../model.ts';
import { forbiddenField, invalidTexts, invalidValue, required, tooLong } from './field-errors.ts';
import { labelErrors, labelValueErrors, qualifiedNameErrors } from './formats.ts';

const MAX_ANNOTATION_BYTES = 256 * 1024;

/** The format of names of a kind. */
export type NameCheck = (name: string) => readonly string[];

/** Metadata of a new object. */
export function objectMetaErrors(object: AnyObject, namespaced: boolean, nameCheck: NameCheck): FieldError[] {
  const { metadata } = object;
  return [
    ...nameErrors(metadata, nameCheck),
    ...namespaceErrors(metadata, namespaced),
    ...((metadata.generation ?? 0) < 0
      ? [invalidValue('metadata.generation', metadata.generation, 'must be greater than or equal to 0')]
      : []),
    ...commonErrors(metadata),
    ...finalizerErrors(metadata.finalizers ?? []),
    ...managedFieldsErrors(metadata),
  ];
}

/** Metadata of a changed object. */
export function objectMetaUpdateErrors(object: AnyObject, old: AnyObject): FieldError[] {
  const next = object.metadata;
  const last = old.metadata;
  const errors: FieldError[] = [];
  if (last.deletionTimestamp !== undefined) errors.push(...newFinalizerErrors(next, last));
  if ((next.generation ?? 0) < (last.generation ?? 0)) {
    errors.push(invalidValue('metadata.generation', next.generation ?? 0, 'must not be decremented'));
  }
  for (const field of IMMUTABLE) {
    const value = next[field] ?? ABSENT[field];
    const old = last[field] ?? ABSENT[field];
    if (value !== old) errors.push(invalidValue(`metadata.${field}`, value, 'field is immutable'));
  }
  return [...errors, ...commonErrors(next), ...managedFieldsErrors(next)];
}

const IMMUTABLE = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

const ABSENT = {
  name: '',
  namespace: '',
  uid: '',
  creationTimestamp: null,
  deletionTimestamp: null,
  deletionGracePeriodSeconds: null,
} as const;

function nameErrors({ name, generateName }: ObjectMeta, nameCheck: NameCheck): FieldError[] {
  const errors: FieldError[] = [];
  if (generateName !== undefined && generateName !== '') {
    // What will be appended ends well; only what is before it is judged.
    const prefix = generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName;
    errors.push(...invalidTexts('metadata.generateName', generateName, nameCheck(prefix)));
  }
  if (name === undefined || name === '') {
    errors.push(required('metadata.name', 'name or generateName is required'));
  } else errors.push(...invalidTexts('metadata.name', name, nameCheck(name)));
  return errors;
}

function namespaceErrors({ namespace = '' }: ObjectMeta, namespaced: boolean): FieldError[] {
  if (!namespaced) {
    return namespace === '' ? [] : [forbiddenField('metadata.namespace', 'not allowed on this type')];
  }
  if (namespace === '') return [required('metadata.namespace')];
  return invalidTexts('metadata.namespace', namespace, labelErrors(namespace));
}

function commonErrors({ labels, annotations, ownerReferences }: ObjectMeta): FieldError[] {
  return [
    ...labelMapErrors(labels, 'metadata.labels'),
    ...annotationErrors(annotations, 'metadata.annotations'),
    ...ownerErrors(ownerReferences ?? []),
  ];
}

/** A map of labels anywhere in an object. */
export function labelMapErrors(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...invalidTexts(field, key, qualifiedNameErrors(key)),
    ...invalidTexts(field, value, labelValueErrors(value)),
  ]);
}

export function annotationErrors(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): FieldError[] {
  let bytes = 0;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(annotations ?? {})) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    errors.push(...invalidTexts(field, key, qualifiedNameErrors(key.toLowerCase())));
  }
  if (bytes > MAX_ANNOTATION_BYTES) errors.push(tooLong(field, MAX_ANNOTATION_BYTES));
  return errors;
}

function ownerErrors(owners: readonly OwnerReference[]): FieldError[] {
  const field = 'metadata.ownerReferences';
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners) {
    if (isBlank(owner.apiVersion)) {
      errors.push(invalidValue(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    }
    for (const part of ['kind', 'name', 'uid'] as const) {
      if (isBlank(owner[part])) errors.push(invalidValue(`${field}.${part}`, owner[part] ?? '', 'must not be empty'));
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      errors.push(invalidValue(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (owner.controller !== true) continue;
    const current = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = current;
    else {
      const text = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${current}`;
      errors.push(invalidValue(field, owners, text));
    }
  }
  return errors;
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text === '';
}

/** Formats of finalizers, and combinations that mean nothing. */
export function finalizerErrors(finalizers: readonly string[]): FieldError[] {
  const errors = finalizers.flatMap((name) => invalidTexts('metadata.finalizers', name, qualifiedNameErrors(name)));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const text = 'finalizer orphan and foregroundDeletion cannot be both set';
    errors.push(invalidValue('metadata.finalizers', finalizers, text));
  }
  return errors;
}

const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** What built-in kinds ask of finalizers beyond their format: a standard name, or one with a domain. */
export function builtinFinalizerErrors({ metadata }: AnyObject): FieldError[] {
  return (metadata.finalizers ?? []).flatMap((name, index) =>
    name.includes('/') || STANDARD_FINALIZERS.includes(name)
      ? []
      : [
          invalidValue(
            `metadata.finalizers[${index}]`,
            name,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ],
  );
}

/** What custom resources are warned with: new finalizers that are neither standard names nor have a domain. */
export function finalizerWarnings(finalizers: readonly string[], known: readonly string[]): string[] {
  const fresh = [...new Set(finalizers)].filter((name) => !known.includes(name)).sort();
  return fresh.flatMap((name) => {
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return [];
    const form = name.includes('.') ? 'name including a path (/)' : 'name';
    return [
      `metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer ${form} to avoid accidental conflicts with other finalizer writers`,
    ];
  });
}

function newFinalizerErrors(next: ObjectMeta, last: ObjectMeta): FieldError[] {
  const extra = (next.finalizers ?? []).filter((name) => !(last.finalizers ?? []).includes(name));
  if (extra.length === 0) return [];
  const list = [...new Set(extra)].sort().map((name) => JSON.stringify(name));
  return [
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list.join(', ')}}`,
    ),
  ];
}

function managedFieldsErrors({ managedFields = [] }: ObjectMeta): FieldError[] {
  return managedFields.flatMap((entry, index) => {
    const field = `metadata.managedFields[${index}]`;
    const errors: FieldError[] = [];
    if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
      errors.push(invalidValue(`${field}.operation`, entry.operation ?? '', 'must be `Apply` or `Update`'));
    }
    if (entry.fieldsType !== undefined && entry.fieldsType !== '' && entry.fieldsType !== 'FieldsV1') {
      errors.push(invalidValue(`${field}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'));
    }
    return errors;
  });
}
