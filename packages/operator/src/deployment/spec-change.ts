import { diffSpecs, type FlinkDeploymentSpec, type SpecDiff } from '@drey/api';

/** How a wanted spec differs from a recorded one; undefined when it does not. */
export function specChange(recorded: FlinkDeploymentSpec, wanted: FlinkDeploymentSpec): SpecDiff | undefined {
  const diff = diffSpecs('FlinkDeployment', recorded, wanted, wanted.mode ?? 'native');
  return diff.differences.length === 0 ? undefined : diff;
}
