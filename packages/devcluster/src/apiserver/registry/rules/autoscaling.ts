import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { forbiddenField, invalidValue } from '../../validation/field-errors.ts';
import { ensureFields, type Fields, fieldsOf, fill, isFields, listOf, numberOf } from './fields.ts';
import type { KindRules } from './types.ts';

const CPU_PERCENT = 80;

function cpuMetric(averageUtilization: unknown): Fields {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function isCpu(metric: Fields): boolean {
  const resource = fieldsOf(metric.resource);
  return metric.type === 'Resource' && resource.name === 'cpu' && fieldsOf(resource.target).type === 'Utilization';
}

/** Autoscalers are stored as v2; v1 knows one metric, the utilization of cpu. */
function toV2(object: AnyObject): AnyObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = fieldsOf(object.spec);
  const { currentCPUUtilizationPercentage: _current, ...status } = fieldsOf(object.status);
  const metrics = target === undefined ? {} : { metrics: [cpuMetric(target)] };
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    spec: { ...spec, ...metrics },
    status: { currentMetrics: null, ...status },
  };
}

function toV1(object: AnyObject): AnyObject {
  const { metrics, behavior: _behavior, ...spec } = fieldsOf(object.spec);
  const { currentMetrics, conditions: _conditions, ...status } = fieldsOf(object.status);
  const target = numberOf(fieldsOf(fieldsOf(listOf(metrics).find(isCpu)?.resource).target).averageUtilization);
  const current = listOf(currentMetrics).find((metric) => fieldsOf(metric.resource).name === 'cpu');
  const percent = numberOf(fieldsOf(fieldsOf(current?.resource).current).averageUtilization);
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      currentReplicas: 0,
      desiredReplicas: 0,
      ...status,
      ...(percent === undefined ? {} : { currentCPUUtilizationPercentage: percent }),
    },
  };
}

const PERIOD_SECONDS = 15;

const NO_SCALE_TO_ZERO = 'must specify at least one Object or External metric to support scaling to zero replicas';

/** A behavior that says something about one direction, or nothing at all, is completed for both. */
function defaultBehavior(behavior: Fields): void {
  const percent = { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS };
  fill(ensureFields(behavior, 'scaleUp'), {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }, percent],
  });
  // How long a peak is remembered is for the controller to say.
  fill(ensureFields(behavior, 'scaleDown'), { selectPolicy: 'Max', policies: [{ ...percent }] });
}

function autoscalerErrors(object: AnyObject): FieldError[] {
  const spec = fieldsOf(object.spec);
  const max = numberOf(spec.maxReplicas) ?? 0;
  const min = numberOf(spec.minReplicas) ?? 1;
  return [
    ...(min < 1 ? [invalidValue('spec.minReplicas', min, 'must be greater than or equal to 1')] : []),
    ...(min === 0 && !listOf(spec.metrics).some(({ type }) => type === 'Object' || type === 'External')
      ? [forbiddenField('spec.metrics', NO_SCALE_TO_ZERO)]
      : []),
    ...(max < 1 ? [invalidValue('spec.maxReplicas', max, 'must be greater than 0')] : []),
    ...(max < min ? [invalidValue('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`')] : []),
  ];
}

export const autoscalerRules: KindRules = {
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fill(spec, { minReplicas: 1 });
    if (object.apiVersion === 'autoscaling/v1') {
      fill(spec, { targetCPUUtilizationPercentage: CPU_PERCENT });
      return;
    }
    if (listOf(spec.metrics).length === 0) spec.metrics = [cpuMetric(CPU_PERCENT)];
    if (isFields(spec.behavior)) defaultBehavior(spec.behavior);
  },
  validate: autoscalerErrors,
};

/** By version, where a kind has several. */
export const autoscalerV1Rules: KindRules = {
  ...autoscalerRules,
  storage: { key: 'autoscaling/horizontalpodautoscalers', encode: toV2, decode: toV1 },
};
