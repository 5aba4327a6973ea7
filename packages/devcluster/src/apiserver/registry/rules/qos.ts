import { compareQuantities, parseQuantity } from '../../schema/quantity.ts';
import { type Fields, fieldsOf, listOf } from './fields.ts';

/** The quality-of-service class that follows from a pod's requests and limits of cpu and memory. */
export function qosClass(spec: Fields): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...listOf(spec.containers), ...listOf(spec.initContainers)];
  let any = false;
  let guaranteed = true;
  for (const container of containers) {
    const { requests, limits } = fieldsOf(container.resources);
    for (const name of ['cpu', 'memory']) {
      const request = fieldsOf(requests)[name];
      const limit = fieldsOf(limits)[name];
      if (isSet(request) || isSet(limit)) any = true;
      if (!isSet(limit) || (isSet(request) && !equal(request, limit))) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function isSet(value: unknown): boolean {
  const quantity = value === undefined ? undefined : parseQuantity(String(value));
  return quantity !== undefined && quantity.digits !== 0n;
}

function equal(a: unknown, b: unknown): boolean {
  const left = parseQuantity(String(a));
  const right = parseQuantity(String(b));
  return left !== undefined && right !== undefined && compareQuantities(left, right) === 0;
}
