import type { FlinkBlueGreenDeploymentSpec } from '../kinds/flink-blue-green-deployment.ts';
import type { Json } from '../values/json.ts';
import { diffSpecs } from './diff.ts';
import { javaSpec } from './java-spec.ts';

/**
 * What a change of a blue/green pair takes:
 * - IGNORE: nothing changed; PATCH_CHILD: the active colour takes it over without a restart;
 * - SUSPEND, RESUME: the active colour is stopped or started, whatever else changed with it;
 * - SAVEPOINT_REDEPLOY: the other colour is started from the savepoint that the user named;
 * - TRANSITION: the other colour is started from the state of the active one.
 */
export type BlueGreenChange = 'IGNORE' | 'PATCH_CHILD' | 'SUSPEND' | 'RESUME' | 'SAVEPOINT_REDEPLOY' | 'TRANSITION';

/**
 * The kind of a change between two specs of a pair (reference: bluegreen.md 4). Only `template.spec` counts, by the rules of
 * native clusters.
 */
export function blueGreenChange(
  left: FlinkBlueGreenDeploymentSpec,
  right: FlinkBlueGreenDeploymentSpec,
): BlueGreenChange {
  const [before, after] = [left, right].map(({ template }) => javaSpec('FlinkDeployment', template?.spec as Json));
  const [wasSuspended, isSuspended] = [isDown(before), isDown(after)];
  if (wasSuspended !== isSuspended) return isSuspended ? 'SUSPEND' : 'RESUME';
  const { type } = diffSpecs('FlinkDeployment', left.template?.spec ?? {}, right.template?.spec ?? {}, 'native');
  if (type === 'SAVEPOINT_REDEPLOY') return type;
  if (JSON.stringify(before) === JSON.stringify(after)) return 'IGNORE';
  return type === 'IGNORE' ? 'PATCH_CHILD' : 'TRANSITION';
}

function isDown(spec: ReturnType<typeof javaSpec> | undefined): boolean {
  return (spec?.job as { readonly state?: string } | null | undefined)?.state === 'suspended';
}
