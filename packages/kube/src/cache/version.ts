const NUMBER = /^[1-9]\d*$/;

/**
 * Orders two resource versions: negative when `a` is older, 0 when equal, positive when newer; undefined when they cannot be
 * compared. Source: KEP-5504, which allows clients to compare versions that are decimal integers.
 */
export function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return 0;
  if (!NUMBER.test(a) || !NUMBER.test(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}

/** The newer of two versions; `b` when they cannot be compared. */
export function newerVersion(a: string | undefined, b: string | undefined): string | undefined {
  if (b === undefined || b === '') return a;
  const order = compareVersions(a, b);
  return order !== undefined && order > 0 ? a : b;
}
