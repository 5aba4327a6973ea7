import type { DeploymentMode } from '../kinds/flink-deployment.ts';
import { compareDecimals } from '../values/decimal.ts';
import { flattenConfiguration } from '../values/flatten.ts';
import { javaHashOrder } from '../values/java-hash-order.ts';
import { isJsonObject, type Json, type JsonObject, jsonEqual } from '../values/json.ts';
import { parseQuantity } from '../values/quantity.ts';
import { javaSpec, type RecordedKind } from './java-spec.ts';
import { changedPlaces, changeTexts } from './json-patch-rows.ts';

/** What a change of a spec asks for, weakest first; the strongest of all differences counts. */
export const DIFF_TYPES = ['IGNORE', 'SCALE', 'UPGRADE', 'SAVEPOINT_REDEPLOY'] as const;
/** What a change of a spec asks for. */
export type DiffType = (typeof DIFF_TYPES)[number];

/** One member that differs; objects that are not compared member by member are one difference. */
export interface SpecDifference {
  readonly field: string;
  readonly left: Json;
  readonly right: Json;
  readonly type: DiffType;
}

/** How two specs differ. */
export interface SpecDiff {
  /** The strongest type of all differences; `IGNORE` where there is none. */
  readonly type: DiffType;
  readonly differences: readonly SpecDifference[];
  /** The differences as one line, empty where there is none. It holds values of the configuration: never log it unredacted. */
  readonly text: string;
}

/** What a difference in a member asks for. */
interface Rule {
  readonly type: DiffType;
  /** The mode in which `type` holds; in the other the difference asks for an upgrade. */
  readonly onlyIn?: DeploymentMode;
  /** The difference does not count when the new value is null. */
  readonly unlessNull?: boolean;
}

const UPGRADE: Rule = { type: 'UPGRADE' };
const IGNORE: Rule = { type: 'IGNORE' };
const NONCE: Rule = { type: 'UPGRADE', unlessNull: true };
const SCALE_STANDALONE: Rule = { type: 'SCALE', onlyIn: 'standalone' };

const JOB_RULES: Readonly<Record<string, Rule>> = {
  jarURI: UPGRADE,
  parallelism: SCALE_STANDALONE,
  entryClass: UPGRADE,
  args: UPGRADE,
  state: UPGRADE,
  savepointTriggerNonce: IGNORE,
  initialSavepointPath: IGNORE,
  checkpointTriggerNonce: IGNORE,
  upgradeMode: IGNORE,
  allowNonRestoredState: IGNORE,
  savepointRedeployNonce: { type: 'SAVEPOINT_REDEPLOY', unlessNull: true },
  autoscalerResetNonce: IGNORE,
};

const TASK_MANAGER_RULES: Readonly<Record<string, Rule>> = {
  resource: UPGRADE,
  resources: UPGRADE,
  replicas: SCALE_STANDALONE,
  podTemplate: UPGRADE,
};

/** Beginnings of configuration keys, plain text without regard to dots; the first that fits counts. */
const CONFIGURATION_RULES: readonly (readonly [prefix: string, rule: Rule])[] = [
  ['job.autoscaler', IGNORE],
  ['parallelism.default', IGNORE],
  ['kubernetes.operator', IGNORE],
  ['pipeline.jobvertex-parallelism-overrides', { type: 'SCALE', onlyIn: 'native' }],
];

/** Members in the order in which differences are listed: those of the kind itself, then those all kinds have. */
const FIELDS: Readonly<Record<RecordedKind, readonly string[]>> = {
  FlinkDeployment: [
    'image',
    'imagePullPolicy',
    'serviceAccount',
    'flinkVersion',
    'ingress',
    'podTemplate',
    'jobManager',
    'taskManager',
    'logConfiguration',
    'mode',
  ],
  FlinkSessionJob: ['deploymentName'],
};

/**
 * How `right` differs from `left`, by the rules of the Apache operator. Both may be specs as users write them or as they
 * were recorded. `mode` is that of the deployment, for a session job that of its cluster.
 */
export function diffSpecs(kind: RecordedKind, left: unknown, right: unknown, mode: DeploymentMode): SpecDiff {
  const before = javaSpec(kind, left as Json);
  const after = javaSpec(kind, right as Json);
  const differences = [
    ...FIELDS[kind].flatMap((field) => member(field, before, after, mode)),
    ...nested('job', JOB_RULES, before.job ?? null, after.job ?? null, mode),
    ...single('restartNonce', NONCE, before.restartNonce ?? null, after.restartNonce ?? null, mode),
    ...configuration(before.flinkConfiguration, after.flinkConfiguration, mode),
  ];
  const type = differences.reduce<DiffType>((most, one) => stronger(most, one.type), 'IGNORE');
  return { type, differences, text: diffText(kind, differences) };
}

