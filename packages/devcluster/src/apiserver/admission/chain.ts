import type { AnyObject } from '@drey/kube';
import type { Admission, AdmissionRequest } from '../model.ts';
import { cloneJson } from '../schema/json.ts';

/** One admission plugin. Both functions throw a StatusError to refuse. */
export interface AdmissionPlugin {
  /** Returns the object to go on with; undefined: unchanged. May change `object`, which is the plugin's own copy. */
  mutate?(request: AdmissionRequest, object: AnyObject): Promise<AdmissionOutcome> | AdmissionOutcome;
  validate?(request: AdmissionRequest): Promise<AdmissionOutcome> | AdmissionOutcome;
}

/** What a plugin has to say. `undefined`: nothing. */
export type AdmissionOutcome = { readonly object?: AnyObject; readonly warnings?: readonly string[] } | undefined;

/** Plugins in their order: each sees what the one before has made of the object. */
export function admissionChain(plugins: readonly AdmissionPlugin[]): Admission {
  return {
    async mutate(request) {
      const warnings: string[] = [];
      let { object } = request;
      for (const plugin of plugins) {
        if (object === undefined || plugin.mutate === undefined) continue;
        const outcome = await plugin.mutate({ ...request, object }, cloneJson(object));
        object = outcome?.object ?? object;
        warnings.push(...(outcome?.warnings ?? []));
      }
      return { object, warnings };
    },
    async validate(request) {
      const warnings: string[] = [];
      for (const plugin of plugins) warnings.push(...((await plugin.validate?.(request))?.warnings ?? []));
      return { warnings };
    },
  };
}

/** Whether a request is about pods themselves (not a subresource). */
export function isPod({ definition, subresource }: AdmissionRequest): boolean {
  return definition.group === '' && definition.plural === 'pods' && subresource === undefined;
}
