import type { FieldError, ResourceDefinition } from './model.ts';
import { StatusError } from './model.ts';
import type { StoreError } from './storage/index.ts';

/** The failures the server answers with, in the real server's words. */

interface StatusParts {
  readonly code: number;
  readonly reason?: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A failure Status. */
export function failure(parts: StatusParts, headers: Readonly<Record<string, string>> = {}): StatusError {
  const { code, reason, message, details, metadata } = parts;
  return new StatusError(
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: metadata ?? {},
      status: 'Failure',
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    },
    headers,
  );
}

/** `deployments.apps`, or `pods` in the core group. */
export function qualifiedResource(group: string, plural: string): string {
  return group === '' ? plural : `${plural}.${group}`;
}

type Named = Pick<ResourceDefinition, 'group' | 'plural'>;

function resourceDetails(definition: Named, name: string): Record<string, unknown> {
  return {
    ...(name === '' ? {} : { name }),
    ...(definition.group === '' ? {} : { group: definition.group }),
    kind: definition.plural,
  };
}

export function notFound(definition: Named, name: string): StatusError {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: `${qualifiedResource(definition.group, definition.plural)} "${name}" not found`,
    details: resourceDetails(definition, name),
  });
}

export function alreadyExists(definition: Named, name: string, terminating = false): StatusError {
  return failure({
    code: 409,
    reason: 'AlreadyExists',
    message: `${terminating ? 'object is being deleted: ' : ''}${qualifiedResource(definition.group, definition.plural)} "${name}" already exists`,
    details: resourceDetails(definition, name),
  });
}

export const MODIFIED_MEANWHILE =
  'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(definition: Named, name: string, why: string): StatusError {
  return failure({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualifiedResource(definition.group, definition.plural)} "${name}": ${why}`,
    details: resourceDetails(definition, name),
  });
}

export function forbidden(definition: Named, name: string, why: string, causes?: readonly unknown[]): StatusError {
  return failure({
    code: 403,
    reason: 'Forbidden',
    message: `${qualifiedResource(definition.group, definition.plural)} "${name}" is forbidden: ${why}`,
    details: { ...resourceDetails(definition, name), ...(causes === undefined ? {} : { causes }) },
  });
}

export function badRequest(message: string): StatusError {
  return failure({ code: 400, reason: 'BadRequest', message });
}

/** A fault the real server reports without a reason. */
export function plain500(message: string): StatusError {
  return failure({ code: 500, message });
}

export function methodNotAllowed(): StatusError {
  return failure({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

export function resourceUnknown(): StatusError {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

export function expired(message: string, metadata: Readonly<Record<string, unknown>> = {}): StatusError {
  return failure({ code: 410, reason: 'Expired', message, metadata });
}

export function internalError(message: string): StatusError {
  return failure({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}

/** The durable copy refused: 507 while its disk is full, with the code that people look up. Nothing was written. */
export function storeRefusal(error: StoreError): StatusError {
  const { code: reason, nextStep } = error;
  const message = `${error.message}. ${nextStep}`;
  const details = { causes: [{ reason, message }] };
  if (reason !== 'E_STORE_FULL')
    return failure({ code: 500, reason: 'InternalError', message: `${reason}: ${message}`, details });
  return failure({ code: 507, reason: 'InsufficientStorage', message: `${reason}: ${message}`, details });
}

/** 422 Invalid, with one cause for each field. */
export function invalid(group: string, kind: string, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  const shown = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return failure({
    code: 422,
    reason: 'Invalid',
    message: `${qualifiedResource(group, kind)} "${name}" is invalid: ${shown}`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(group === '' ? {} : { group }),
      ...(kind === '' ? {} : { kind }),
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}

/** A wrong query parameter: 422 on the options kind, for example `ListOptions`. */
export function invalidOptions(kind: string, errors: readonly FieldError[]): StatusError {
  return invalid('meta.k8s.io', kind, '', errors);
}
