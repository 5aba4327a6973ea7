import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import type { World } from '../deployment/world.ts';

/** What tests of decisions about any kind say again and again. */

/** The kinds of a plan's steps, in order. */
export function kinds(plan: { readonly steps: readonly { readonly kind: string }[] }): string[] {
  return plan.steps.map((step) => step.kind);
}

/** Configuration of a job with high availability. */
export const HA = {
  'high-availability.type': 'kubernetes',
  'high-availability.storageDir': 'file:///state/ha',
};

/** A world in which the deployment is another one. */
export function withWorld(world: World, deployment: FlinkDeployment, more: Partial<World> = {}): World {
  return { ...world, deployment, ...more };
}

/** An object whose user changed members of `spec.job`. */
export function changed<T extends FlinkDeployment | FlinkSessionJob>(object: T, job: Record<string, unknown>): T {
  return {
    ...object,
    metadata: { ...object.metadata, generation: (object.metadata.generation ?? 1) + 1 },
    spec: { ...object.spec, job: { ...object.spec.job, ...job } },
  };
}
