import type { AnyObject } from '@drey/kube';
import type { ResourceDefinition } from '../model.ts';
import type { StorageKey } from '../storage/index.ts';

/** A resource together with how it lies in storage and the small print of its verbs. */
export interface ServedResource extends ResourceDefinition {
  readonly apiVersion: string;
  readonly storageKey: StorageKey;
  /** To the stored version. Returns its argument when that is the same. */
  encode(object: AnyObject): AnyObject;
  /** From the stored version; the same object gives the same result, so that what is derived from it is shared. */
  decode(object: AnyObject): AnyObject;
  /** List items carry no kind and apiVersion. */
  readonly bareItems: boolean;
  /** The group that validation failures name. */
  readonly errorGroup: string;
  readonly createsOnUpdate: boolean;
  readonly needsResourceVersion: boolean;
  readonly answersDeletedObject: boolean;
  /** What every request is warned with. */
  readonly deprecation: string | undefined;
  /** A delete that names no propagation leaves dependents alone. */
  readonly orphansByDefault: boolean;
  readonly orphanWarning: string | undefined;
  /** Whether something besides finalizers keeps a terminating object. */
  holds(object: AnyObject): boolean;
  /** The object after its first delete, where the kind has a way of its own; else undefined. */
  beginDelete(object: AnyObject, time: string): AnyObject | undefined;
  /** Adjusts an object that begins to terminate. Mutates. */
  terminate(object: AnyObject): void;
  warnings(object: AnyObject, old: AnyObject | undefined): readonly string[];
}

/** `v1` or `group/version`. */
export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Remembers the result of `convert` for as long as the source lives. */
export function remembered(convert: (object: AnyObject) => AnyObject): (object: AnyObject) => AnyObject {
  const known = new WeakMap<AnyObject, AnyObject>();
  return (object) => {
    let result = known.get(object);
    if (result === undefined) {
      result = convert(object);
      known.set(object, result);
    }
    return result;
  };
}
