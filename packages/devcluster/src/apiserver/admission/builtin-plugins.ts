import type { AnyObject } from '@drey/kube';
import type { ObjectReader } from '../model.ts';
import { forbidden } from '../status.ts';
import { int, list, text } from '../table/fields.ts';
import { type AdmissionPlugin, isPod } from './chain.ts';

const PROTECTED_NAMESPACES = ['default', 'kube-system', 'kube-public'];

/** The namespaces a cluster cannot be without stay. */
export const namespaceProtection: AdmissionPlugin = {
  validate({ operation, definition, subresource, name }) {
    const isNamespace = definition.group === '' && definition.plural === 'namespaces' && subresource === undefined;
    if (operation === 'DELETE' && isNamespace && PROTECTED_NAMESPACES.includes(name))
      throw forbidden(definition, name, 'this namespace may not be deleted');
    return undefined;
  },
};

const DEFAULT_TOLERATION_SECONDS = 300;

/** Pods stay for five minutes on a node that is not ready or not reachable. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  mutate(request, object) {
    if (!isPod(request) || (request.operation !== 'CREATE' && request.operation !== 'UPDATE')) return undefined;
    const spec = object.spec as Record<string, unknown>;
    const tolerations = list(spec, 'tolerations');
    const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
      (key) => !tolerations.some((toleration) => tolerates(toleration, key)),
    );
    if (missing.length === 0) return undefined;
    const added = missing.map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: DEFAULT_TOLERATION_SECONDS,
    }));
    spec.tolerations = [...tolerations, ...added];
    return { object };
  },
};

function tolerates(toleration: unknown, key: string): boolean {
  const [own, effect] = [text(toleration, 'key'), text(toleration, 'effect')];
  return (own === key || own === '') && (effect === 'NoExecute' || effect === '');
}

const SCHEDULING = 'scheduling.k8s.io';

/** Puts the number of the pod's priority class into the pod. */
export function priority(objects: ObjectReader): AdmissionPlugin {
  return {
    mutate(request, object) {
      if (!isPod(request) || request.operation !== 'CREATE') return undefined;
      const spec = object.spec as Record<string, unknown>;
      const name = text(spec, 'priorityClassName');
      const found = name === '' ? globalDefault(objects) : objects.get(SCHEDULING, 'priorityclasses', undefined, name);
      if (name !== '' && found === undefined)
        throw forbidden(request.definition, request.name, `no PriorityClass with name ${name} was found`);
      const value = int(found, 'value');
      if (spec.priority !== undefined && spec.priority !== value) {
        const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
        throw forbidden(request.definition, request.name, why);
      }
      spec.priority = value;
      if (found !== undefined) spec.priorityClassName = found.metadata.name;
      spec.preemptionPolicy ??= text(found, 'preemptionPolicy') || 'PreemptLowerPriority';
      return { object };
    },
  };
}

/** Of several global defaults the lowest counts. */
function globalDefault(objects: ObjectReader): AnyObject | undefined {
  return objects
    .list(SCHEDULING, 'priorityclasses', undefined)
    .filter((candidate) => candidate.globalDefault === true)
    .reduce<AnyObject | undefined>(
      (low, next) => (low && int(low, 'value') <= int(next, 'value') ? low : next),
      undefined,
    );
}
