import { END_SETTLES_MS } from '../job/job-observation.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { after, atRest, inTransition } from '../job/wake-up.ts';
import type { SessionJobContext, SessionJobOutcome } from './context.ts';

/** Nothing to do: only the record of what is wanted is kept up to date, and the next look is planned. */
export function settledOutcome(context: SessionJobContext): SessionJobOutcome {
  const { status, invalid, generation } = context;
  // A change that needs no action counts as acted on, also one that takes effect when the job is resumed.
  const isObserved = invalid !== undefined || status.observedGeneration === generation;
  const progress = progressOf(context);
  return {
    status: isObserved ? status : { ...status, observedGeneration: generation },
    wakeUp: nextLook(context),
    ...(progress === undefined ? {} : { progress }),
  };
}

function progressOf({ status, recorded }: SessionJobContext): SessionJobOutcome['progress'] {
  const state = status.jobStatus?.state ?? undefined;
  if (recorded?.spec.job?.state === 'suspended' || isTerminal(state) || state === 'RUNNING') return undefined;
  return { reason: 'StartingJob', message: `The job is ${state ?? 'not there yet'}.` };
}

function nextLook({ status, now, config, recorded, job }: SessionJobContext): SessionJobOutcome['wakeUp'] {
  const state = status.jobStatus?.state ?? undefined;
  if (recorded?.spec.job?.state === 'suspended' || state === 'RUNNING') return atRest(config.restIntervalMs);
  if (job.kind === 'end-not-understood') return after(250);
  const sinceMs = now - Number(status.jobStatus?.updateTime ?? now);
  if (!isTerminal(state)) return inTransition(sinceMs);
  return sinceMs < END_SETTLES_MS ? after(END_SETTLES_MS - sinceMs) : atRest(config.restIntervalMs);
}
