import type { DeploymentMode, Json, SpecDiff, SpecDifference } from '@drey/api';
import {
  atLeast,
  executionOptions,
  type FlinkConfig,
  kubernetesOptions,
  resourceOptions,
  schedulerOptions,
  taskManagerStatefulSetOptions,
  tryParseFlinkVersion,
} from '@drey/flink';
import { isReloaded } from './log-reload.ts';

/**
 * What a change of a spec really takes, mildest first; the strongest of all its differences counts:
 * - nothing: the specs mean the same;
 * - operator-only: nobody but the operator reads it, or it counts at the next start;
 * - service: Services and the ingress are brought in line, nothing of Flink is touched;
 * - logging: the logging files are replaced, and Flink reads them again by itself;
 * - scale-task-managers: the number of TaskManagers of a standalone cluster;
 * - rescale: other parallelisms of the running job, through Flink's resource requirements;
 * - upgrade: the cluster, or the session job, is replaced, with its state as the upgrade mode says;
 * - redeploy: started anew from the savepoint that the user named.
 */
export const CHANGE_CLASSES = [
  'nothing',
  'operator-only',
  'service',
  'logging',
  'scale-task-managers',
  'rescale',
  'upgrade',
  'redeploy',
] as const;
/** What a change of a spec really takes. */
export type ChangeClass = (typeof CHANGE_CLASSES)[number];

/** One difference with what it takes, and why. */
export interface ClassifiedDifference extends SpecDifference {
  readonly class: ChangeClass;
  /** For people: why it takes no less, or no more. It names no value. */
  readonly because: string;
}

/** A change of a spec with what it takes. */
export interface ChangeClassification {
  readonly class: ChangeClass;
  readonly differences: readonly ClassifiedDifference[];
}

/** What a classification rests on besides the differences themselves. */
export interface ChangeInput {
  /** `application` and `session` clusters, or a job on a session cluster. */
  readonly target: 'application' | 'session' | 'session-job';
  readonly mode: DeploymentMode;
  /** As the specs name it, for example `v1_20`. */
  readonly flinkVersion: string | null | undefined;
  /** Configuration in force of what runs. */
  readonly running: FlinkConfig;
  /** Configuration in force of what is wanted. */
  readonly wanted: FlinkConfig;
  /** The job can be asked to rescale: it was seen and is not over. */
  readonly jobRuns: boolean;
  /** Logging files of clusters that bring none; undefined: not known. */
  readonly defaultLogging: Readonly<Record<string, string>> | undefined;
}

type Verdict = readonly [verdict: ChangeClass, because: string];

interface Rule {
  readonly matches: (difference: SpecDifference) => boolean;
  readonly verdict: (input: ChangeInput, difference: SpecDifference) => Verdict;
}

const CONFIGURATION = 'flinkConfiguration.';
const OVERRIDES = executionOptions.jobVertexParallelismOverrides;

const SERVICE_KEYS: readonly string[] = [
  kubernetesOptions.restServiceAnnotations,
  kubernetesOptions.restServiceLabels,
  kubernetesOptions.internalServiceAnnotations,
  kubernetesOptions.internalServiceLabels,
].map(({ key }) => `${CONFIGURATION}${key}`);

/** Keys that every start overwrites: where the state comes from is decided then. */
const DECIDED_AT_START: readonly string[] = [
  `${CONFIGURATION}execution.savepoint.path`,
  `${CONFIGURATION}execution.state-recovery.path`,
];

function field(...names: readonly string[]): Rule['matches'] {
  return (difference) => names.includes(difference.field);
}

/** A map option under its own key, or spread out: then every entry has a key of its own. */
function entryOf(keys: readonly string[]): Rule['matches'] {
  return ({ field: name }) => keys.some((key) => name === key || name.startsWith(`${key}.`));
}

const CLAIMED = [taskManagerStatefulSetOptions.volumeSize, taskManagerStatefulSetOptions.volumeStorageClass];

/** The table of classes; the first rule that matches a difference decides. What no rule names is an upgrade. */
const RULES: readonly Rule[] = [
  {
    matches: ({ type }) => type === 'IGNORE',
    verdict: () => ['operator-only', 'only the operator reads it, or it counts at the next start'],
  },
  {
    matches: ({ type }) => type === 'SAVEPOINT_REDEPLOY',
    verdict: () => ['redeploy', 'a new nonce asks for a start from initialSavepointPath'],
  },
  { matches: field('ingress'), verdict: () => ['service', 'the ingress is an object of its own'] },
  {
    matches: entryOf(SERVICE_KEYS),
    verdict: () => ['service', 'only the Services carry it'],
  },
  { matches: field(...DECIDED_AT_START), verdict: decidedAtStart },
  { matches: field('logConfiguration'), verdict: loggingVerdict },
  { matches: entryOf([`${CONFIGURATION}${OVERRIDES.key}`]), verdict: overridesVerdict },
  { matches: field('taskManager.replicas', 'job.parallelism'), verdict: replicasVerdict },
  {
    matches: field(`${CONFIGURATION}${taskManagerStatefulSetOptions.enabled.key}`),
    verdict: () => ['upgrade', 'the TaskManagers are made by another kind of object'],
  },
  {
    matches: field(...CLAIMED.map(({ key }) => `${CONFIGURATION}${key}`)),
    verdict: () => ['upgrade', 'claims that are made from then on have it; those that are there stay as they are'],
  },
];

