import type { AnyObject } from '@drey/kube';
import type { AdmissionRequest } from '../model.ts';
import type { Call } from './context.ts';

interface Subject {
  readonly operation: AdmissionRequest['operation'];
  readonly name: string;
  readonly object: AnyObject | undefined;
  readonly oldObject: AnyObject | undefined;
  readonly dryRun: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}

function admissionRequest(call: Call, subject: Subject): AdmissionRequest {
  const { resource, info, request, subresource } = call;
  return {
    ...subject,
    definition: resource,
    subresource: subresource?.name,
    namespace: resource.namespaced ? info.namespace : undefined,
    user: request.user,
  };
}

/** Mutating admission; returns the object to go on with. Throws what a plugin refuses with. */
export async function admitMutating(call: Call, subject: Subject): Promise<AnyObject | undefined> {
  const { admission } = call.core;
  if (admission === undefined) return subject.object;
  const { object, warnings } = await admission.mutate(admissionRequest(call, subject));
  call.warnings.push(...warnings);
  return object;
}

/** Validating admission. Throws what a plugin refuses with. */
export async function admitValidating(call: Call, subject: Subject): Promise<void> {
  const { admission } = call.core;
  if (admission === undefined) return;
  const { warnings } = await admission.validate(admissionRequest(call, subject));
  call.warnings.push(...warnings);
}
