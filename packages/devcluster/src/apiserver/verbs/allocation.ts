import type { AnyObject } from '@drey/kube';
import type { ServedResource } from '../registry/served.ts';

/** Addresses and ports that the server gives out. */
export interface Allocators {
  /**
   * Gives `object` what its kind needs (cluster IPs, node ports) and checks what it asks for. Mutates. The returned
   * function is called when the write is over; what was not stored by then is free again. Throws StatusError.
   */
  allocate(resource: ServedResource, object: AnyObject, old: AnyObject | undefined, dryRun: boolean): () => void;
}
