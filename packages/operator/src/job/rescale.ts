import { type Answer, executionOptions, type FlinkConfig } from '@drey/flink';
import type { FlinkCall, FlinkCluster, VertexRequirements } from '../runtime/ports.ts';
import { type ChangeClassification, isInPlace } from './change-class.ts';
import type { Told } from './conditions.ts';
import type { JobObservation } from './job-observation.ts';
import { beginOperation, type CurrentOperation, elapsedMs } from './operation.ts';
import type { PlannedEvent } from './planned.ts';
import type { JobResourceStatus } from './resource.ts';
import { StepError } from './step-error.ts';
import { after, inTransition } from './wake-up.ts';

/** Asks the running job for other parallelisms; the same bounds twice are one request. */
export interface RescaleStep {
  readonly kind: 'rescale-job';
  readonly jobId: string;
  readonly requirements: VertexRequirements;
}

/** What a rescale is decided from; every kind with a job has it. */
export interface RescaleContext {
  readonly now: number;
  readonly status: JobResourceStatus;
  readonly job: JobObservation;
  /** Configuration in force for the wanted spec. */
  readonly options: FlinkConfig;
  readonly classification: ChangeClassification;
  readonly world: Parameters<typeof beginOperation>[0]['world'] & {
    readonly flink: { readonly requirements?: Answer<VertexRequirements> | undefined };
  };
}

/** How far a rescale has come. */
export type Rescaling =
  /** `operation` is recorded before the step is made. */
  | { readonly kind: 'ask'; readonly operation: CurrentOperation; readonly step: RescaleStep; readonly first: boolean }
  | { readonly kind: 'wait'; readonly progress: Told }
  /** The job is asked to run with what the wanted spec says. */
  | { readonly kind: 'done' }
  /** Flink cannot rescale this job: it has to be an upgrade. */
  | { readonly kind: 'refused' };

/** The event that tells of a request. */
export const SCALING: PlannedEvent = {
  type: 'Normal',
  reason: 'Scaling',
  message: 'In-place scaling triggered',
  component: 'Job',
};

/** What is told while Flink is asked. */
const RESCALING = { reason: 'Rescaling', message: 'Asking Flink for other parallelisms of the running job.' };

const WAITING_MS = 500;

/** What is done and said while a rescale goes on; `changed` tells, with the first request, of the change it carries out. */
export function whileRescaling<S extends JobResourceStatus>(
  { status, now }: { readonly status: S; readonly now: number },
  rescaling: Extract<Rescaling, { readonly kind: 'ask' | 'wait' }>,
  changed: readonly PlannedEvent[],
) {
  if (rescaling.kind === 'wait') return { status, progress: rescaling.progress, wakeUp: after(WAITING_MS) };
  const { operation, step, first } = rescaling;
  const events = first ? [...changed, SCALING] : [];
  return {
    status: { ...status, operation },
    steps: [step],
    events,
    progress: RESCALING,
    wakeUp: inTransition(elapsedMs(operation, now)),
  };
}

/** Whether a change has a part that is a rescale. */
export function hasRescale({ classification }: Pick<RescaleContext, 'classification'>): boolean {
  return classification.differences.some((one) => one.class === 'rescale');
}

/** Begins a rescale; nothing is recorded while Flink does not say what the job is asked to run with. */
export function beginRescale(context: RescaleContext): Rescaling {
  const current = context.world.flink.requirements;
  if (current === undefined || (current.kind === 'unknown' && current.reason !== 'server-error')) {
    const why = current === undefined ? 'Flink was not asked yet' : current.message;
    return waiting(`what the job is asked to run with is not known: ${why}`);
  }
  if (current.kind !== 'ok') return { kind: 'refused' };
  const wanted = wantedRequirements(context, current.value);
  if (sameRequirements(current.value, wanted)) return { kind: 'done' };
  const started = beginOperation(context, 'rescale', 'rescaling', context.status.jobStatus?.jobId);
  return ask({ ...started, previous: writeRequirements(current.value) }, wanted, true);
}

/**
 * Goes on with a rescale: asks again until Flink says that it took the bounds over. When the spec no longer asks for them, the
 * bounds that were there before come back. undefined: there is nothing left to ask for, since they have come back, the job has
 * gone, or something stronger is wanted now.
 */
