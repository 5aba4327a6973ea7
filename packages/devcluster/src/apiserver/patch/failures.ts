import { StatusError } from '../model.ts';

/** 422 in the server's general words, for patches that do not apply. */
export function unprocessable(): StatusError {
  const message = 'the server rejected our request due to an error in our request';
  return failure(422, message, { reason: 'Invalid', details: {} });
}

export function badRequest(message: string): StatusError {
  return failure(400, message, { reason: 'BadRequest' });
}

export function tooLarge(message: string): StatusError {
  return failure(413, message, { reason: 'RequestEntityTooLarge' });
}

/** Failures that the server does not classify: 500, and no reason. */
export function unclassified(message: string): StatusError {
  return failure(500, message, {});
}

function failure(code: number, message: string, more: Readonly<Record<string, unknown>>): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...more, code });
}
