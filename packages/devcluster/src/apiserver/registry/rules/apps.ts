import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../validation/field-errors.ts';
import { sameValue } from '../same-value.ts';
import { ensureFields, type Fields, fieldsOf, fill, fillText, isFields, listOf, numberOf, textOf } from './fields.ts';
import { defaultPodSpec } from './pod-defaults.ts';
import { templateWarnings } from './pod-warnings.ts';
import type { KindRules } from './types.ts';
import {
  immutable,
  nonNegative,
  selectorMismatch,
  templateErrors,
  workloadSelectorErrors,
} from './workload-validation.ts';

function defaultTemplate(spec: Fields): void {
  const template = ensureFields(spec, 'template');
  ensureFields(template, 'metadata');
  defaultPodSpec(ensureFields(template, 'spec'));
}

/** Status endpoint updates keep the labels of the object, for some kinds. */
function keepLabels(object: AnyObject, old: AnyObject): void {
  if (old.metadata.labels === undefined) delete object.metadata.labels;
  else object.metadata.labels = old.metadata.labels;
}

export const deploymentRules: KindRules = {
  generation: 'spec-or-annotations',
  warnings: templateWarnings('spec.template', { names: true }),
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    const strategy = ensureFields(spec, 'strategy');
    fillText(strategy, 'type', 'RollingUpdate');
    if (strategy.type === 'RollingUpdate') {
      fill(ensureFields(strategy, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' });
    }
    defaultTemplate(spec);
  },
  prepareForUpdate(object, old, subresource) {
    if (subresource === 'status') keepLabels(object, old);
  },
  validate(object) {
    const spec = fieldsOf(object.spec);
    const strategy = fieldsOf(spec.strategy);
    return [
      ...nonNegative(spec.replicas, 'spec.replicas'),
      ...workloadSelectorErrors(object, 'deployment'),
      ...selectorMismatch(object),
      ...templateErrors(object, ['Always']),
      ...strategyErrors(strategy),
      ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
      ...nonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'),
      ...nonNegative(spec.progressDeadlineSeconds, 'spec.progressDeadlineSeconds'),
      ...deadlineErrors(spec),
    ];
  },
  validateUpdate: (object, old, subresource) =>
    subresource === undefined
      ? immutable(fieldsOf(object.spec).selector, fieldsOf(old.spec).selector, 'spec.selector')
      : [],
};

function deadlineErrors(spec: Fields): FieldError[] {
  const deadline = numberOf(spec.progressDeadlineSeconds);
  const ready = numberOf(spec.minReadySeconds) ?? 0;
  return deadline !== undefined && deadline <= ready
    ? [invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')]
    : [];
}

function strategyErrors(strategy: Fields): FieldError[] {
  const type = textOf(strategy.type);
  const field = 'spec.strategy';
  if (type === 'Recreate') {
    return strategy.rollingUpdate === undefined
      ? []
      : [forbiddenField(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== 'RollingUpdate')
    return [
      notSupported(field, { Type: type, RollingUpdate: strategy.rollingUpdate ?? null }, ['Recreate', 'RollingUpdate']),
    ];
  const { maxUnavailable, maxSurge } = fieldsOf(strategy.rollingUpdate);
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    return [invalidValue(`${field}.rollingUpdate.maxUnavailable`, 0, 'may not be 0 when `maxSurge` is 0')];
  }
  return [];
}

function isZero(value: unknown): boolean {
  return value === 0 || value === '0%' || value === '0';
}

export const replicaSetRules: KindRules = {
  generation: 'spec',
  warnings: templateWarnings('spec.template', { names: true }),
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fill(spec, { replicas: 1 });
    defaultTemplate(spec);
  },
  validate(object) {
    const spec = fieldsOf(object.spec);
    return [
      ...nonNegative(spec.replicas, 'spec.replicas'),
      ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
      ...workloadSelectorErrors(object, 'replicaset'),
      ...selectorMismatch(object),
      ...templateErrors(object, ['Always']),
    ];
  },
  validateUpdate: (object, old, subresource) =>
    subresource === undefined
      ? immutable(fieldsOf(object.spec).selector, fieldsOf(old.spec).selector, 'spec.selector')
      : [],
  selectableFields: (object) => ({ 'status.replicas': String(fieldsOf(object.status).replicas ?? 0) }),
};

const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';

export const daemonSetRules: KindRules = {
  generation: 'spec',
  warnings: templateWarnings('spec.template', { names: false }),
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fill(spec, { revisionHistoryLimit: 10 });
    const strategy = ensureFields(spec, 'updateStrategy');
    fillText(strategy, 'type', 'RollingUpdate');
    if (strategy.type === 'RollingUpdate') {
      fill(ensureFields(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
    }
    defaultTemplate(spec);
    object.metadata.annotations = { [GENERATION_ANNOTATION]: '0', ...object.metadata.annotations };
  },
  prepareForCreate(object) {
    object.metadata.annotations = { ...object.metadata.annotations, [GENERATION_ANNOTATION]: '1' };
  },
  prepareForUpdate(object, old, subresource) {
    if (subresource !== undefined) return;
    const last = Number(old.metadata.annotations?.[GENERATION_ANNOTATION] ?? '1');
    const changed = !sameValue(fieldsOf(object.spec).template, fieldsOf(old.spec).template);
    object.metadata.annotations = {
      ...object.metadata.annotations,
      [GENERATION_ANNOTATION]: String(changed ? last + 1 : last),
    };
  },
  validate: (object) => [
    ...workloadSelectorErrors(object, 'daemonset'),
    ...selectorMismatch(object),
    ...templateErrors(object, ['Always']),
    ...nonNegative(fieldsOf(object.spec).minReadySeconds, 'spec.minReadySeconds'),
    ...nonNegative(fieldsOf(object.spec).revisionHistoryLimit, 'spec.revisionHistoryLimit'),
  ],
  validateUpdate: (object, old, subresource) =>
    subresource === undefined
      ? immutable(fieldsOf(object.spec).selector, fieldsOf(old.spec).selector, 'spec.selector')
      : [],
};

export const statefulSetRules: KindRules = {
  generation: 'spec',
  warnings: templateWarnings('spec.template', { names: false }),
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fillText(spec, 'podManagementPolicy', 'OrderedReady');
    const strategy = ensureFields(spec, 'updateStrategy');
    fillText(strategy, 'type', 'RollingUpdate');
    if (strategy.type === 'RollingUpdate') fill(ensureFields(strategy, 'rollingUpdate'), { partition: 0 });
    fill(spec, { replicas: 1, revisionHistoryLimit: 10 });
    const retention = ensureFields(spec, 'persistentVolumeClaimRetentionPolicy');
    fillText(retention, 'whenDeleted', 'Retain');
    fillText(retention, 'whenScaled', 'Retain');
    for (const claim of listOf(spec.volumeClaimTemplates)) {
      claim.kind = 'PersistentVolumeClaim';
      claim.apiVersion = 'v1';
      fill(ensureFields(claim, 'spec'), { volumeMode: 'Filesystem' });
      fillText(ensureFields(claim, 'status'), 'phase', 'Pending');
    }
    defaultTemplate(spec);
  },
  validate(object) {
    const spec = fieldsOf(object.spec);
    return [
      ...nonNegative(spec.replicas, 'spec.replicas'),
      ...nonNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
      ...workloadSelectorErrors(object, 'statefulset'),
      ...selectorMismatch(object),
      ...templateErrors(withClaimedVolumes(object), ['Always']),
    ];
  },
  validateUpdate: (object, old, subresource) => (subresource === undefined ? statefulSetUpdateErrors(object, old) : []),
};

/** As its pods will be: the volumes of its claims are there, and go before those of the template with the same names. */
function withClaimedVolumes(object: AnyObject): AnyObject {
  const spec = fieldsOf(object.spec);
  const claimed = listOf(spec.volumeClaimTemplates).map(({ metadata }) => {
    const name = textOf(fieldsOf(metadata).name);
    return { name, persistentVolumeClaim: { claimName: name } };
  });
  if (claimed.length === 0) return object;
  const template = fieldsOf(spec.template);
  const podSpec = fieldsOf(template.spec);
  const others = listOf(podSpec.volumes).filter((volume) => !claimed.some(({ name }) => name === volume.name));
  const withVolumes = { ...template, spec: { ...podSpec, volumes: [...claimed, ...others] } };
  return { ...object, spec: { ...spec, template: withVolumes } } as AnyObject;
}

const STATEFUL_SET_FREE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function statefulSetUpdateErrors(object: AnyObject, old: AnyObject): FieldError[] {
  const next = { ...fieldsOf(object.spec) };
  const last = { ...fieldsOf(old.spec) };
  for (const field of STATEFUL_SET_FREE) {
    delete next[field];
    delete last[field];
  }
  if (sameValue(next, last)) return [];
  return [
    forbiddenField(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

export const replicationControllerRules: KindRules = {
  generation: 'spec',
  orphansByDefault: true,
  warnings: templateWarnings('spec.template', { names: true }),
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fill(spec, { replicas: 1 });
    if (isFields(spec.template)) defaultPodSpec(ensureFields(spec.template, 'spec'));
    const labels = fieldsOf(fieldsOf(fieldsOf(spec.template).metadata).labels);
    if (Object.keys(fieldsOf(spec.selector)).length === 0) spec.selector = { ...labels };
    if (Object.keys(object.metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0) {
      object.metadata.labels = { ...labels } as Record<string, string>;
    }
  },
  validate(object) {
    const spec = fieldsOf(object.spec);
    return [
      ...nonNegative(spec.replicas, 'spec.replicas'),
      ...(Object.keys(fieldsOf(spec.selector)).length === 0 ? [required('spec.selector')] : []),
      ...(isFields(spec.template) ? templateErrors(object, ['Always']) : [required('spec.template')]),
    ];
  },
};

/** A revision is history: its data never changes. */
export const controllerRevisionRules: KindRules = {
  validateUpdate: (object, old) => immutable(object.data, old.data, 'data'),
};
