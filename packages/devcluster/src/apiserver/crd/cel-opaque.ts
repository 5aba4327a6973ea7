import { type CelInput, type CelMap, type CelValue, celMap, isCelMap } from '@bufbuild/cel';

/**
 * Values of Kubernetes' own CEL types (URLs, quantities, addresses, optionals, …). The library knows maps only, so they
 * travel as maps with one private key, which also makes equal values equal.
 */
export type Opaque =
  | { readonly kind: 'url'; readonly url: URL; readonly text: string }
  | { readonly kind: 'quantity'; readonly text: string }
  | { readonly kind: 'ip'; readonly text: string }
  | { readonly kind: 'cidr'; readonly text: string }
  | { readonly kind: 'format'; readonly name: string }
  | { readonly kind: 'semver'; readonly text: string }
  | { readonly kind: 'optional'; readonly value: CelValue | undefined };

const KEY = '\u0000';
const opaques = new WeakMap<CelMap, Opaque>();

export function wrap(opaque: Opaque): CelMap {
  const content =
    opaque.kind === 'optional' ? (opaque.value ?? null) : opaque.kind === 'format' ? opaque.name : opaque.text;
  const entries: [string, CelInput][] = [[KEY, opaque.kind]];
  if (opaque.kind !== 'optional' || opaque.value !== undefined) entries.push(['value', content as CelInput]);
  const map = celMap(new Map(entries));
  opaques.set(map, opaque);
  return map;
}

/** The value behind a map of the given kind. Throws, as for a method that a type does not have. */
export function unwrap<K extends Opaque['kind']>(value: unknown, kind: K): Extract<Opaque, { kind: K }> {
  const opaque = peek(value);
  if (opaque?.kind !== kind) throw new Error('no such overload');
  return opaque as Extract<Opaque, { kind: K }>;
}

export function peek(value: unknown): Opaque | undefined {
  return isCelMap(value) ? opaques.get(value) : undefined;
}
