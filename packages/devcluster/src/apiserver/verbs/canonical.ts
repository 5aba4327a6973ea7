import type { AnyObject } from '@drey/kube';
import type { ServedResource } from '../registry/served.ts';
import { normalize } from '../schema/index.ts';
import { withMetadata } from './decode-body.ts';

/**
 * An object as its kind judges it: in the form that its type has after decoding and encoding, whatever rules and plugins
 * left in it. Custom resources are judged as they are.
 */
export function canonical(resource: ServedResource, object: AnyObject): AnyObject {
  if (resource.crd !== undefined) return object;
  const result = normalize(object, resource.schema);
  if (!result.ok)
    throw new Error(`${resource.kind} ${object.metadata.name ?? ''} does not fit its type: ${result.message}`);
  return withMetadata({ ...result.value, kind: resource.kind, apiVersion: resource.apiVersion });
}

/**
 * An object that was accepted, as it is read from storage. What validation let pass in a custom resource that a plugin or
 * an apply made, unknown fields and nulls, is gone then. May mutate its argument.
 */
export function readBack(resource: ServedResource, object: AnyObject): AnyObject {
  resource.crd?.prune(object);
  return object;
}
