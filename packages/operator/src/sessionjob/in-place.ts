import { type ChangeClassification, classifyChange, isInPlace } from '../job/change-class.ts';
import { changeEvent } from '../job/change-event.ts';
import type { CurrentOperation } from '../job/operation.ts';
import { withRecord } from '../job/record.ts';
import {
  beginRescale,
  continueRescale,
  hasRescale,
  type RescaleContext,
  type Rescaling,
  whileRescaling,
} from '../job/rescale.ts';
import { withoutOperation } from '../job/status.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { after } from '../job/wake-up.ts';
import { jobOf, type SessionJobContext, type SessionJobOutcome, wantedMode } from './context.ts';

/**
 * Carries out a change that restarts nothing. undefined: it has to be an upgrade, since it takes one or Flink cannot rescale the
 * job.
 */
export function changeInPlace(context: SessionJobContext): SessionJobOutcome | undefined {
  const rescale = rescaleContext(context);
  if (!isInPlace(rescale.classification.class)) return undefined;
  return hasRescale(rescale) ? outcomeOf(context, beginRescale(rescale)) : recorded(context, true);
}

/** Goes on with a rescale. undefined: it has nothing left to do. */
export function continueRescaling(
  context: SessionJobContext,
  operation: CurrentOperation,
): SessionJobOutcome | undefined {
  const rescaling = continueRescale(rescaleContext(context), operation);
  return rescaling?.kind === 'done' ? recorded(context, false) : rescaling && outcomeOf(context, rescaling);
}

function rescaleContext(context: SessionJobContext): RescaleContext {
  return { ...context, classification: classificationOf(context) };
}

/** What the change of a session job really takes. */
export function classificationOf(context: SessionJobContext): ChangeClassification {
  const { change, wanted, recorded: stored, cluster, config, options, status } = context;
  const state = status.jobStatus?.state ?? undefined;
  const running = stored === undefined ? wanted : { ...wanted, spec: stored.spec };
  return classifyChange(change, {
    target: 'session-job',
    mode: cluster?.deployment.spec.mode ?? 'native',
    flinkVersion: cluster?.deployment.spec.flinkVersion,
    running: config.configurationOf(running, cluster?.deployment),
    wanted: options,
    jobRuns: state !== undefined && state !== 'RECONCILING' && !isTerminal(state),
    defaultLogging: undefined,
  });
}

function outcomeOf(context: SessionJobContext, rescaling: Rescaling): SessionJobOutcome | undefined {
  switch (rescaling.kind) {
    case 'refused':
      return undefined;
    case 'done':
      return recorded(context, true);
    default:
      return whileRescaling(context, rescaling, changeEvent(context));
  }
}

/** The wanted spec is what runs now; recorded with the user's own upgrade mode, as the Apache operator does. */
function recorded(context: SessionJobContext, isNew: boolean): SessionJobOutcome {
  const { wanted, generation, now, recorded: stored } = context;
  const status = withRecord(withoutOperation(context.status), {
    kind: 'FlinkSessionJob',
    spec: wanted.spec,
    generation,
    jobState: jobOf(wanted.spec).state ?? 'running',
    upgradeMode: wantedMode(wanted.spec),
    firstDeployment: stored?.firstDeployment ?? false,
    state: 'DEPLOYED',
    now,
  });
  return { status, events: isNew ? changeEvent(context) : [], wakeUp: after(0) };
}
