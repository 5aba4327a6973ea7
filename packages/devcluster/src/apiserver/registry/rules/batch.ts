import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { invalidValue, notSupported, required } from '../../validation/field-errors.ts';
import { subdomainErrors } from '../../validation/formats.ts';
import { sameValue } from '../same-value.ts';
import { ensureFields, type Fields, fieldsOf, fill, fillText, isFields, numberOf, textOf } from './fields.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { podSpecErrors } from './pod-validation.ts';
import { templateWarnings } from './pod-warnings.ts';
import type { KindRules } from './types.ts';
import { immutable, nonNegative, selectorMismatch, workloadSelectorErrors } from './workload-validation.ts';

const MAX_INT32 = 2147483647;
const UID_LABEL = 'batch.kubernetes.io/controller-uid';
const NAME_LABEL = 'batch.kubernetes.io/job-name';

export const jobRules: KindRules = {
  generation: 'spec',
  warnings: templateWarnings('spec.template', { names: true }),
  orphansByDefault: true,
  orphanWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    if (spec.completions === undefined && spec.parallelism === undefined) {
      spec.completions = 1;
      spec.parallelism = 1;
    }
    fill(spec, {
      parallelism: 1,
      backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : MAX_INT32,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: isFields(spec.podFailurePolicy) ? 'Failed' : 'TerminatingOrFailed',
    });
    const template = ensureFields(spec, 'template');
    const labels = fieldsOf(ensureFields(template, 'metadata').labels);
    if (Object.keys(object.metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0) {
      object.metadata.labels = { ...labels } as Record<string, string>;
    }
    defaultPodSpec(ensureFields(template, 'spec'));
  },
  prepareForCreate: generateSelector,
  validate: jobErrors,
  validateUpdate: (object, old, subresource) => (subresource === undefined ? jobUpdateErrors(object, old) : []),
  selectableFields: (object) => ({ 'status.successful': String(fieldsOf(object.status).succeeded ?? 0) }),
};

/** A job selects its pods by its own uid, unless the user takes that over with `manualSelector`. */
function generateSelector(object: AnyObject): void {
  const spec = fieldsOf(object.spec);
  if (spec.manualSelector === true) return;
  const { uid = '', name = '' } = object.metadata;
  const metadata = ensureFields(ensureFields(spec, 'template'), 'metadata');
  metadata.labels = {
    ...fieldsOf(metadata.labels),
    'controller-uid': uid,
    'job-name': name,
    [UID_LABEL]: uid,
    [NAME_LABEL]: name,
  };
  const selector = ensureFields(spec, 'selector');
  selector.matchLabels = { ...fieldsOf(selector.matchLabels), [UID_LABEL]: uid };
  if (Object.keys(object.metadata.labels ?? {}).length === 0) {
    object.metadata.labels = { ...fieldsOf(metadata.labels) } as Record<string, string>;
  }
}

function jobErrors(object: AnyObject): FieldError[] {
  const spec = fieldsOf(object.spec);
  return [...workloadSelectorErrors(object, 'job'), ...jobSpecErrors(spec, 'spec'), ...selectorMismatch(object)];
}

function jobSpecErrors(spec: Fields, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  ]) {
    errors.push(...nonNegative(spec[field], `${path}.${field}`));
  }
  const mode = textOf(spec.completionMode);
  if (mode !== '' && mode !== 'NonIndexed' && mode !== 'Indexed') {
    errors.push(notSupported(`${path}.completionMode`, mode, ['Indexed', 'NonIndexed']));
  }
  if (mode === 'Indexed' && spec.completions === undefined) {
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  }
  const podSpec = fieldsOf(fieldsOf(spec.template).spec);
  errors.push(...podSpecErrors(podSpec, `${path}.template.spec`));
  const policy = textOf(podSpec.restartPolicy);
  if (policy === 'Always') {
    errors.push(required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  }
  return errors;
}

