import type { FieldError } from '../model.ts';
import { shown } from '../validation/field-errors.ts';

/** Field errors that only schemas give; the others are those of all kinds. */

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { field, reason: 'FieldValueTypeInvalid', message: `Invalid value: ${shown(value)}: ${detail}` };
}

export function tooMany(field: string, actual: number, max: number): FieldError {
  const items = max === 1 ? 'item' : 'items';
  return { field, reason: 'FieldValueTooMany', message: `Too many: ${actual}: must have at most ${max} ${items}` };
}
