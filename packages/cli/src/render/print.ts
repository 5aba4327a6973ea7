import { stringify } from 'yaml';

/** How objects are printed. */
export type PrintFormat = 'yaml' | 'json';

/** Objects as text, ending in a line break. */
export function printed(value: unknown, format: PrintFormat): string {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  return stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Objects as one List, as kubectl reads and writes it. */
export function listOf(items: readonly unknown[]): unknown {
  return { apiVersion: 'v1', kind: 'List', metadata: {}, items };
}
