import type { KindRules } from './types.ts';

/** By `group/Kind`. Kinds that are not here follow the common rules alone. */
export const kindRules: Readonly<Record<string, KindRules>> = {};
