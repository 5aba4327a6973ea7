import type { AnyObject } from '@drey/kube';
import type { ObjectReader } from '../model.ts';
import { int, list, map, text } from '../table/fields.ts';

/** A ready pod that a service selects, if there is one. */
export function readyPod(objects: ObjectReader, service: AnyObject): AnyObject | undefined {
  const selector = Object.entries(map(service, 'spec', 'selector'));
  if (selector.length === 0) return undefined;
  return objects.list('', 'pods', service.metadata.namespace).find((pod) => {
    const labels = pod.metadata.labels ?? {};
    const ready = list(pod, 'status', 'conditions').some(
      (condition) => text(condition, 'type') === 'Ready' && text(condition, 'status') === 'True',
    );
    return ready && selector.every(([key, value]) => labels[key] === value);
  });
}

/** The pod's own port behind a port of a service. */
export function containerPort(pod: AnyObject, port: unknown): number {
  const target = text(port, 'targetPort');
  if (/^\d+$/.test(target)) return Number(target);
  const named = list(pod, 'spec', 'containers')
    .flatMap((container) => list(container, 'ports'))
    .find((candidate) => text(candidate, 'name') === target);
  return named === undefined ? int(port, 'port') : int(named, 'containerPort');
}
