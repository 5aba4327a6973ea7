import type { AnyObject } from '@drey/kube';
import type { FieldError, TableColumn } from '../model.ts';
import type { TypeSchema } from '../schema/types.ts';

/** One version of a CustomResourceDefinition, ready for use. */
export interface CompiledVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: TypeSchema;
  readonly columns: readonly TableColumn[];
  readonly statusSubresource: boolean;
  readonly scale:
    | { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string }
    | undefined;
  /** JSON paths, such as `.spec.color`. */
  readonly selectableFields: readonly string[];
  /** What a request through a deprecated version is warned with. */
  readonly deprecationWarning?: string;
  /**
   * Why an object cannot be read as this kind (metadata of a wrong form): the text of a 400 behind
   * `Kind in version "v1" cannot be handled as a Kind: `. To be asked before {@link prune}.
   */
  decodeProblem(object: AnyObject): string | undefined;
  /**
   * Drops unknown fields, and nulls that are not allowed. Mutates; returns the paths of the unknown ones, sorted. Part of
   * reading what a client sent; the result of an apply is not read again, so that nulls in it are refused by validation.
   */
  prune(object: AnyObject): readonly string[];
  /** Fills schema defaults. Mutates. */
  applyDefaults(object: AnyObject): void;
  /** Schema and CEL validation, with ratcheting against `old`. */
  validate(object: AnyObject, old: AnyObject | undefined): readonly FieldError[];
}
