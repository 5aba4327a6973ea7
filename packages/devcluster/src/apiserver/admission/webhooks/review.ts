import type { User } from '../../contract.ts';
import type { AdmissionRequest } from '../../model.ts';
import { applyJsonPatch, type JsonPatchOperation } from '../../patch/index.ts';

/** The `request` of an AdmissionReview. */
export function reviewRequest(request: AdmissionRequest, uid: string): Record<string, unknown> {
  const { definition, subresource, namespace, name, operation, object, oldObject, user } = request;
  const [version = '', group = ''] = ((object ?? oldObject)?.apiVersion ?? definition.version).split('/').reverse();
  const kind = { group, version, kind: (object ?? oldObject)?.kind ?? definition.kind };
  const resource = { group: definition.group, version: definition.version, resource: definition.plural };
  return {
    uid,
    kind,
    resource,
    ...(subresource === undefined ? {} : { subResource: subresource }),
    requestKind: kind,
    requestResource: resource,
    ...(subresource === undefined ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: userInfo(user),
    object: operation === 'DELETE' ? null : (object ?? null),
    oldObject: oldObject ?? null,
    dryRun: request.dryRun,
    options: request.options,
  };
}

function userInfo(user: User): Record<string, unknown> {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}

/** What a webhook has answered. */
export interface Verdict {
  readonly allowed: boolean;
  readonly status: Readonly<Record<string, unknown>> | undefined;
  readonly warnings: readonly string[];
  /** Undefined: the object stays as it is. */
  readonly patch: readonly JsonPatchOperation[] | undefined;
}

interface ReviewBody {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly response?: {
    readonly uid?: unknown;
    readonly allowed?: unknown;
    readonly status?: Readonly<Record<string, unknown>>;
    readonly warnings?: readonly string[];
    readonly patch?: string;
    readonly patchType?: string;
  };
}

/** Reads an AdmissionReview answer. Throws with the reason when it is not one, or not the one to `uid`. */
export function readVerdict(body: Uint8Array, uid: string, mayPatch: boolean): Verdict {
  const review = JSON.parse(Buffer.from(body).toString('utf8')) as ReviewBody;
  const { response } = review;
  if (response === undefined) throw new Error('webhook response was absent');
  if (response.uid !== uid) throw new Error(`expected response.uid="${uid}", got "${String(response.uid ?? '')}"`);
  if (review.kind !== 'AdmissionReview' || review.apiVersion !== 'admission.k8s.io/v1') {
    const got = `${String(review.apiVersion ?? '')}, Kind=${String(review.kind ?? '')}`;
    throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`);
  }
  const hasPatch = response.patch !== undefined && response.patch !== '';
  if (hasPatch && !mayPatch) throw new Error('validating webhook may not return response.patch');
  if (hasPatch && response.patchType === undefined)
    throw new Error('webhook returned response.patch but not response.patchType');
  if (hasPatch && response.patchType !== 'JSONPatch')
    throw new Error(`webhook returned invalid response.patchType of "${response.patchType}"`);
  return {
    allowed: response.allowed === true,
    status: response.status,
    warnings: response.warnings ?? [],
    patch: hasPatch
      ? (JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString('utf8')) as JsonPatchOperation[])
      : undefined,
  };
}

/** The object as the patch leaves it. */
export function patched<T>(object: T, patch: readonly JsonPatchOperation[]): T {
  return applyJsonPatch(object, patch) as T;
}