export function continueRescale(context: RescaleContext, operation: CurrentOperation): Rescaling | undefined {
  const current = context.world.flink.requirements;
  if (!isInPlace(context.classification.class) || operation.target !== context.status.jobStatus?.jobId)
    return undefined;
  if (context.job.kind === 'missing' || current?.kind === 'not-found' || current?.kind === 'rejected') return undefined;
  if (current?.kind !== 'ok') return waiting('Flink does not say what the job is asked to run with');
  const isWanted = hasRescale(context);
  const wanted = isWanted
    ? wantedRequirements(context, current.value)
    : (readRequirements(operation.previous) ?? current.value);
  if (!sameRequirements(current.value, wanted)) return ask(operation, wanted, false);
  return isWanted ? { kind: 'done' } : undefined;
}

/**
 * What a job at rest is to be asked for again. One that a restarted JobManager begins anew has the parallelisms of the file it
 * was started with, unless high availability kept those it was rescaled to. undefined: it has what the spec says.
 */
export function rescaleAgain({
  status,
  options,
  world,
}: Pick<RescaleContext, 'status' | 'options' | 'world'>): RescaleStep | undefined {
  const current = world.flink.requirements;
  const jobId = status.jobStatus?.jobId;
  if (current?.kind !== 'ok' || typeof jobId !== 'string') return undefined;
  const wanted = wantedRequirements({ options }, current.value);
  return sameRequirements(current.value, wanted) ? undefined : { kind: 'rescale-job', jobId, requirements: wanted };
}

function ask(operation: CurrentOperation, requirements: VertexRequirements, first: boolean): Rescaling {
  return { kind: 'ask', operation, step: { kind: 'rescale-job', jobId: operation.target ?? '', requirements }, first };
}

function waiting(reason: string): Rescaling {
  return {
    kind: 'wait',
    progress: { reason: 'RescalePending', message: `The change of parallelism waits: ${reason}.` },
  };
}

function wantedRequirements(
  { options }: Pick<RescaleContext, 'options'>,
  current: VertexRequirements,
): VertexRequirements {
  return overriddenRequirements(current, options.get(executionOptions.jobVertexParallelismOverrides));
}

/** As with savepoints: a refusal is told, and whether an unanswered request took effect is for the next pass to see. */
export async function performRescale(
  flink: FlinkCluster | undefined,
  { jobId, requirements }: RescaleStep,
  call: FlinkCall,
): Promise<void> {
  const answer = await flink?.updateRequirements(jobId, requirements, call);
  if (answer?.kind === 'rejected') {
    throw new StepError('E_OPERATOR_RESCALE_REFUSED', `Flink refused the new parallelisms: ${answer.message}`);
  }
}

/**
 * The requirements that give each overridden vertex its parallelism as the upper bound, the lower one as it was or as low as
 * the new upper one (reference: apache-operator.md 3.9). Vertices without an override stay, and overrides of vertices that
 * the job does not have count for nothing, as at a start.
 */
function overriddenRequirements(
  current: VertexRequirements,
  overrides: ReadonlyMap<string, string>,
): VertexRequirements {
  return Object.fromEntries(
    Object.entries(current).map(([vertex, bounds]) => {
      const wanted = Number(overrides.get(vertex) ?? Number.NaN);
      if (!Number.isInteger(wanted) || wanted < 1) return [vertex, bounds];
      return [vertex, { lowerBound: Math.min(wanted, bounds.lowerBound), upperBound: wanted }];
    }),
  );
}

/** Whether both ask for the same of every vertex. */
function sameRequirements(left: VertexRequirements, right: VertexRequirements): boolean {
  const vertices = Object.keys(left);
  if (vertices.length !== Object.keys(right).length) return false;
  return vertices.every(
    (vertex) =>
      left[vertex]?.lowerBound === right[vertex]?.lowerBound && left[vertex]?.upperBound === right[vertex]?.upperBound,
  );
}

/** Requirements as an operation keeps them, so that the change can be taken back. */
function writeRequirements(requirements: VertexRequirements): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(requirements).map(([v, b]) => [v, [b.lowerBound, b.upperBound]])),
  );
}

/** Reads what {@link writeRequirements} wrote; undefined for anything else. */
function readRequirements(text: string | null | undefined): VertexRequirements | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '');
  } catch {
    return undefined; // written by a version that keeps something else there
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const vertices = Object.entries(parsed).map(([vertex, bounds]) => {
    const [lowerBound, upperBound] = Array.isArray(bounds) ? bounds : [];
    return [vertex, { lowerBound: Number(lowerBound), upperBound: Number(upperBound) }] as const;
  });
  return vertices.every(([, { lowerBound, upperBound }]) => lowerBound >= 1 && upperBound >= lowerBound)
    ? Object.fromEntries(vertices)
    : undefined;
}
