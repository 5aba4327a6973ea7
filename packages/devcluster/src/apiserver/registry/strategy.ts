import type { AnyObject } from '@drey/kube';
import type { FieldError, Strategy } from '../model.ts';
import { subdomainErrors } from '../validation/formats.ts';
import { builtinFinalizerErrors, objectMetaErrors, objectMetaUpdateErrors } from '../validation/object-meta.ts';
import type { KindRules } from './rules/types.ts';
import { sameValue } from './same-value.ts';

export interface StrategyOptions {
  readonly namespaced: boolean;
  /** There is a status endpoint. */
  readonly status: boolean;
}

/** The strategy of a built-in kind: what all kinds do, and the kind's own rules. */
export function builtinStrategy(rules: KindRules, options: StrategyOptions): Strategy {
  const statusKept = rules.status === 'kept' || (options.status && rules.status !== 'free');
  const { gracePeriodSeconds } = rules;
  return {
    applyDefaults: (object) => rules.defaults?.(object),
    prepareForCreate(object) {
      if (statusKept) delete object.status;
      if (rules.generation !== undefined) object.metadata.generation = 1;
      rules.prepareForCreate?.(object);
    },
    prepareForUpdate(object, old, subresource) {
      if (subresource === 'status') keepAllButStatus(object, old);
      else if (statusKept) copyField(object, old, 'status');
      rules.prepareForUpdate?.(object, old, subresource);
    },
    validateCreate: (object) => [
      ...objectMetaErrors(object, options.namespaced, rules.name ?? subdomainErrors),
      ...(rules.plainFinalizers ? [] : builtinFinalizerErrors(object)),
      ...(rules.validate?.(object) ?? []),
      ...(rules.validateCreate?.(object) ?? []),
    ],
    // Metadata is judged once for all kinds and once more by the kind, as in the real server: errors come twice.
    validateUpdate: (object, old, subresource): readonly FieldError[] => [
      ...objectMetaUpdateErrors(object, old),
      ...(rules.plainFinalizers ? [] : builtinFinalizerErrors(object)),
      ...(subresource === undefined ? (rules.validate?.(object) ?? []) : []),
      ...(rules.validateUpdate?.(object, old, subresource) ?? []),
    ],
    bumpsGeneration: (object, old) => raisesGeneration(rules, object, old),
    selectableFields: (object) => rules.selectableFields?.(object) ?? {},
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
  };
}

/** A status update changes metadata of the object as an ordinary update does, but no other field. */
function keepAllButStatus(object: AnyObject, old: AnyObject): void {
  const { status } = object;
  for (const key of Object.keys(object)) if (key !== 'metadata') delete object[key];
  for (const [key, value] of Object.entries(old)) if (key !== 'metadata') object[key] = value;
  if (status === undefined) delete object.status;
  else object.status = status;
}

/** Makes a top-level field of `object` what it is in `old`. */
export function copyField(object: AnyObject, old: AnyObject, field: string): void {
  if (old[field] === undefined) delete object[field];
  else object[field] = old[field];
}

function raisesGeneration({ generation }: KindRules, object: AnyObject, old: AnyObject): boolean {
  if (generation === undefined) return false;
  if (typeof generation === 'function') return generation(object, old);
  if (!sameValue(object.spec, old.spec)) return true;
  return generation === 'spec-or-annotations' && !sameValue(object.metadata.annotations, old.metadata.annotations);
}
