import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { goJsonError } from '../../schema/json-scanner.ts';
import { forbiddenField, invalidTexts, invalidValue, required, tooLong } from '../../validation/field-errors.ts';
import { configKeyErrors, labelErrors } from '../../validation/formats.ts';
import { sameValue } from '../same-value.ts';
import { ensureFields, type Fields, fieldsOf, fill, fillText, isFields, listOf, textOf } from './fields.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { templateWarnings } from './pod-warnings.ts';
import type { KindRules } from './types.ts';
import { immutable } from './workload-validation.ts';

const MAX_DATA_BYTES = 1024 * 1024;

const FROZEN = 'field is immutable when `immutable` is set';

export const configMapRules: KindRules = {
  validate(object) {
    const data = fieldsOf(object.data);
    const binary = fieldsOf(object.binaryData);
    const errors: FieldError[] = [];
    let bytes = 0;
    for (const [key, value] of Object.entries(data)) {
      errors.push(...invalidTexts(`data[${key}]`, key, configKeyErrors(key)));
      if (key in binary) errors.push(invalidValue(`data[${key}]`, key, `duplicate of key present in binaryData`));
      bytes += Buffer.byteLength(textOf(value));
    }
    for (const [key, value] of Object.entries(binary)) {
      errors.push(...invalidTexts(`binaryData[${key}]`, key, configKeyErrors(key)));
      bytes += decodedBytes(value);
    }
    if (bytes > MAX_DATA_BYTES) errors.push(tooLong('', MAX_DATA_BYTES));
    return errors;
  },
  validateUpdate: (object, old) => frozenErrors(object, old, ['data', 'binaryData']),
};

function decodedBytes(value: unknown): number {
  return Buffer.from(textOf(value), 'base64').byteLength;
}

function frozenErrors(object: AnyObject, old: AnyObject, fields: readonly string[]): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbiddenField('immutable', FROZEN));
  for (const field of fields) if (!sameValue(object[field], old[field])) errors.push(forbiddenField(field, FROZEN));
  return errors;
}

/** Keys that Secrets of some types must have. */
const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
};

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';

export const secretRules: KindRules = {
  defaults(object) {
    const text = fieldsOf(object.stringData);
    if (Object.keys(text).length > 0) {
      const encoded = Object.entries(text).map(([key, value]) => [key, Buffer.from(textOf(value)).toString('base64')]);
      object.data = { ...fieldsOf(object.data), ...Object.fromEntries(encoded) };
    }
    delete object.stringData;
    fillText(object, 'type', 'Opaque');
  },
  validate(object) {
    const data = fieldsOf(object.data);
    const type = textOf(object.type);
    const errors: FieldError[] = [];
    let bytes = 0;
    for (const [key, value] of Object.entries(data)) {
      errors.push(...invalidTexts(`data[${key}]`, key, configKeyErrors(key)));
      bytes += decodedBytes(value);
    }
    if (bytes > MAX_DATA_BYTES) errors.push(tooLong('data', MAX_DATA_BYTES));
    for (const key of SECRET_KEYS[type] ?? []) {
      if (!(key in data)) errors.push(required(`data[${key}]`));
      else if (key.startsWith('.docker')) errors.push(...jsonErrors(key, data[key]));
    }
    if (type === 'kubernetes.io/basic-auth' && !('username' in data) && !('password' in data)) {
      errors.push(required('data[username]'), required('data[password]'));
    }
    if (type === 'kubernetes.io/service-account-token' && (object.metadata.annotations?.[ACCOUNT_NAME] ?? '') === '') {
      errors.push(required(`metadata.annotations[${ACCOUNT_NAME}]`));
    }
    return errors;
  },
  validateUpdate: (object, old) => [
    ...immutable(object.type, old.type, 'type'),
    ...frozenErrors(object, old, ['data']),
  ],
  selectableFields: (object) => ({ type: textOf(object.type) }),
};

/** The content itself is never shown. */
function jsonErrors(key: string, value: unknown): FieldError[] {
  const why = goJsonError(Buffer.from(textOf(value), 'base64').toString('utf8'));
  return why === undefined ? [] : [invalidValue(`data[${key}]`, '<secret contents redacted>', why)];
}

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name';

