import type { AnyObject } from '@drey/kube';
import type { TableColumn } from '../model.ts';
import { goJson } from '../schema/index.ts';
import { humanDuration } from '../table/age.ts';
import { compileJsonPath } from './json-path.ts';

/** An entry of `additionalPrinterColumns`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** The column that a definition without columns has. */
export const AGE_COLUMN: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
  jsonPath: '.metadata.creationTimestamp',
};

/** The columns behind `Name`, which every table has. */
export function printerColumns(columns: readonly PrinterColumn[] | undefined): readonly TableColumn[] {
  return (columns === undefined || columns.length === 0 ? [AGE_COLUMN] : columns).map(column);
}

function column(source: PrinterColumn): TableColumn {
  const path = compileJsonPath(source.jsonPath);
  return {
    name: source.name,
    type: source.type,
    format: source.format ?? '',
    description: source.description || `Custom resource definition column (in JSONPath format): ${source.jsonPath}`,
    priority: source.priority ?? 0,
    cell: (object: AnyObject, now: number) => cell(path?.(object)[0], source.type, now),
  };
}

function cell(value: unknown, type: string, now: number): unknown {
  if (value === undefined) return null;
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : value === null ? 'null' : text(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? age(value, now) : null;
    default:
      return null;
  }
}

function text(value: unknown): string {
  return typeof value === 'object' ? goJson(value) : String(value);
}

function age(value: string, now: number): string {
  const at = /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? '<invalid>' : humanDuration(now - at);
}
