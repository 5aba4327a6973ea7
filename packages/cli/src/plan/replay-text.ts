import type { DecisionFile, PlanDifference, Replayed } from '@drey/operator';

/** Longest value of a difference that is printed. */
const MAX_VALUE = 200;
/** Differences of one decision that are printed. */
const SHOWN = 20;

/** What a recorded plan has, as far as it is told; kinds have more. */
interface TellPlan {
  readonly status?: {
    readonly lifecycleState?: string;
    /** Of a snapshot. */
    readonly state?: string;
    readonly operation?: { readonly kind: string; readonly phase?: string };
    readonly jobStatus?: { readonly state?: string };
    readonly summary?: string;
  };
  readonly steps?: readonly { readonly kind: string }[];
  readonly events?: readonly { readonly reason: string; readonly message: string }[];
  readonly wakeUp?: { readonly kind: string; readonly ms?: number };
}

/** What every object that is decided about has, as far as it is told. */
interface TellObject {
  readonly metadata?: { readonly generation?: number };
  readonly status?: TellPlan['status'];
}

/** Each kind has its object under a name of its own. */
interface TellWorld {
  readonly deployment?: TellObject;
  readonly sessionJob?: TellObject;
  readonly snapshot?: TellObject;
  readonly flink?: {
    readonly jobs?: {
      readonly kind: string;
      readonly message?: string;
      readonly value?: readonly { readonly state: string }[];
    };
  };
}

/** For people: each decision in the order it was made. */
export function replayText(file: DecisionFile, replayed: readonly Replayed[]): string {
  const different = replayed.filter((one) => one.differences.length > 0).length;
  const head = `${file.kind} ${file.key}: ${replayed.length} decisions, ${different === 0 ? 'all the same today' : `${different} come out otherwise`}\n`;
  return head + replayed.map(decisionText).join('');
}

function decisionText({ decision, differences }: Replayed): string {
  const plan = decision.plan as TellPlan;
  const lines = [
    `\n${new Date(decision.at).toISOString()}  ${seen(decision.world as TellWorld)}`,
    `  decided: ${decided(plan)}`,
    ...(plan.status?.summary ? [`  says:    ${plan.status.summary}`] : []),
    ...(plan.events ?? []).map(({ reason, message }) => `  event:   ${reason}: ${short(message)}`),
    ...(decision.failure === undefined ? [] : [`  failed:  ${short(decision.failure)}`]),
    ...(differences.length === 0 ? [] : ['  otherwise today:']),
    ...differences.slice(0, SHOWN).map(differenceLine),
    ...(differences.length > SHOWN ? [`    and ${differences.length - SHOWN} more`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function seen({ deployment, sessionJob, snapshot, flink }: TellWorld): string {
  const { status, metadata } = deployment ?? sessionJob ?? snapshot ?? {};
  const operation = status?.operation;
  const jobs = flink?.jobs;
  const job =
    jobs === undefined
      ? undefined
      : jobs.kind === 'ok'
        ? (jobs.value ?? []).map(({ state }) => state).join(', ') || 'no job'
        : `no answer (${jobs.message ?? jobs.kind})`;
  return [
    ...(metadata?.generation === undefined ? [] : [`generation ${metadata.generation}`]),
    status?.lifecycleState ?? status?.state ?? 'new',
    ...(operation === undefined ? [] : [`${operation.kind} ${operation.phase ?? ''}`.trim()]),
    ...(job === undefined ? [] : [`Flink says ${job}`]),
  ].join(', ');
}

function decided({ steps = [], status, wakeUp }: TellPlan): string {
  const what = steps.length === 0 ? 'nothing' : steps.map(({ kind }) => kind).join(', ');
  const state = [status?.lifecycleState ?? status?.state, status?.jobStatus?.state]
    .filter((one) => one !== undefined)
    .join(' ');
  const next = wakeUp?.ms === undefined ? 'when something changes' : `in ${Math.round(wakeUp.ms)} ms`;
  return `${what}; ${state === '' ? 'no state' : state}; next look ${next}`;
}

function differenceLine({ path, recorded, replayed }: PlanDifference): string {
  return `    ${path}: ${value(recorded)} -> ${value(replayed)}`;
}

function value(one: unknown): string {
  return one === undefined ? '(absent)' : short(JSON.stringify(one));
}

function short(text: string): string {
  const line = text.replaceAll(/\s*\n\s*/g, ' ');
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE)}…` : line;
}
