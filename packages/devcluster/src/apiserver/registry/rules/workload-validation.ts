import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import type { Labels } from '../../selectors/label-selector.ts';
import { type ObjectSelector, selects } from '../../selectors/match-labels.ts';
import { invalidTexts, invalidValue, notSupported, required } from '../../validation/field-errors.ts';
import { labelValueErrors, qualifiedNameErrors } from '../../validation/formats.ts';
import { labelMapErrors } from '../../validation/object-meta.ts';
import { sameValue } from '../same-value.ts';
import { type Fields, fieldsOf, isFields, listOf, numberOf, textOf, textsOf } from './fields.ts';
import { podSpecErrors } from './pod-validation.ts';

export function nonNegative(value: unknown, field: string): FieldError[] {
  const number = numberOf(value);
  return number !== undefined && number < 0 ? [invalidValue(field, number, 'must be greater than or equal to 0')] : [];
}

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Errors of a label selector. */
export function selectorErrors(selector: Fields, field: string): FieldError[] {
  return [
    ...labelMapErrors(fieldsOf(selector.matchLabels) as Record<string, string>, `${field}.matchLabels`),
    ...listOf(selector.matchExpressions).flatMap((expression, index) => {
      const at = `${field}.matchExpressions[${index}]`;
      const operator = textOf(expression.operator);
      const values = textsOf(expression.values);
      const errors: FieldError[] = [];
      if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
      if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
        const text = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        errors.push({ field: `${at}.values`, reason: 'FieldValueForbidden', message: text });
      }
      if (!OPERATORS.includes(operator))
        errors.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
      const key = textOf(expression.key);
      errors.push(...invalidTexts(`${at}.key`, key, qualifiedNameErrors(key)));
      for (const [at2, value] of values.entries()) {
        errors.push(...invalidTexts(`${at}.values[${at2}]`, value, labelValueErrors(value)));
      }
      return errors;
    }),
  ];
}

/** Selector and template of a workload kind, which have to fit each other. */
export function templateErrors(object: AnyObject, restartPolicies: readonly string[]): FieldError[] {
  const spec = fieldsOf(object.spec);
  const template = fieldsOf(spec.template);
  const podSpec = fieldsOf(template.spec);
  const metadata = fieldsOf(template.metadata);
  const errors: FieldError[] = [];
  const policy = textOf(podSpec.restartPolicy);
  errors.push(...labelMapErrors(fieldsOf(metadata.labels) as Record<string, string>, 'spec.template.metadata.labels'));
  errors.push(...podSpecErrors(podSpec, 'spec.template.spec'));
  if (!restartPolicies.includes(policy) && ['Always', 'OnFailure', 'Never'].includes(policy)) {
    errors.push(notSupported('spec.template.spec.restartPolicy', policy, restartPolicies));
  }
  return errors;
}

/** A selector is there, well formed, not empty, and selects the template's labels. */
export function workloadSelectorErrors(object: AnyObject, kindWords: string): FieldError[] {
  const spec = fieldsOf(object.spec);
  const { selector } = spec;
  const errors: FieldError[] = [];
  if (!isFields(selector)) errors.push(required('spec.selector'));
  else {
    errors.push(...selectorErrors(selector, 'spec.selector'));
    if (errors.length > 0) errors.push(invalidValue('spec.selector', selector, 'invalid label selector'));
    if (sameValue(selector, {})) {
      errors.push(invalidValue('spec.selector', selector, `empty selector is invalid for ${kindWords}`));
    }
  }
  return errors;
}

/** The message of a selector that does not select the template. */
export function selectorMismatch(object: AnyObject): FieldError[] {
  const spec = fieldsOf(object.spec);
  const labels = fieldsOf(fieldsOf(spec.template).metadata).labels;
  const selector = spec.selector;
  if (isFields(selector) && selects(selector as ObjectSelector, fieldsOf(labels) as Labels)) return [];
  const text = '`selector` does not match template `labels`';
  return [invalidValue('spec.template.metadata.labels', labels ?? null, text)];
}

export function immutable(next: unknown, last: unknown, field: string): FieldError[] {
  return sameValue(next, last) ? [] : [invalidValue(field, next ?? null, 'field is immutable')];
}
