import Type, { type Static, type TOptional, type TProperties, type TSchema, type TUnsafe } from 'typebox';

/** A member that may be left out, and that recorded specs may hold as null. */
export type OptionalField<S extends TSchema> = TOptional<TUnsafe<Static<S> | null>>;

/**
 * Makes a member optional. The static type also allows null, because the specs recorded in a status
 * (`lastReconciledSpec`) write absent members as null; the schema itself does not, as an API server refuses null there.
 */
export function optional<S extends TSchema>(schema: S): OptionalField<S> {
  return Type.Optional(Type.Unsafe<Static<S> | null>(schema));
}

/** A text. */
export function text(description: string): ReturnType<typeof Type.String> {
  return Type.String({ description });
}

/** A 32-bit or plain integer, as Kubernetes stores it. */
export function integer(description: string): ReturnType<typeof Type.Integer> {
  return Type.Integer({ description });
}

/** A yes or no. */
export function flag(description: string): ReturnType<typeof Type.Boolean> {
  return Type.Boolean({ description });
}

/** One of a fixed list of texts. */
export function oneOf<const V extends readonly string[]>(values: V, description: string): TUnsafe<V[number]> {
  return Type.Unsafe<V[number]>({ type: 'string', enum: [...values], description });
}

/**
 * A default that the API server fills in. Only for values that the Apache operator takes an absent member for, too: it must not
 * see a difference.
 */
export function withDefault<S extends TSchema>(schema: S, value: Static<S>): S {
  return { ...schema, default: value };
}

/** A map from text to text. */
export function textMap(description: string, most?: number): TUnsafe<Record<string, string>> {
  return Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string' },
    description,
    ...(most === undefined ? {} : { maxProperties: most }),
  });
}

/** An object with known members; members not named here are pruned by the API server. */
export function object<P extends TProperties>(description: string, properties: P): ReturnType<typeof Type.Object<P>> {
  return Type.Object(properties, { description });
}

/** A list. */
export function list<S extends TSchema>(items: S, description: string): ReturnType<typeof Type.Array<S>> {
  return Type.Array(items, { description });
}
