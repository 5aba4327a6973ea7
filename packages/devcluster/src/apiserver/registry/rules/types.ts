import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';

/** What a built-in kind does differently from {@link commonRules}. All of it is optional. */
export interface KindRules {
  /** Fills defaults into a decoded object. Mutates. */
  readonly defaults?: (object: AnyObject) => void;
  /** Beyond dropping the status. Mutates. */
  readonly prepareForCreate?: (object: AnyObject) => void;
  /** Beyond keeping status (main resource) or everything else (`status`). Mutates `object`. */
  readonly prepareForUpdate?: (object: AnyObject, old: AnyObject, subresource: string | undefined) => void;
  /** Checks of create, and of update of the main resource. */
  readonly validate?: (object: AnyObject) => readonly FieldError[];
  /** Checks of create alone. */
  readonly validateCreate?: (object: AnyObject) => readonly FieldError[];
  readonly validateUpdate?: (
    object: AnyObject,
    old: AnyObject,
    subresource: string | undefined,
  ) => readonly FieldError[];
  /** Format of metadata.name. */
  readonly name?: (name: string) => readonly string[];
  /** Finalizers need no domain. */
  readonly plainFinalizers?: true;
  /** When metadata.generation rises: never, with spec, with spec or annotations; default: never. */
  readonly generation?: 'spec' | 'spec-or-annotations' | ((object: AnyObject, old: AnyObject) => boolean);
  readonly selectableFields?: (object: AnyObject) => Readonly<Record<string, string>>;
  /** Grace of a delete in seconds; absent: objects go at once. */
  readonly gracePeriodSeconds?: (object: AnyObject, requested: number | undefined) => number;
  /** The main resource may not set the status although there is no status endpoint, or may although there is. */
  readonly status?: 'kept' | 'free';
  /** PUT of what does not exist creates it. */
  readonly createsOnUpdate?: true;
  /** PUT has to carry a resourceVersion. */
  readonly needsResourceVersion?: true;
  /** DELETE answers with the object instead of a Status. */
  readonly answersDeletedObject?: true;
  /** DELETE without a propagation policy orphans dependents. */
  readonly orphansByDefault?: true;
  /** What a delete that names no propagation is warned with. */
  readonly orphanWarning?: string;
  /** What every request for the kind is warned with. */
  readonly deprecation?: string;
  /** Warnings for clients that write this. */
  readonly warnings?: (object: AnyObject, old: AnyObject | undefined) => readonly string[];
  /** What besides finalizers keeps a terminating object. */
  readonly holds?: (object: AnyObject) => boolean;
  /** How an object without grace looks while it is held; default: with a deletionTimestamp and a grace of 0. Mutates. */
  readonly terminate?: (object: AnyObject) => void;
  /** How the first delete of an object leaves it, where that is not what happens to all kinds. */
  readonly beginDelete?: (object: AnyObject, time: string) => AnyObject | undefined;
  /** The group that validation failures name, where it is not that of the resource. */
  readonly errorGroup?: string;
  /** Kinds that share storage: the key, and the translation. */
  readonly storage?: StorageForm;
}

export interface StorageForm {
  readonly key: string;
  encode(object: AnyObject): AnyObject;
  decode(object: AnyObject): AnyObject;
}
