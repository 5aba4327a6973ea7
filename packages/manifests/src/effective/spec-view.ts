import { isJsonObject, isNumber, type Json, type JsonObject, javaNumberText, javaSpec } from '@drey/api';

/** The members of a FlinkDeployment that its manifests follow from, absent ones as the operator’s classes have them. */
export interface DeploymentView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: JsonObject;
  readonly job: JsonObject | undefined;
  readonly standalone: boolean;
  readonly flinkVersion: string | undefined;
}

/** A FlinkDeployment as its users hold it; only what is read here is typed. */
export interface DeploymentInput {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
  };
  readonly spec: unknown;
}

/** Reads a FlinkDeployment. Throws `SpecFormatError` for values that the kind does not allow. */
export function viewDeployment(deployment: DeploymentInput): DeploymentView {
  const spec = javaSpec('FlinkDeployment', deployment.spec as Json);
  const { metadata } = deployment;
  return {
    namespace: metadata.namespace ?? 'default',
    name: metadata.name ?? '',
    uid: metadata.uid,
    generation: metadata.generation ?? undefined,
    apiVersion: deployment.apiVersion ?? 'flink.apache.org/v1beta1',
    kind: deployment.kind ?? 'FlinkDeployment',
    spec,
    job: isJsonObject(spec.job) ? spec.job : undefined,
    standalone: spec.mode === 'standalone',
    flinkVersion: textOf(spec.flinkVersion),
  };
}

/** The text of a member, or undefined. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The number of a member, or undefined. */
export function numberOf(value: Json | undefined): number | undefined {
  return isNumber(value) ? Number(javaNumberText(value)) : undefined;
}

/** The object of a member, or undefined. */
export function objectOf(value: Json | undefined): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}
