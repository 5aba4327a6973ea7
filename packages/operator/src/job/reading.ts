/**
 * One observation, with the time it was made (epoch milliseconds). A reading that failed is `unknown`; only a known
 * reading may lead to anything being deleted, created or started.
 */
export type Reading<T> =
  | { readonly known: true; readonly value: T; readonly at: number }
  | { readonly known: false; readonly reason: string; readonly at: number };

/** A reading that succeeded. */
export function known<T>(value: T, at: number): Reading<T> {
  return { known: true, value, at };
}

/** A reading that failed, or was not made; `reason` is shown to users. */
export function unknown(reason: string, at: number): Reading<never> {
  return { known: false, reason, at };
}
