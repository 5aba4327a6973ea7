/** Reading objects whose shape was checked when they were stored. Absent fields read as Go's zero values. */

type Path = readonly (string | number)[];

export function read(object: unknown, ...path: Path): unknown {
  let at: unknown = object;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** Numbers that stand where a text is shown (ports, int-or-string) are written out. */
export function text(object: unknown, ...path: Path): string {
  const value = read(object, ...path);
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

export function int(object: unknown, ...path: Path): number {
  const value = read(object, ...path);
  return typeof value === 'number' ? value : 0;
}

export function bool(object: unknown, ...path: Path): boolean {
  return read(object, ...path) === true;
}

export function list(object: unknown, ...path: Path): readonly unknown[] {
  const value = read(object, ...path);
  return Array.isArray(value) ? value : [];
}

export function map(object: unknown, ...path: Path): Readonly<Record<string, unknown>> {
  const value = read(object, ...path);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function orElse(value: string, fallback: string): string {
  return value === '' ? fallback : value;
}

/** Up to `max` entries, and how many more there are. */
export function shortList(entries: readonly string[], max: number, separator = ','): string {
  const shown = entries.slice(0, max).join(separator);
  return entries.length > max ? `${shown} + ${entries.length - max} more...` : shown;
}

/** `a=b,c=d`, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? '<none>' : pairs.map(([key, value]) => `${key}=${value}`).join(',');
}

/** A label selector as one line; `none` stands for an absent or empty one. */
export function formatSelector(selector: unknown, none = '<none>'): string {
  const equal = Object.entries(map(selector, 'matchLabels')).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const set = list(selector, 'matchExpressions').map((expression) => {
    const key = text(expression, 'key');
    return { key, text: formatExpression(key, text(expression, 'operator'), list(expression, 'values')) };
  });
  const all = [...equal, ...set].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return all.length === 0 ? none : all.map((part) => part.text).join(',');
}

function formatExpression(key: string, operator: string, values: readonly unknown[]): string {
  const shown = `(${values.map(String).sort().join(',')})`;
  switch (operator) {
    case 'In':
      return `${key} in ${shown}`;
    case 'NotIn':
      return `${key} notin ${shown}`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return '<error>';
  }
}

/** Names and images of containers, each as one cell. */
export function containerCells(containers: readonly unknown[]): [string, string] {
  return [
    containers.map((container) => text(container, 'name')).join(','),
    containers.map((container) => text(container, 'image')).join(','),
  ];
}
