import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { invalidValue, required } from '../../validation/field-errors.ts';
import { pathSegmentErrors } from '../../validation/formats.ts';
import { type Fields, fieldsOf, textOf } from './fields.ts';
import type { KindRules } from './types.ts';

/** Names of the same fields in the core group and in `events.k8s.io`. */
const NEW_NAMES: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
  reportingComponent: 'reportingController',
};

const OLD_NAMES = Object.fromEntries(Object.entries(NEW_NAMES).map(([old, name]) => [name, old]));

/** Fields that one of the two forms leaves out when they are empty. */
function renamed(object: AnyObject, names: Readonly<Record<string, string>>): Fields {
  return Object.fromEntries(Object.entries(object).map(([field, value]) => [names[field] ?? field, value]));
}

/** Events are stored in their core form. */
function toCore(object: AnyObject): AnyObject {
  const fields = renamed(object, OLD_NAMES);
  return {
    ...fields,
    apiVersion: 'v1',
    kind: 'Event',
    metadata: object.metadata,
    involvedObject: fieldsOf(fields.involvedObject),
    source: fieldsOf(fields.source),
    firstTimestamp: fields.firstTimestamp ?? null,
    lastTimestamp: fields.lastTimestamp ?? null,
    eventTime: fields.eventTime ?? null,
    reportingComponent: textOf(fields.reportingComponent),
    reportingInstance: textOf(fields.reportingInstance),
  };
}

function fromCore(object: AnyObject): AnyObject {
  const fields = renamed(object, NEW_NAMES);
  for (const field of ['reportingController', 'reportingInstance']) if (fields[field] === '') delete fields[field];
  return { ...fields, apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: object.metadata };
}

function selectableFields(object: AnyObject, subject: string, reporter: string): Record<string, string> {
  const ref = fieldsOf(object[subject]);
  const source = fieldsOf(object[subject === 'regarding' ? 'deprecatedSource' : 'source']);
  const fields = {
    [`${subject}.kind`]: textOf(ref.kind),
    [`${subject}.namespace`]: textOf(ref.namespace),
    [`${subject}.name`]: textOf(ref.name),
    [`${subject}.uid`]: textOf(ref.uid),
    [`${subject}.apiVersion`]: textOf(ref.apiVersion),
    [`${subject}.resourceVersion`]: textOf(ref.resourceVersion),
    [`${subject}.fieldPath`]: textOf(ref.fieldPath),
    reason: textOf(object.reason),
    [reporter]: textOf(object[reporter]),
    type: textOf(object.type),
  };
  return subject === 'regarding' ? fields : { ...fields, source: textOf(source.component) || textOf(object[reporter]) };
}

interface EventWords {
  readonly subject: 'involvedObject' | 'regarding';
  readonly reporter: 'reportingComponent' | 'reportingController';
}

const CORE: EventWords = { subject: 'involvedObject', reporter: 'reportingComponent' };
const NEW: EventWords = { subject: 'regarding', reporter: 'reportingController' };

/** Events with an eventTime have to say more than those without. */
function eventErrors(object: AnyObject, { subject, reporter }: EventWords): FieldError[] {
  const { namespace = '' } = object.metadata;
  const other = textOf(fieldsOf(object[subject]).namespace);
  const mismatch = invalidValue('involvedObject.namespace', other, 'does not match event.namespace');
  if ((object.eventTime ?? null) === null) {
    // Events about cluster-scoped objects live in the default namespace.
    const agrees = other === '' ? namespace === 'default' : other === namespace;
    return agrees ? [] : [mismatch];
  }
  const errors: FieldError[] = [];
  if (other === '' && namespace !== 'default' && namespace !== 'kube-system') errors.push(mismatch);
  for (const field of [reporter, 'reportingInstance', 'action', 'reason']) {
    if (textOf(object[field]) === '') errors.push(required(field));
  }
  return errors;
}

export const coreEventRules: KindRules = {
  createsOnUpdate: true,
  // Only events.k8s.io asks for a DNS name; the core API takes what fits into a path, as client libraries rely on.
  name: pathSegmentErrors,
  validate: (object) => eventErrors(object, CORE),
  selectableFields: (object) => selectableFields(object, 'involvedObject', 'reportingComponent'),
};

export const newEventRules: KindRules = {
  createsOnUpdate: true,
  storage: { key: '/events', encode: toCore, decode: fromCore },
  errorGroup: '',
  validate(object) {
    const type = textOf(object.type);
    const errors = eventErrors(object, NEW);
    if ((object.eventTime ?? null) === null) errors.push(required('eventTime'));
    if (type !== 'Normal' && type !== 'Warning') errors.push(invalidValue('type', '', `has invalid value: ${type}`));
    return errors;
  },
  selectableFields: (object) => selectableFields(object, 'regarding', 'reportingController'),
};
