import type { AnyObject } from '@drey/kube';
import type { Call } from './context.ts';

export const IN_REQUEST = '';
export const AFTER_ADMISSION = ' after mutating admission happens';

/** The object with each owner once, and a warning when there were more. */
export function withoutDuplicateOwners(call: Call, object: AnyObject, when: string): AnyObject {
  const owners = object.metadata.ownerReferences ?? [];
  const seen = new Set<string>();
  const repeated = new Set<string>();
  const unique = owners.filter(({ uid }) => {
    if (seen.has(uid)) {
      repeated.add(uid);
      return false;
    }
    seen.add(uid);
    return true;
  });
  if (repeated.size === 0) return object;
  call.warnings.push(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...repeated].join(', ')}`,
  );
  return { ...object, metadata: { ...object.metadata, ownerReferences: unique } };
}
