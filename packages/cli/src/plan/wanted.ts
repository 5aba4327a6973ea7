import { diffSpecs, type FlinkDeployment, type FlinkSessionJob, SpecFormatError } from '@drey/api';

/** What can be planned. */
export type Planned = FlinkDeployment | FlinkSessionJob;

/** Annotation in which `kubectl apply` keeps what it applied last. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * The live object as it would be once `file` is applied, with the generation it would then have. As `kubectl apply` does it,
 * where that was used before: members that the last applied file had and this one has not go, members that neither has, such
 * as a number of replicas that an autoscaler wrote, stay. Where it was not, the file's spec takes the place of the live one.
 */
export function appliedTo<T extends Planned>(live: T, file: T): T {
  const last = lastApplied(live);
  const spec = last === undefined ? file.spec : (merge(live.spec, last.spec ?? null, file.spec) as T['spec']);
  // Defaults of the API server are in the live object and not in the file.
  const changed = differs(live.kind, live.spec, spec);
  const generation = (live.metadata.generation ?? 1) + (changed ? 1 : 0);
  return { ...live, spec, metadata: { ...live.metadata, generation } };
}

/** An object that is not on the cluster, as it would be created. */
export function created<T extends Planned>(file: T, namespace: string): T {
  const metadata = { ...file.metadata, namespace, generation: 1, uid: '', resourceVersion: '0' };
  const { status: _, ...object } = { ...file, metadata };
  return object as T;
}

function lastApplied<T extends Planned>(live: T): T | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined; // kubectl would refuse to apply; then the file counts as it is
  }
}

/** Three ways: what `last` had and `file` has not goes. Lists are replaced whole, as for every custom resource. */
function merge(live: unknown, last: unknown, file: unknown): unknown {
  if (!isObject(file) || !isObject(live)) return file;
  const before = isObject(last) ? last : {};
  const kept = Object.entries(live).filter(([key]) => key in file || !(key in before));
  const merged: Record<string, unknown> = Object.fromEntries(kept);
  for (const [key, value] of Object.entries(file)) {
    // A null in the file removes the member.
    if (value === null) delete merged[key];
    else merged[key] = merge(live[key], before[key], value);
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function differs(kind: Planned['kind'], left: Planned['spec'], right: Planned['spec']): boolean {
  try {
    // What a difference takes does not matter here, and only that depends on the mode.
    return diffSpecs(kind, left, right, 'native').differences.length > 0;
  } catch (error) {
    // A spec of the wrong form is another one; what is wrong with it is for the decision to say.
    if (error instanceof SpecFormatError) return true;
    throw error;
  }
}
