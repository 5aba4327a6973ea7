import { type FlinkDeploymentSpec, flattenConfiguration } from '@drey/api';

const PREFIX = 'kubernetes.operator.';

/**
 * A recorded spec with the operator's own keys as the user wants them now: those take effect without a restart, so a change
 * of them is not recorded as a new spec.
 */
export function withOperatorKeysOf(recorded: FlinkDeploymentSpec, wanted: FlinkDeploymentSpec): FlinkDeploymentSpec {
  const before = flattenConfiguration(recorded.flinkConfiguration);
  const now = flattenConfiguration(wanted.flinkConfiguration);
  const keys = [...Object.keys(before), ...Object.keys(now)].filter((key) => key.startsWith(PREFIX));
  if (keys.every((key) => before[key] === now[key])) return recorded;
  const kept = Object.entries(before).filter(([key]) => !key.startsWith(PREFIX));
  const taken = Object.entries(now).filter(([key]) => key.startsWith(PREFIX));
  return { ...recorded, flinkConfiguration: Object.fromEntries([...kept, ...taken]) };
}
