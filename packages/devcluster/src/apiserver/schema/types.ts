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
      /** Resolved lazily, since types may be recursive. Built-in structs list their fields in Go's order. */
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
  /**
   * Anything: raw extensions (atomic: one owner for the whole value), preserved unknown fields (maps are granular, lists
   * atomic). `object` is how the server decodes it when it is an object, where that is known (`items` of a JSON schema).
   */
  | { readonly t: 'any'; readonly atomic?: boolean; readonly object?: () => TypeSchema };

export type ScalarType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'int-or-string'
  | 'quantity'
  | 'time'
  | 'microtime'
  /** Any scalar, as far as types go: strings with a format in custom resources. */
  | 'untyped'
  | 'bytes';

export interface FieldSchema {
  readonly schema: () => TypeSchema;
  readonly default?: unknown;
  /** Strategic merge: `merge`, `replace`, `retainKeys`, or `merge,retainKeys`. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** How the server's Go type holds the field; built-in kinds only. */
  readonly go?: GoFieldFacts;
}

export interface GoFieldFacts {
  readonly shape: 'pointer' | 'slice' | 'map' | 'bytes' | 'value';
  /** Left out of JSON when empty; structs held by value are never empty unless `omitZero`. */
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  /** As the decoder prints it: `int32`, `v1.RestartPolicy`, `[]v1.Container`. */
  readonly type: string;
}
