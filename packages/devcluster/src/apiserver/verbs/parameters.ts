import type { FieldError } from '../model.ts';
import { badRequest, invalidOptions, plain500 } from '../status.ts';
import { forbiddenField, required, shown } from '../validation/field-errors.ts';

/** A decimal integer; undefined when absent. Throws 400. */
export function integerParameter(value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

/** A `resourceVersion` of a read; undefined when absent. What is not a number is 400 for a list, otherwise 500. */
export function parseResourceVersion(value: string | null, use: 'object' | 'list' | 'watch'): number | undefined {
  if (value === null || value === '') return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const message = `resourceVersion: Invalid value: ${shown(value)}: strconv.ParseUint: parsing ${shown(value)}: invalid syntax`;
  throw use === 'list' ? badRequest(`invalid resource version: ${message}`) : plain500(message);
}

export interface WriteOptions {
  readonly dryRun: boolean;
  /** Undefined: derived from the user agent. */
  readonly fieldManager: string | undefined;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  readonly force: boolean | undefined;
}

/** The query parameters of a write. `kind` names the options object in errors, for example `CreateOptions`. */
export function writeOptions(query: URLSearchParams, kind: string, patch?: 'apply' | 'patch'): WriteOptions {
  const dryRun = query.getAll('dryRun');
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  const force = query.get('force');
  const errors = [
    ...(patch === 'apply' && fieldManager === '' ? [required('fieldManager', 'is required for apply patch')] : []),
    ...(patch === 'patch' && force !== null
      ? [forbiddenField('force', 'may not be specified for non-apply patch')]
      : []),
    ...managerErrors(fieldManager),
    ...dryRunErrors(dryRun),
    ...fieldValidationErrors(fieldValidation),
  ];
  if (errors.length > 0) throw invalidOptions(kind, errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: fieldManager === '' ? undefined : fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as WriteOptions['fieldValidation']),
    force: force === null ? undefined : force === '' || force === 'true' || force === '1',
  };
}

export function dryRunErrors(values: readonly string[]): readonly FieldError[] {
  if (values.every((value) => value === 'All')) return [];
  return [
    {
      field: 'dryRun',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`,
    },
  ];
}

const FIELD_MANAGER_MAX_LENGTH = 128;

function managerErrors(manager: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (manager.length > FIELD_MANAGER_MAX_LENGTH) {
    errors.push({
      field: 'fieldManager',
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${FIELD_MANAGER_MAX_LENGTH} bytes`,
    });
  }
  const bad = [...manager].findIndex((char) => !/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char));
  if (bad >= 0) {
    errors.push({
      field: 'fieldManager',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${shown(manager)}: invalid character U+${codePoint([...manager][bad] ?? '')} (at position ${bad})`,
    });
  }
  return errors;
}

function codePoint(char: string): string {
  return (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

function fieldValidationErrors(value: string): readonly FieldError[] {
  if (value === '' || value === 'Ignore' || value === 'Strict' || value === 'Warn') return [];
  return [
    {
      field: 'fieldValidation',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: "", "Ignore", "Strict", "Warn"`,
    },
  ];
}

/** The manager of a request that names none: the first word of its user agent. */
export function managerOf(options: Pick<WriteOptions, 'fieldManager'>, userAgent: string | undefined): string {
  if (options.fieldManager !== undefined) return options.fieldManager;
  const word = (userAgent ?? '').split('/', 1)[0] ?? '';
  return [...word]
    .filter((char) => /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char))
    .join('')
    .slice(0, FIELD_MANAGER_MAX_LENGTH);
}
