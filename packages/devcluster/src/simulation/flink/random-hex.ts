import type { Random } from '@drey/kube';

/** `length` random hexadecimal digits. */
export function randomHex(random: Random, length: number): string {
  let out = '';
  while (out.length < length) out += Math.floor(random.next() * 16).toString(16);
  return out;
}
