/**
 * Field types with the semantics that server-side apply, strategic merge, pruning, defaulting and validation need.
 * Built-in kinds come from a generated table, custom resources from their structural schema.
 */
export type TypeSchema =
  | { readonly t: 'scalar'; readonly scalar: ScalarType }
  | {
      readonly t: 'struct';
      /** The name of the OpenAPI definition, where there is one. */
      readonly name?: string;
      /** Resolved lazily, since types may be recursive. */
      readonly fields: Readonly<Record<string, FieldSchema>>;
      readonly atomic?: boolean;
      readonly preserveUnknown?: boolean;
    }
  | { readonly t: 'map'; readonly value: () => TypeSchema; readonly atomic?: boolean }
  | {
      readonly t: 'list';
      readonly item: () => TypeSchema;
      readonly listType: 'atomic' | 'set' | 'map';
      readonly keys: readonly string[];
    }
  /** Anything: raw extensions, preserved unknown fields. */
  | { readonly t: 'any' };

export type ScalarType = 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'quantity' | 'time' | 'bytes';

export interface FieldSchema {
  readonly schema: () => TypeSchema;
  readonly default?: unknown;
  /** Strategic merge: `merge`, `replace`, `retainKeys`, or `merge,retainKeys`. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
}
