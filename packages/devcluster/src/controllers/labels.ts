import type { LabelSelector, LabelSelectorRequirement } from '@drey/kube';

type Labels = Readonly<Record<string, string>>;

/** Whether labels satisfy a selector. An empty selector matches everything, an absent one nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  const have = labels ?? {};
  if (!Object.entries(selector.matchLabels ?? {}).every(([key, value]) => have[key] === value)) return false;
  return (selector.matchExpressions ?? []).every((requirement) => satisfies(requirement, have));
}

function satisfies({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
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
  }
}
