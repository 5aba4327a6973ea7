const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const LONGEST_PREFIX = 253;

/**
 * Annotations that the API server accepts, made from texts of other programs: what has no valid name is left out, line ends
 * and tabs become spaces, other control characters go.
 */
export function sanitizedAnnotations(annotations: Readonly<Record<string, string | null>>): Record<string, string> {
  const kept = Object.entries(annotations).filter(
    (entry): entry is [string, string] => entry[1] !== null && isAnnotationName(entry[0]),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, cleanValue(value)]));
}

function isAnnotationName(name: string): boolean {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return false;
  if (second === undefined) return NAME.test(first);
  return first.length <= LONGEST_PREFIX && PREFIX.test(first) && NAME.test(second);
}

function cleanValue(value: string): string {
  return value
    .replace(/[\t\r\n]+/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
}