/** The message of the event that announces a change; null where nothing is announced. */
export function specChangedMessage({ type, text }: SpecDiff): string | null {
  return type === 'IGNORE' ? null : `${type} change(s) detected (${text}), starting reconciliation.`;
}

function member(field: string, before: JsonObject, after: JsonObject, mode: DeploymentMode): SpecDifference[] {
  const left = before[field] ?? null;
  const right = after[field] ?? null;
  if (field === 'taskManager') return nested(field, TASK_MANAGER_RULES, left, right, mode);
  return single(field, UPGRADE, left, right, mode);
}

/** Members one by one when both sides have the object, else the object as a whole. */
function nested(
  name: string,
  rules: Readonly<Record<string, Rule>>,
  left: Json,
  right: Json,
  mode: DeploymentMode,
): SpecDifference[] {
  if (!isJsonObject(left) || !isJsonObject(right)) return single(name, UPGRADE, left, right, mode);
  return Object.entries(rules).flatMap(([field, rule]) =>
    single(`${name}.${field}`, rule, left[field] ?? null, right[field] ?? null, mode),
  );
}

function single(field: string, rule: Rule, left: Json, right: Json, mode: DeploymentMode): SpecDifference[] {
  const [known, newest] = [knownMembers(field, left), knownMembers(field, right)];
  if (sameMeaning(known, newest)) return [];
  if (rule.unlessNull && newest === null) return [];
  const type = rule.onlyIn === undefined || rule.onlyIn === mode ? rule.type : 'UPGRADE';
  return [{ field, left: known, right: newest, type }];
}

/** Pod templates without `apiVersion`, `kind` and other members that a template does not have. */
function knownMembers(field: string, value: Json): Json {
  if (!isJsonObject(value)) return value;
  if (field === 'podTemplate' || field.endsWith('.podTemplate')) {
    const { metadata, spec } = value;
    return { ...(metadata === undefined ? {} : { metadata }), ...(spec === undefined ? {} : { spec }) };
  }
  if ((field === 'jobManager' || field === 'taskManager') && isJsonObject(value.podTemplate)) {
    return { ...value, podTemplate: knownMembers('podTemplate', value.podTemplate) };
  }
  return value;
}

/** Equality by meaning: quantities that stand for the same amount are equal. */
function sameMeaning(left: Json, right: Json, quantities = false): boolean {
  if (quantities && typeof left === 'string' && typeof right === 'string')
    return left === right || sameQuantity(left, right);
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => sameMeaning(item, right[index] ?? null));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return jsonEqual(left, right);
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys.every((key) => {
    const [a, b] = [left[key], right[key]];
    if (a === undefined || b === undefined) return a === b;
    return sameMeaning(a, b, quantities || key === 'requests' || key === 'limits' || key === 'sizeLimit');
  });
}

function sameQuantity(left: string, right: string): boolean {
  const [a, b] = [parseQuantity(left), parseQuantity(right)];
  return a.ok && b.ok && compareDecimals(a.value, b.value) === 0;
}

function configuration(left: Json | undefined, right: Json | undefined, mode: DeploymentMode): SpecDifference[] {
  const before = flattenConfiguration(left);
  const after = flattenConfiguration(right);
  const keys = javaHashOrder([...new Set([...Object.keys(before), ...Object.keys(after)])]);
  return keys.flatMap((key) => {
    const rule = CONFIGURATION_RULES.find(([prefix]) => key.startsWith(prefix))?.[1] ?? UPGRADE;
    return single(`flinkConfiguration.${key}`, rule, before[key] ?? null, after[key] ?? null, mode);
  });
}

function stronger(a: DiffType, b: DiffType): DiffType {
  return DIFF_TYPES.indexOf(b) > DIFF_TYPES.indexOf(a) ? b : a;
}

function diffText(kind: RecordedKind, differences: readonly SpecDifference[]): string {
  if (differences.length === 0) return '';
  const rows = differences.flatMap(({ field, left, right }) =>
    changedPlaces(left, right).map((place) => {
      const path = [field, ...place.path.map(pointerStep)].join('.');
      return `${path} : ${changeTexts(place).join(' -> ')}`;
    }),
  );
  return `Diff: ${kind}Spec[${rows.join(', ')}]`;
}

/** A name in a path, with the characters escaped that JSON pointers escape. */
function pointerStep(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
