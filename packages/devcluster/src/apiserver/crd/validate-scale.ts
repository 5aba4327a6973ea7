import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../model.ts';
import { goText, goType, isObject } from '../schema/index.ts';
import { invalidValue } from '../validation/field-errors.ts';
import type { CompiledVersion } from './compiled.ts';

const MAX_REPLICAS = 2 ** 31 - 1;

/** What the scale subresource reads from a custom resource has to make a Scale. */
export function validateScale(object: AnyObject, scale: CompiledVersion['scale']): readonly FieldError[] {
  if (scale === undefined) return [];
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...replicaErrors(object, specReplicasPath),
    ...replicaErrors(object, statusReplicasPath),
    ...(labelSelectorPath === undefined ? [] : selectorErrors(object, labelSelectorPath)),
  ];
}

function replicaErrors(object: AnyObject, path: string): readonly FieldError[] {
  const { value, problem } = read(object, path, 'int64');
  if (problem !== undefined) return [invalidValue(path, 0, problem)];
  if (typeof value !== 'number') return [];
  if (value < 0) return [invalidValue(path, value, 'should be a non-negative integer')];
  return value > MAX_REPLICAS ? [invalidValue(path, value, `should be less than or equal to ${MAX_REPLICAS}`)] : [];
}

function selectorErrors(object: AnyObject, path: string): readonly FieldError[] {
  const { problem } = read(object, path, 'string');
  return problem === undefined ? [] : [invalidValue(path, '', problem)];
}

/** The value at a path such as `.spec.size`, which has to be of a Go type; nothing is fine, too. */
function read(object: AnyObject, path: string, type: string): { readonly value?: unknown; readonly problem?: string } {
  const wrong = (value: unknown, expected: string): { problem: string } => ({
    problem: `${path} accessor error: ${goText(value)} is of the type ${goType(value)}, expected ${expected}`,
  });
  let at: unknown = object;
  for (const name of path.replace(/^\./, '').split('.')) {
    if (at === null) return {};
    if (!isObject(at)) return wrong(at, 'map[string]interface{}');
    if (!(name in at)) return {};
    at = at[name];
  }
  return goType(at) === type ? { value: at } : wrong(at, type);
}
