/**
 * How many letters have to be put in, taken out, exchanged or swapped with their neighbour to make one text of another; `limit` + 1
 * when it is more than `limit`.
 */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      current.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    before = previous;
    previous = current;
  }
  return Math.min(previous[b.length] ?? limit + 1, limit + 1);
}

/**
 * The candidate that a text was most probably meant to be; undefined when none is near. Spellings that differ only in case, dashes,
 * dots and underscores are nearest of all.
 */
export function nearest(text: string, candidates: Iterable<string>, limit: number): string | undefined {
  const folded = fold(text);
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = fold(candidate) === folded ? 0 : editDistance(text, candidate, (best?.distance ?? limit + 1) - 1);
    if (distance < (best?.distance ?? limit + 1)) best = { candidate, distance };
  }
  return best?.candidate;
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll(/[-_.]/g, '');
}