export const namespaceRules: KindRules = {
  answersDeletedObject: true,
  name: labelErrors,
  defaults(object) {
    const { name = '' } = object.metadata;
    if (name !== '') object.metadata.labels = { ...object.metadata.labels, [NAMESPACE_LABEL]: name };
  },
  prepareForCreate(object) {
    object.status = { phase: 'Active' };
    const spec = ensureFields(object, 'spec');
    const finalizers = Array.isArray(spec.finalizers) ? spec.finalizers : [];
    if (!finalizers.includes('kubernetes')) spec.finalizers = [...finalizers, 'kubernetes'];
    const { name = '' } = object.metadata;
    object.metadata.labels = { ...object.metadata.labels, [NAMESPACE_LABEL]: name };
  },
  prepareForUpdate(object, old, subresource) {
    if (subresource === undefined)
      object.spec = { ...fieldsOf(object.spec), finalizers: fieldsOf(old.spec).finalizers };
    if (subresource === 'finalize') object.status = old.status;
  },
  selectableFields: (object) => ({ 'status.phase': textOf(fieldsOf(object.status).phase) }),
  holds(object) {
    const { finalizers } = fieldsOf(object.spec);
    return Array.isArray(finalizers) && finalizers.length > 0;
  },
  terminate(object) {
    delete object.metadata.deletionGracePeriodSeconds;
    object.status = { ...fieldsOf(object.status), phase: 'Terminating' };
  },
};

export const nodeRules: KindRules = {
  defaults(object) {
    const status = ensureFields(object, 'status');
    const capacity = fieldsOf(status.capacity);
    if (Object.keys(capacity).length > 0) fill(ensureFields(status, 'allocatable'), capacity);
  },
  status: 'free',
  prepareForUpdate(object, old, subresource) {
    if (subresource === undefined) object.status = old.status;
  },
  selectableFields: (object) => ({ 'spec.unschedulable': String(fieldsOf(object.spec).unschedulable === true) }),
};

export const serviceAccountRules: KindRules = { answersDeletedObject: true };

export const persistentVolumeRules: KindRules = {
  answersDeletedObject: true,
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fillText(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    fill(spec, { volumeMode: 'Filesystem' });
    if (isFields(spec.hostPath)) fill(spec.hostPath, { type: '' });
    fillText(ensureFields(object, 'status'), 'phase', 'Pending');
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: object.metadata.creationTimestamp };
  },
};

function pending(object: AnyObject): void {
  object.status = { phase: 'Pending' };
}

export const persistentVolumeClaimRules: KindRules = {
  answersDeletedObject: true,
  defaults(object) {
    fill(ensureFields(object, 'spec'), { volumeMode: 'Filesystem' });
    fillText(ensureFields(object, 'status'), 'phase', 'Pending');
  },
  prepareForCreate: pending,
  validate(object) {
    const spec = fieldsOf(object.spec);
    const modes = Array.isArray(spec.accessModes) ? spec.accessModes : [];
    const errors: FieldError[] = [];
    if (modes.length === 0) errors.push(required('spec.accessModes', 'at least 1 access mode is required'));
    if (fieldsOf(fieldsOf(spec.resources).requests).storage === undefined) {
      errors.push(required('spec.resources[storage]'));
    }
    return errors;
  },
};

export const endpointsRules: KindRules = {
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  createsOnUpdate: true,
  defaults(object) {
    for (const subset of listOf(object.subsets)) {
      for (const port of listOf(subset.ports)) fillText(port, 'protocol', 'TCP');
    }
  },
};

export const limitRangeRules: KindRules = {
  createsOnUpdate: true,
  defaults(object) {
    for (const limit of listOf(fieldsOf(object.spec).limits)) {
      if (limit.type !== 'Container') continue;
      const max = fieldsOf(limit.max);
      const min = fieldsOf(limit.min);
      const standard = ensureFields(limit, 'default');
      fill(standard, max);
      const request = ensureFields(limit, 'defaultRequest');
      fill(request, standard as Fields);
      fill(request, min);
      if (Object.keys(standard).length === 0) delete limit.default;
      if (Object.keys(request).length === 0) delete limit.defaultRequest;
    }
  },
};

export const podTemplateRules: KindRules = {
  generation: (object, old) => !sameValue(object.template, old.template),
  warnings: templateWarnings('template', { names: false }),
  answersDeletedObject: true,
  defaults: (object) => defaultPodSpec(ensureFields(ensureFields(object, 'template'), 'spec')),
};

export const resourceQuotaRules: KindRules = { answersDeletedObject: true };
