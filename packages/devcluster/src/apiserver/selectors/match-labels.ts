import type { Labels } from './label-selector.ts';

/** One line of `matchExpressions`; `Gt` and `Lt` stand in node affinities only. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

/** A label selector as objects hold it. */
export interface ObjectSelector {
  readonly matchLabels?: Labels | undefined;
  readonly matchExpressions?: readonly LabelRequirement[] | undefined;
}

/** Whether labels satisfy a selector. An empty selector selects everything, an absent one nothing. */
export function selects(selector: ObjectSelector | undefined, labels: Labels = {}): boolean {
  if (selector === undefined) return false;
  const isEqual = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return isEqual && (selector.matchExpressions ?? []).every((requirement) => satisfies(requirement, labels));
}

/** Whether labels satisfy one requirement; an operator that nobody knows is never satisfied. */
export function satisfies({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
