import type { Planned } from './wanted.ts';

/** A document that is no object to plan, although it is one of Flink's. */
export interface LeftOut {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown };
}

/** The objects of documents that can be planned, in their order, lists unfolded; and Flink's others. All else is none of ours. */
export function plannedDocuments(documents: readonly { readonly value: unknown }[]): {
  readonly planned: Planned[];
  readonly leftOut: LeftOut[];
} {
  const objects = documents.flatMap(({ value }) => unfolded(value));
  return {
    planned: objects.filter((one): one is Planned => one.kind === 'FlinkDeployment' || one.kind === 'FlinkSessionJob'),
    leftOut: objects.filter(({ kind }) => kind === 'FlinkStateSnapshot' || kind === 'FlinkBlueGreenDeployment'),
  };
}

function unfolded(value: unknown): readonly (Planned | LeftOut)[] {
  const { kind, items } = (value ?? {}) as { readonly kind?: unknown; readonly items?: unknown };
  return (kind === 'List' && Array.isArray(items) ? items : [value ?? {}]) as readonly LeftOut[];
}
