import type { AnyObject } from '@drey/kube';
import type { PrinterColumn } from './columns.ts';
import type { JsonSchema } from './json-schema.ts';

/** The parts of a CustomResourceDefinition, as stored. */
export interface DefinitionSpec {
  readonly group?: string;
  readonly scope?: string;
  readonly names?: DefinitionNames;
  readonly versions?: readonly DefinitionVersion[];
  readonly conversion?: {
    readonly strategy?: string;
    readonly webhook?: {
      readonly clientConfig?: { readonly url?: string; readonly service?: unknown; readonly caBundle?: string };
      readonly conversionReviewVersions?: readonly string[];
    };
  };
  readonly preserveUnknownFields?: boolean;
}

export interface DefinitionNames {
  readonly plural?: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly kind?: string;
  readonly listKind?: string;
  readonly categories?: readonly string[];
}

export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: {
    readonly status?: unknown;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

export interface DefinitionStatus {
  readonly conditions?: readonly DefinitionCondition[] | null;
  readonly acceptedNames?: DefinitionNames;
  readonly storedVersions?: readonly string[] | null;
}

export interface DefinitionCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string | null;
  readonly reason?: string;
  readonly message?: string;
}

export function specOf(crd: AnyObject): DefinitionSpec {
  return (crd.spec ?? {}) as DefinitionSpec;
}

export function statusOf(crd: AnyObject): DefinitionStatus {
  return (crd.status ?? {}) as DefinitionStatus;
}

export function hasCondition(crd: AnyObject, type: string): boolean {
  return (statusOf(crd).conditions ?? []).some((c) => c.type === type && c.status === 'True');
}
