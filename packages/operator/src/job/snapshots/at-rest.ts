import type { ConditionDraft, Told } from '../conditions.ts';
import type { PlannedEvent, WakeUp } from '../planned.ts';
import type { JobResourceStatus } from '../resource.ts';
import { after } from '../wake-up.ts';
import type { JobSnapshotsInput } from './input.ts';
import { earlier, holdsBackChanges, jobSnapshots } from './job-snapshots.ts';
import type { SnapshotStep } from './steps.ts';

/** What was decided about a job at rest, as far as its snapshots add to it. */
interface AtRest<S extends JobResourceStatus> {
  readonly status: S;
  readonly events?: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
  readonly conditions?: readonly ConditionDraft[];
}

/** What takes the place of the same members of a decision when the job's snapshots are looked after too. */
export interface SnapshotsAtRest<S extends JobResourceStatus> extends AtRest<S> {
  readonly steps?: readonly SnapshotStep[];
  readonly settled?: S;
}

/**
 * What is to be done about a job's snapshots beside what was decided at rest. `input.status` is the status that was decided;
 * `observedGeneration` the generation that counted as acted on before.
 */
export function snapshotsAtRest<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  outcome: AtRest<S>,
  observedGeneration: JobResourceStatus['observedGeneration'],
): SnapshotsAtRest<S> {
  const found = jobSnapshots(input);
  const more = {
    events: [...(outcome.events ?? []), ...found.events],
    wakeUp: earlier(outcome.wakeUp, found.wakeUp) ?? outcome.wakeUp,
    conditions: [...(outcome.conditions ?? []), ...found.conditions],
  };
  if (found.steps.length === 0) return { ...more, status: found.status };
  // The generation counts as acted on only when the snapshot that it asks for is.
  const held = typeof observedGeneration === 'number' && found.settled !== undefined ? { observedGeneration } : {};
  const settled = found.settled === undefined ? {} : { settled: found.settled };
  return { ...more, status: { ...found.status, ...held }, steps: found.steps, ...settled };
}

/** How soon a held change looks whether it may go on. */
const HELD_MS = 500;

/** While a savepoint is under way that a change of the spec has to wait for; undefined when nothing holds the change. */
export function heldByRunningSavepoint<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
): (SnapshotsAtRest<S> & { readonly progress: Told }) | undefined {
  const { status } = input;
  if (!holdsBackChanges(input) || status.jobStatus?.state !== 'RUNNING') return undefined;
  return {
    ...snapshotsAtRest(input, { status, wakeUp: after(HELD_MS) }, status.observedGeneration),
    progress: { reason: 'SavepointInProgress', message: 'The change waits for the savepoint that is under way.' },
  };
}
