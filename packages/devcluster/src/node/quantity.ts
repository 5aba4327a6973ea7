import { parseQuantity as parseExact } from '../apiserver/schema/quantity.ts';

/**
 * A Kubernetes quantity (`500m`, `1.5Gi`) as a plain number of the base unit (cores, bytes), for accounting. Undefined
 * when the text is not a quantity.
 */
export function parseQuantity(quantity: string | number | undefined): number | undefined {
  const exact = quantity === undefined ? undefined : parseExact(String(quantity));
  if (exact === undefined) return undefined;
  const { digits, exponent } = exact;
  return exponent < 0 ? Number(digits) / 10 ** -exponent : Number(digits) * 10 ** exponent;
}
