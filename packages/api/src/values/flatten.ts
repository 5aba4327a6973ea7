import { isJsonObject, isNumber, javaNumberText } from './json.ts';

/**
 * A `flinkConfiguration` as flat keys and texts. Nested maps are joined with dots, arrays with `;`, numbers are written as
 * Java writes them, null becomes the text `null`. Empty maps and arrays vanish. Where a key is given twice, nested and
 * flat, the later one wins.
 */
export function flattenConfiguration(configuration: unknown): Record<string, string> {
  const out = new Map<string, string>();
  if (isJsonObject(configuration)) flatten(configuration, '', out);
  return Object.fromEntries(out);
}

function flatten(map: Readonly<Record<string, unknown>>, prefix: string, out: Map<string, string>): void {
  for (const [key, value] of Object.entries(map)) {
    if (value === undefined) continue;
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isJsonObject(value)) flatten(value, path, out);
    else if (!Array.isArray(value)) out.set(path, scalarText(value));
    else if (value.length > 0) out.set(path, value.map(scalarText).join(';'));
  }
}

/** A scalar as text; whatever is not one has none. */
function scalarText(value: unknown): string {
  if (isNumber(value)) return javaNumberText(value);
  if (value === null) return 'null';
  return typeof value === 'object' ? '' : String(value);
}
