import type { Refusal } from '../runtime/validation.ts';

/** An object as an API server sends it for admission; nothing of it has been checked. */
export interface ReviewedObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** The part of an `AdmissionReview` request that decisions read. */
export interface ReviewRequest {
  readonly uid: string;
  readonly kind: string;
  readonly namespace: string;
  readonly operation: string;
  readonly subResource: string | undefined;
  readonly object: ReviewedObject | undefined;
  readonly oldObject: ReviewedObject | undefined;
}

/** What an API server is told about a request. */
export interface Verdict {
  readonly refusal?: Refusal | undefined;
  /** Shown to the user whether the object is taken or not. */
  readonly warnings?: readonly string[];
  /** RFC 6902. */
  readonly patch?: readonly { readonly op: 'add'; readonly path: string; readonly value: unknown }[];
}

/** A request that is no AdmissionReview. */
export class ReviewError extends Error {
  readonly code = 'E_ADMISSION_REVIEW';
  readonly nextStep = 'Let an API server send it, as admission.k8s.io/v1.';
}

/** What a warning may be long: API servers cut off beyond. */
const WARNING_LENGTH = 256;
const MOST_WARNINGS = 10;

/** Reads the body of a request. Throws {@link ReviewError}. */
export function readReview(text: string): ReviewRequest {
  const review = parsed(text);
  if (review.kind !== 'AdmissionReview' || review.apiVersion !== 'admission.k8s.io/v1')
    throw new ReviewError('The request is no AdmissionReview of admission.k8s.io/v1.');
  const request = recordOf(review.request);
  if (request === undefined || typeof request.uid !== 'string') throw new ReviewError('The review has no request.');
  const object = objectOf(request.object);
  const oldObject = objectOf(request.oldObject);
  return {
    uid: request.uid,
    kind: textOf(recordOf(request.kind)?.kind) ?? object?.kind ?? '',
    namespace: textOf(request.namespace) ?? object?.metadata.namespace ?? 'default',
    operation: textOf(request.operation) ?? '',
    subResource: textOf(request.subResource),
    object,
    oldObject,
  };
}

/** The answer to a request, as JSON. */
export function reviewAnswer(uid: string, { refusal, warnings = [], patch = [] }: Verdict): string {
  const told =
    refusal === undefined ? warnings : [`${refusal.nextStep} [${refusal.code} at ${refusal.path}]`, ...warnings];
  const shown = told.slice(0, MOST_WARNINGS).map((text) => asciiOf(text).slice(0, WARNING_LENGTH));
  const patched = patch.length > 0 && refusal === undefined;
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: refusal === undefined,
      ...(refusal === undefined ? {} : { status: statusOf(refusal) }),
      ...(shown.length === 0 ? {} : { warnings: shown }),
      ...(patched ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') } : {}),
    },
  });
}

/** Warnings travel as HTTP headers, whose letters not every client reads alike. */
function asciiOf(text: string): string {
  return text.replaceAll(/[‘’]/g, "'").replaceAll(/[“”]/g, '"');
}

/** The message is exactly the validation's, which scripts may match; the rest is in the details. */
function statusOf({ code, message, nextStep, path }: Refusal): object {
  const causes = [{ reason: code, field: path, message: nextStep }];
  return { status: 'Failure', code: 422, reason: 'Invalid', message, details: { causes } };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return recordOf(JSON.parse(text)) ?? {};
  } catch {
    throw new ReviewError('The request is not JSON.');
  }
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function objectOf(value: unknown): ReviewedObject | undefined {
  const record = recordOf(value);
  return record === undefined
    ? undefined
    : ({ ...record, metadata: recordOf(record.metadata) ?? {} } as ReviewedObject);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
