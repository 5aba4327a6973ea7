import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { forbiddenField } from '../../validation/field-errors.ts';
import { builtinFinalizerErrors, finalizerErrors } from '../../validation/object-meta.ts';
import { sameValue } from '../same-value.ts';
import { ensureFields, type Fields, fieldsOf, fillText, isFields, listOf, numberOf, textOf } from './fields.ts';
import { defaultPod } from './pod-defaults.ts';
import { podSpecErrors } from './pod-validation.ts';
import { podNameWarnings, podSpecWarnings } from './pod-warnings.ts';
import { qosClass } from './qos.ts';
import type { KindRules } from './types.ts';

export const podRules: KindRules = {
  generation: 'spec',
  answersDeletedObject: true,
  status: 'kept',
  defaults: (pod) => defaultPod(ensureFields(pod, 'spec')),
  prepareForCreate(pod) {
    const spec = fieldsOf(pod.spec);
    const gates = listOf(spec.schedulingGates);
    pod.status = {
      phase: 'Pending',
      ...(gates.length === 0 ? {} : { conditions: [gated(pod.metadata.creationTimestamp)] }),
      qosClass: qosClass(spec),
    };
  },
  prepareForUpdate(pod, old, subresource) {
    if (subresource !== 'status') return;
    pod.metadata.ownerReferences = old.metadata.ownerReferences ?? [];
    if (pod.metadata.ownerReferences.length === 0) delete pod.metadata.ownerReferences;
    const status = ensureFields(pod, 'status');
    fillText(status, 'qosClass', textOf(fieldsOf(old.status).qosClass));
  },
  validate: (pod) => podSpecErrors(fieldsOf(pod.spec), 'spec'),
  warnings: (pod, old) =>
    old === undefined
      ? [...podNameWarnings(pod, "the Pod's hostname"), ...podSpecWarnings(fieldsOf(pod.spec), 'spec')]
      : [],
  validateUpdate: (pod, old, subresource) =>
    subresource === undefined
      ? [...finalizerErrors(pod.metadata.finalizers ?? []), ...builtinFinalizerErrors(pod), ...updateErrors(pod, old)]
      : [],
  selectableFields(pod) {
    const spec = fieldsOf(pod.spec);
    const status = fieldsOf(pod.status);
    return {
      'spec.nodeName': textOf(spec.nodeName),
      'spec.restartPolicy': textOf(spec.restartPolicy),
      'spec.schedulerName': textOf(spec.schedulerName),
      'spec.serviceAccountName': textOf(spec.serviceAccountName),
      'spec.hostNetwork': String(spec.hostNetwork === true),
      'status.phase': textOf(status.phase),
      'status.podIP': textOf(status.podIP),
      'status.nominatedNodeName': textOf(status.nominatedNodeName),
    };
  },
  gracePeriodSeconds(pod, requested) {
    const spec = fieldsOf(pod.spec);
    const phase = textOf(fieldsOf(pod.status).phase);
    // Nobody runs it: there is nothing to wait for.
    if (textOf(spec.nodeName) === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
    const seconds = requested ?? numberOf(spec.terminationGracePeriodSeconds) ?? 0;
    return seconds < 0 ? 1 : seconds;
  },
};

function gated(time: string | undefined): Fields {
  return {
    type: 'PodScheduled',
    status: 'False',
    lastProbeTime: null,
    lastTransitionTime: time ?? null,
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
}

const MAY_CHANGE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function updateErrors(pod: AnyObject, old: AnyObject): FieldError[] {
  const next = fieldsOf(pod.spec);
  const last = fieldsOf(old.spec);
  const errors: FieldError[] = [];
  for (const field of ['containers', 'initContainers']) {
    if (listOf(next[field]).length !== listOf(last[field]).length) {
      return [forbiddenField(`spec.${field}`, 'pod updates may not add or remove containers')];
    }
  }
  const kept = listOf(last.tolerations).every((toleration) =>
    listOf(next.tolerations).some((candidate) => sameButSeconds(candidate, toleration)),
  );
  if (!kept)
    errors.push(
      forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'),
    );
  if (!sameValue(withFreeFields(next, last), last)) errors.push(forbiddenField('spec', MAY_CHANGE));
  return errors;
}

function sameButSeconds(a: Fields, b: Fields): boolean {
  return sameValue({ ...a, tolerationSeconds: undefined }, { ...b, tolerationSeconds: undefined });
}

/** `next` with what may change as it was. */
function withFreeFields(next: Fields, last: Fields): Fields {
  const images = (field: string): Fields[] =>
    listOf(next[field]).map((container, index) => ({ ...container, image: listOf(last[field])[index]?.image }));
  const gates = isFields(next) && listOf(next.schedulingGates).length <= listOf(last.schedulingGates).length;
  return {
    ...next,
    containers: images('containers'),
    initContainers: images('initContainers'),
    activeDeadlineSeconds: last.activeDeadlineSeconds,
    tolerations: last.tolerations,
    ...(gates ? { schedulingGates: last.schedulingGates } : {}),
    ...(numberOf(last.terminationGracePeriodSeconds) !== undefined &&
    Number(last.terminationGracePeriodSeconds) < 0 &&
    next.terminationGracePeriodSeconds === 1
      ? { terminationGracePeriodSeconds: last.terminationGracePeriodSeconds }
      : {}),
  };
}