function jobUpdateErrors(object: AnyObject, old: AnyObject): FieldError[] {
  const next = fieldsOf(object.spec);
  const last = fieldsOf(old.spec);
  const errors: FieldError[] = [];
  const indexed = textOf(next.completionMode) === 'Indexed' && next.completions === next.parallelism;
  if (!indexed) errors.push(...immutable(next.completions, last.completions, 'spec.completions'));
  errors.push(...immutable(next.selector, last.selector, 'spec.selector'));
  const suspended = last.suspend === true && fieldsOf(old.status).startTime === undefined;
  if (!sameValue(next.template, suspended ? next.template : last.template)) {
    errors.push(invalidValue('spec.template', next.template, 'field is immutable'));
  }
  errors.push(...immutable(next.completionMode, last.completionMode, 'spec.completionMode'));
  return errors;
}

const CRON_NAME_MAX = 52;

export const cronJobRules: KindRules = {
  generation: 'spec',
  warnings: templateWarnings('spec.jobTemplate.spec.template', { names: true }),
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fillText(spec, 'concurrencyPolicy', 'Allow');
    fill(spec, { suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    const jobSpec = ensureFields(ensureFields(spec, 'jobTemplate'), 'spec');
    defaultPodSpec(ensureFields(ensureFields(jobSpec, 'template'), 'spec'));
  },
  name: (name) => [
    ...subdomainErrors(name),
    ...(name.length > CRON_NAME_MAX ? [`must be no more than ${CRON_NAME_MAX} characters`] : []),
  ],
  validate(object) {
    const spec = fieldsOf(object.spec);
    const policy = textOf(spec.concurrencyPolicy);
    const schedule = textOf(spec.schedule);
    return [
      ...(schedule === '' ? [required('spec.schedule')] : scheduleErrors(schedule)),
      ...(['Allow', 'Forbid', 'Replace'].includes(policy)
        ? []
        : [notSupported('spec.concurrencyPolicy', policy, ['Allow', 'Forbid', 'Replace'])]),
      ...nonNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'),
      ...nonNegative(spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit'),
      ...nonNegative(spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit'),
      ...jobSpecErrors(fieldsOf(fieldsOf(spec.jobTemplate).spec), 'spec.jobTemplate.spec'),
    ];
  },
};

const NAMED_SCHEDULES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

function scheduleErrors(schedule: string): FieldError[] {
  if (NAMED_SCHEDULES.includes(schedule) || schedule.startsWith('@every ')) return [];
  if (schedule.startsWith('@')) {
    return [invalidValue('spec.schedule', schedule, `unrecognized descriptor: ${schedule}`)];
  }
  const parts = schedule.split(/\s+/).filter((part) => part !== '');
  if (parts.length === 5) return [];
  return [
    invalidValue('spec.schedule', schedule, `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`),
  ];
}

/** As the real server prints a budget: by the names of its internal type. */
function internalForm({ minAvailable, selector, maxUnavailable, unhealthyPodEvictionPolicy = null }: Fields): Fields {
  return {
    MinAvailable: minAvailable,
    Selector: selector,
    MaxUnavailable: maxUnavailable,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy,
  };
}

export const podDisruptionBudgetRules: KindRules = {
  generation: 'spec',
  needsResourceVersion: true,
  validate(object) {
    const spec = fieldsOf(object.spec);
    const both = spec.minAvailable !== undefined && spec.maxUnavailable !== undefined;
    return [
      ...(both ? [invalidValue('spec', internalForm(spec), 'minAvailable and maxUnavailable cannot be both set')] : []),
      ...(numberOf(spec.minAvailable) === undefined ? [] : nonNegative(spec.minAvailable, 'spec.minAvailable')),
      ...(numberOf(spec.maxUnavailable) === undefined ? [] : nonNegative(spec.maxUnavailable, 'spec.maxUnavailable')),
    ];
  },
};