/**
 * What a change takes. Never more than the Apache operator would do for the same difference, which `diff` names: only a
 * nonce redeploys, only its types SCALE and UPGRADE restart anything, and what it scales in place is scaled in place.
 */
export function classifyChange(diff: SpecDiff | undefined, input: ChangeInput): ChangeClassification {
  const differences = (diff?.differences ?? []).map((difference): ClassifiedDifference => {
    const rule = RULES.find(({ matches }) => matches(difference));
    const [verdict, because] = rule?.verdict(input, difference) ?? ['upgrade', 'Flink reads it when it starts'];
    return { ...difference, class: verdict, because };
  });
  const strongest = differences.reduce<ChangeClass>((most, one) => stronger(most, one.class), 'nothing');
  return { class: strongest, differences };
}

/** The stronger of two classes. */
export function stronger(a: ChangeClass, b: ChangeClass): ChangeClass {
  return CHANGE_CLASSES.indexOf(b) > CHANGE_CLASSES.indexOf(a) ? b : a;
}

/** Whether nothing of Flink is restarted for a change of this class. */
export function isInPlace(change: ChangeClass): boolean {
  return change !== 'upgrade' && change !== 'redeploy';
}

function decidedAtStart(input: ChangeInput): Verdict {
  return input.target === 'session'
    ? ['upgrade', 'jobs of the session cluster may start by it']
    : ['operator-only', 'where the state comes from is decided at each start'];
}

function loggingVerdict(input: ChangeInput, { left, right }: SpecDifference): Verdict {
  const before = loggingFiles(left, input);
  const after = loggingFiles(right, input);
  if (before === undefined || after === undefined) return ['upgrade', 'the logging files in use are not known'];
  const names = Object.keys(before).sort();
  if (names.join() !== Object.keys(after).sort().join()) return ['upgrade', 'the pods mount other logging files'];
  const changed = names.filter((name) => before[name] !== after[name]);
  return changed.every((name) => isReloaded(name, before[name] ?? ''))
    ? ['logging', 'the running processes read the file again by themselves']
    : [
        'upgrade',
        'the running processes never read the file again: it sets no monitorInterval (log4j) or scan (logback)',
      ];
}

function loggingFiles(value: Json, { defaultLogging }: ChangeInput): Readonly<Record<string, string>> | undefined {
  if (value === null) return defaultLogging;
  return value as Readonly<Record<string, string>>;
}

function overridesVerdict(input: ChangeInput): Verdict {
  const refusal = rescaleRefusal(input);
  if (refusal !== undefined) return ['upgrade', refusal];
  const [before, after] = [input.running.get(OVERRIDES), input.wanted.get(OVERRIDES)];
  const dropped = [...before.keys()].some((vertex) => !after.has(vertex));
  return dropped
    ? ['upgrade', 'a vertex goes back to its own parallelism, which only a start finds out']
    : ['rescale', 'the adaptive scheduler takes other parallelisms while the job runs'];
}

/** Why Flink cannot be asked for other parallelisms (reference: apache-operator.md 3.9). */
function rescaleRefusal({ flinkVersion, running, wanted, jobRuns, target }: ChangeInput): string | undefined {
  const version = tryParseFlinkVersion(flinkVersion ?? '');
  if (target === 'session') return 'a session cluster has no job of its own';
  if (!wanted.get(resourceOptions.upgradeInplaceScalingEnabled)) return 'in-place scaling is switched off';
  if (version === undefined || !atLeast(version, '1.18')) return 'Flink can rescale from 1.18 on';
  if (running.get(schedulerOptions.schedulerMode) === 'REACTIVE') return 'a reactive job takes no parallelisms';
  if (running.get(schedulerOptions.jobManagerScheduler) !== 'Adaptive')
    return 'only the adaptive scheduler can rescale';
  return jobRuns ? undefined : 'the job does not run';
}

/** In standalone mode the operator makes the TaskManagers, and a reactive job uses all there are. */
function replicasVerdict(input: ChangeInput, difference: SpecDifference): Verdict {
  const name = difference.field === 'job.parallelism' ? 'parallelism' : 'number of TaskManagers';
  if (input.mode !== 'standalone') return ['upgrade', `the ${name} is part of the job that is submitted`];
  if (input.target === 'session' && difference.field === 'taskManager.replicas')
    return ['scale-task-managers', 'a session cluster offers what slots there are'];
  if (input.running.get(schedulerOptions.schedulerMode) === 'REACTIVE' && input.target === 'application')
    return ['scale-task-managers', 'a reactive job uses all TaskManagers there are'];
  return ['upgrade', `only a reactive job takes another ${name} while it runs`];
}
