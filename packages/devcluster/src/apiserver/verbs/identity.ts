import type { Random } from '@drey/kube';

/** Letters of generated names: no vowels, so that no words come out. */
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const NAME_SUFFIX_LENGTH = 5;
const MAX_NAME_LENGTH = 63;

/** `prefix` with five random letters; a long prefix is cut so that the name fits a label. */
export function generateName(prefix: string, random: Random): string {
  let suffix = '';
  for (let i = 0; i < NAME_SUFFIX_LENGTH; i += 1)
    suffix += NAME_LETTERS[Math.floor(random.next() * NAME_LETTERS.length)];
  return prefix.slice(0, MAX_NAME_LENGTH - NAME_SUFFIX_LENGTH) + suffix;
}

/** A random (version 4) UUID. */
export function generateUid(random: Random): string {
  const hex = (digits: number): string =>
    Math.floor(random.next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const variant = (8 + Math.floor(random.next() * 4)).toString(16);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(6)}${hex(6)}`;
}
