import type { AnyObject } from '@drey/kube';
import { applyCrdDefaults, crdBumpsGeneration, prepareCrd, validateCrd } from '../../crd/index.ts';
import { fieldsOf, listOf } from './fields.ts';
import type { KindRules } from './types.ts';

/** Keeps a definition until its instances are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export const customDefinitionRules: KindRules = {
  needsResourceVersion: true,
  plainFinalizers: true,
  defaults: applyCrdDefaults,
  generation: crdBumpsGeneration,
  prepareForCreate: (object) => prepareCrd(object, undefined),
  prepareForUpdate(object, old, subresource) {
    if (subresource === undefined) prepareCrd(object, old);
  },
  validateCreate: (object) => validateCrd(object, undefined),
  validateUpdate: (object, old, subresource) => (subresource === undefined ? validateCrd(object, old) : []),
  beginDelete(object, time) {
    const finalizers = object.metadata.finalizers ?? [];
    return {
      ...object,
      metadata: {
        ...object.metadata,
        deletionTimestamp: time,
        finalizers: finalizers.includes(CLEANUP_FINALIZER) ? finalizers : [...finalizers, CLEANUP_FINALIZER],
      },
      status: withCondition(object, {
        type: 'Terminating',
        status: 'True',
        lastTransitionTime: time,
        reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      }),
    };
  },
};

function withCondition(object: AnyObject, condition: Record<string, unknown>): Record<string, unknown> {
  const status = fieldsOf(object.status);
  const others = listOf(status.conditions).filter(({ type }) => type !== condition.type);
  return { ...status, conditions: [...others, condition] };
}
