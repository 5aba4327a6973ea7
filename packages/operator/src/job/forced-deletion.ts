import { type Cached, type KubeObject, type Resource, removeFinalizer } from '@drey/kube';
import type { Env, Regarding } from '../runtime/ports.ts';
import type { PlannedEvent } from './planned.ts';
import { MANAGER } from './primary-writes.ts';

/**
 * Annotation by which a person ends a deletion that cannot end by itself: with the value `true` the finalizer of an object
 * that is being deleted goes at once. Flink is not told, nothing is stopped in order, and no savepoint is taken; what the
 * object owns is removed by the garbage collector, everything else is left.
 */
export const FORCE_DELETION_ANNOTATION = 'flink.apache.org/force-deletion';

/** Whether an object is being deleted and a person wants it to go at once. */
export function isForcedDeletion({ metadata }: { readonly metadata: Partial<KubeObject['metadata']> }): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.annotations?.[FORCE_DELETION_ANNOTATION] === 'true';
}

/** What is said about it. */
const FORCED_DELETION_EVENT: PlannedEvent = {
  type: 'Warning',
  reason: 'ForcedDeletion',
  message:
    `The finalizer is removed because of the annotation ${FORCE_DELETION_ANNOTATION}; Flink was not told, and what the ` +
    'object does not own is left.',
  component: 'Operator',
};

/** A kind as far as its finalizer goes. */
export interface FinalizedKind<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly finalizer: string;
}

/**
 * Ends a deletion that a person forces; false when there is none. Comes before everything else in a pass, so that it also
 * works for objects whose data or cluster cannot be read.
 */
export async function endForcedDeletion<T extends KubeObject>(
  env: Pick<Env, 'kube' | 'events' | 'log'>,
  { resource, finalizer }: FinalizedKind<T>,
  object: T,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isForcedDeletion(object) || !(object.metadata.finalizers ?? []).includes(finalizer)) return false;
  const { namespace: ns, name, uid } = object.metadata;
  env.log.warn({ kind: object.kind, ns, name, uid }, 'deletion forced');
  await removeFinalizer(env.kube, resource, object as Cached<T>, finalizer, { fieldManager: MANAGER, signal });
  env.events(object as T & Regarding, FORCED_DELETION_EVENT);
  return true;
}
