import { isSensitiveKey, MASKED_VALUE, withoutSecrets } from '@drey/flink';
import type {
  ClassifiedDifference,
  ForeseenInterruption,
  ForeseenState,
  ForeseenUpgrade,
  Foresight,
} from '@drey/operator';
import { duration, size } from '../output/quantities.ts';
import type { Planned } from './wanted.ts';

/** What a spec would do to one object. */
export interface PlanResult extends Omit<Foresight, 'differences'> {
  readonly kind: Planned['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly differences: readonly PrintedDifference[];
}

/** A difference with its values as JSON, secrets masked. */
export interface PrintedDifference extends Pick<ClassifiedDifference, 'field' | 'class' | 'because'> {
  /** What the Apache operator calls it. */
  readonly type: ClassifiedDifference['type'];
  readonly from: string;
  readonly to: string;
}

/** Longest value of a difference that is printed. */
const MAX_VALUE = 120;

/** A difference as others may read it. */
export function printedDifference(one: ClassifiedDifference, secrets: readonly string[]): PrintedDifference {
  const shown = (value: unknown): string => {
    if (isSensitiveKey(one.field)) return MASKED_VALUE;
    const text = typeof value === 'string' ? value : (JSON.stringify(withoutNulls(value)) ?? 'null');
    const masked = withoutSecrets(text, secrets);
    return masked.length > MAX_VALUE ? `${masked.slice(0, MAX_VALUE)}…` : masked;
  };
  const { field, type, because } = one;
  return { field, type, class: one.class, because, from: shown(one.left), to: shown(one.right) };
}

/** Members that are null are those that nobody set. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}

/** Whether anything would be done. */
export function isChange({ change }: Pick<PlanResult, 'change'>): boolean {
  return change !== 'nothing' && change !== 'invalid';
}

/** For people: the answer first, then why. */
export function planText(plan: PlanResult): string {
  const lines = [
    `${plan.namespace}/${plan.name}${plan.kind === 'FlinkSessionJob' ? ' (session job)' : ''}: ${headline(plan)}`,
    ...plan.differences.flatMap((one) => [
      `  ~ ${one.field}: ${oneLine(one.from)} -> ${oneLine(one.to)}`,
      `      ${one.class}: ${one.because}`,
    ]),
    ...(isChange(plan) ? effectLines(plan) : []),
    ...plan.warnings.map((text) => `  ! ${text}`),
  ];
  return `${lines.join('\n')}\n`;
}

function headline({ change, upgrade, differences }: PlanResult): string {
  switch (change) {
    case 'nothing':
      return 'nothing to do';
    case 'create':
      return 'is created';
    case 'operator-only':
      return 'recorded; nothing that runs is touched';
    case 'service':
    case 'logging':
    case 'scale-task-managers':
    case 'rescale':
      return `changed in place: ${inPlaceParts(differences)}; the job runs on`;
    case 'suspend':
      return 'the job is suspended with its state';
    case 'resume':
      return 'the job is resumed';
    case 'redeploy':
      return 'started anew from initialSavepointPath';
    case 'invalid':
      return 'refused: the spec is invalid, and what runs stays as it is';
    case 'upgrade':
      return upgrade === undefined || upgrade.kind === 'now'
        ? 'upgrade, with a restart'
        : `upgrade, ${upgrade.kind === 'waits' ? 'but it has to wait' : 'but it cannot be done'}`;
  }
}

function effectLines(plan: PlanResult): string[] {
  const { restarts, upgrade, state, downtime, interrupts } = plan;
  const parts = [restarts.jobManager && 'JobManager', restarts.taskManagers && 'TaskManagers', restarts.job && 'job'];
  const restarted = parts.filter((one) => typeof one === 'string');
  return [
    `  restarts:  ${restarted.length === 0 ? 'nothing' : restarted.join(', ')}`,
    ...(upgrade === undefined ? [] : [`  mode:      ${modeText(upgrade)}`]),
    // A session cluster has no state of its own.
    ...(interrupts === undefined ? [`  state:     ${stateText(state)}`] : interruptionLines(interrupts)),
    ...(restarts.job && plan.change !== 'create' ? [`  downtime:  ${downtimeText(downtime)}`] : []),
  ];
}

function interruptionLines(interrupts: readonly ForeseenInterruption[]): string[] {
  if (interrupts.length === 0) return [];
  return [
    `  interrupts ${interrupts.length === 1 ? '1 session job' : `${interrupts.length} session jobs`}:`,
    ...interrupts.flatMap((one) => [
      `    ${one.name}: ${interruptionText(one)}`,
      ...(one.how === 'lost' ? [] : [`      state:     ${stateText(one.state)}`]),
      `      downtime:  ${downtimeText(one.downtime)}`,
    ]),
  ];
}

function interruptionText({ how, upgrade }: ForeseenInterruption): string {
  switch (how) {
    case 'brought-down':
      return upgrade === undefined ? 'brought down before' : modeText(upgrade);
    case 'high-availability':
      return 'taken up again by Flink itself, through high availability';
    case 'goes-with-cluster':
      return 'ends with the JobManager, and is started again';
    case 'lost':
      return 'ends with the JobManager, and is not started again by itself';
  }
}

const IN_PLACE: Readonly<Partial<Record<ClassifiedDifference['class'], string>>> = {
  service: 'Services and ingress',
  logging: 'logging',
  'scale-task-managers': 'number of TaskManagers',
  rescale: 'parallelism',
};

function inPlaceParts(differences: readonly PrintedDifference[]): string {
  const parts = differences.flatMap((one) => IN_PLACE[one.class] ?? []);
  return [...new Set(parts)].join(', ');
}

const MODES = {
  SAVEPOINT: 'stop with a savepoint, start from it',
  LAST_STATE: 'last-state: start from the high-availability metadata',
  CANCEL: 'cancel, start from the newest checkpoint',
  STATELESS: 'stateless: cancel, start empty',
  NOOP: 'the job is over; start from what it left',
} as const;

function modeText(upgrade: ForeseenUpgrade): string {
  const { asked, because } = upgrade;
  return upgrade.kind === 'now'
    ? `${MODES[upgrade.mode]} (upgradeMode ${asked}; ${because})`
    : `${upgrade.kind}: ${because} (upgradeMode ${asked})`;
}

function stateText(state: ForeseenState): string {
  switch (state.kind) {
    case 'none':
      return 'nothing is started';
    case 'kept':
      return 'the running job keeps it';
    case 'empty':
      return 'empty';
    default: {
      const what = { 'new-savepoint': 'a new savepoint', checkpoint: 'the newest checkpoint', snapshot: 'a snapshot' }[
        state.kind
      ];
      const where =
        state.path === undefined ? '' : state.kind === 'new-savepoint' ? ` below ${state.path}` : ` ${state.path}`;
      const facts = [
        ...(state.ageMs === undefined ? [] : [`${duration(state.ageMs)} old`]),
        ...(state.sizeBytes === undefined
          ? []
          : [`${state.kind === 'new-savepoint' ? 'about ' : ''}${size(state.sizeBytes)}`]),
      ];
      return `${what}${where}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
    }
  }
}

function downtimeText(downtime: PlanResult['downtime']): string {
  if (downtime === undefined) return 'not known: the job has not been interrupted yet';
  const { expectedMs, longestMs, basedOn } = downtime;
  const times = basedOn === 1 ? 'the last time' : `the last ${basedOn} times`;
  return `about ${duration(expectedMs)}, at most ${duration(longestMs)} ${times}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}
