/** Hand-written types of the built-in kinds that Drey touches; each type's namesake value is its {@link Resource}. */
export * from './kinds/access.ts';
export * from './kinds/core.ts';
export * from './kinds/network.ts';
export * from './kinds/pod.ts';
export * from './kinds/workloads.ts';
