import {
  decimalToNumber,
  type FlinkDeploymentSpec,
  flattenConfiguration,
  isJsonObject,
  isNumber,
  type Json,
  type JsonObject,
  javaNumberText,
  javaSpec,
  jsonEqual,
  parseQuantity,
} from '@drey/api';

/** What a change of a spec asks for; a later one outranks an earlier one. */
export const CHANGE_TYPES = ['IGNORE', 'SCALE', 'UPGRADE', 'SAVEPOINT_REDEPLOY'] as const;
/** What a change of a spec asks for. */
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** How two specs differ. */
export interface SpecChange {
  readonly type: ChangeType;
  /** For people, in the form of the Apache operator's events: `Diff: FlinkDeploymentSpec[path : old -> new, …]`. */
  readonly text: string;
}

interface FieldChange {
  readonly path: string;
  readonly left: Json;
  readonly right: Json;
  readonly type: ChangeType;
}

/** Fields of `spec.job` whose change touches no running job. */
const IGNORED_JOB_FIELDS: ReadonlySet<string> = new Set([
  'savepointTriggerNonce',
  'checkpointTriggerNonce',
  'initialSavepointPath',
  'upgradeMode',
  'allowNonRestoredState',
  'autoscalerResetNonce',
]);
/** Beginnings of configuration keys whose change touches no running job; plain text prefixes, without a dot. */
const IGNORED_PREFIXES: readonly string[] = ['job.autoscaler', 'parallelism.default', 'kubernetes.operator'];
const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';

/**
 * How a wanted spec differs from a recorded one (reference: apache-operator.md 3.5); undefined when it does not. Both are
 * compared as they would be recorded, so that an absent member and its default are the same.
 */
export function specChange(recorded: FlinkDeploymentSpec, wanted: FlinkDeploymentSpec): SpecChange | undefined {
  const left = comparable(javaSpec('FlinkDeployment', recorded as unknown as Json));
  const right = comparable(javaSpec('FlinkDeployment', wanted as unknown as Json));
  const standalone = wanted.mode === 'standalone';
  const changes = [...kindChanges(left, right, standalone), ...commonChanges(left, right, standalone)];
  if (changes.length === 0) return undefined;
  const rank = Math.max(...changes.map((change) => CHANGE_TYPES.indexOf(change.type)));
  const rows = changes.flatMap((change) => rowsOf(change.path, change.left, change.right));
  return { type: CHANGE_TYPES[rank] ?? 'UPGRADE', text: `Diff: FlinkDeploymentSpec[${rows.join(', ')}]` };
}

/** A spec in which equal quantities are equal texts, and pod templates are without the envelope of a Pod. */
function comparable(spec: JsonObject): JsonObject {
  const bare = (part: Json): Json => {
    if (!isJsonObject(part)) return part;
    const { apiVersion: _, kind: __, ...template } = part;
    return withPlainQuantities(template);
  };
  const role = (part: Json | undefined): Json =>
    isJsonObject(part) ? { ...part, podTemplate: bare(part['podTemplate'] ?? null) } : (part ?? null);
  return {
    ...spec,
    podTemplate: bare(spec['podTemplate'] ?? null),
    jobManager: role(spec['jobManager']),
    taskManager: role(spec['taskManager']),
  };
}

const QUANTITY_MAPS: ReadonlySet<string> = new Set(['limits', 'requests']);

function withPlainQuantities(value: Json, inQuantities = false): Json {
  if (Array.isArray(value)) return value.map((item) => withPlainQuantities(item));
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withPlainQuantities(item, QUANTITY_MAPS.has(key))]),
    );
  }
  if (!inQuantities || (typeof value !== 'string' && !isNumber(value))) return value;
  const parsed = parseQuantity(isNumber(value) ? javaNumberText(value) : value);
  return parsed.ok ? String(decimalToNumber(parsed.value)) : value;
}

const COMMON: ReadonlySet<string> = new Set(['job', 'restartNonce', 'flinkConfiguration']);

function* kindChanges(left: JsonObject, right: JsonObject, standalone: boolean): Generator<FieldChange> {
  for (const key of keysOf(left, right)) {
    if (COMMON.has(key)) continue;
    const [a, b] = [left[key] ?? null, right[key] ?? null];
    if (key === 'taskManager' && isJsonObject(a) && isJsonObject(b)) {
      yield* fieldChanges('taskManager', a, b, (field) => (field === 'replicas' && standalone ? 'SCALE' : 'UPGRADE'));
    } else if (!jsonEqual(a, b)) yield { path: key, left: a, right: b, type: 'UPGRADE' };
  }
}

function* commonChanges(left: JsonObject, right: JsonObject, standalone: boolean): Generator<FieldChange> {
  const [leftJob, rightJob] = [left.job ?? null, right.job ?? null];
  if (isJsonObject(leftJob) && isJsonObject(rightJob)) {
    yield* fieldChanges('job', leftJob, rightJob, (field) => jobFieldType(field, standalone), ['savepointRedeployNonce']);
  } else if (!jsonEqual(leftJob, rightJob)) yield { path: 'job', left: leftJob, right: rightJob, type: 'UPGRADE' };
  const nonce = right.restartNonce ?? null;
  if (nonce !== null && !jsonEqual(left.restartNonce ?? null, nonce)) {
    yield { path: 'restartNonce', left: left.restartNonce ?? null, right: nonce, type: 'UPGRADE' };
  }
  const leftConfig = flattenConfiguration(left.flinkConfiguration);
  const rightConfig = flattenConfiguration(right.flinkConfiguration);
  yield* fieldChanges('flinkConfiguration', leftConfig, rightConfig, (key) => configType(key, standalone));
}

/** `needed` are fields that going back to null does not change. */
function* fieldChanges(
  path: string,
  left: Readonly<Record<string, Json>>,
  right: Readonly<Record<string, Json>>,
  typeOf: (field: string) => ChangeType,
  needed: readonly string[] = [],
): Generator<FieldChange> {
  for (const key of keysOf(left, right)) {
    const [a, b] = [left[key] ?? null, right[key] ?? null];
    if (jsonEqual(a, b) || (needed.includes(key) && b === null)) continue;
    yield { path: `${path}.${key}`, left: a, right: b, type: typeOf(key) };
  }
}

function jobFieldType(field: string, standalone: boolean): ChangeType {
  if (IGNORED_JOB_FIELDS.has(field)) return 'IGNORE';
  if (field === 'savepointRedeployNonce') return 'SAVEPOINT_REDEPLOY';
  return field === 'parallelism' && standalone ? 'SCALE' : 'UPGRADE';
}

function configType(key: string, standalone: boolean): ChangeType {
  if (IGNORED_PREFIXES.some((prefix) => key.startsWith(prefix))) return 'IGNORE';
  return key.startsWith(OVERRIDES) && !standalone ? 'SCALE' : 'UPGRADE';
}

function keysOf(left: object, right: object): Set<string> {
  return new Set([...Object.keys(left), ...Object.keys(right)]);
}

/** One row for each leaf that differs; a value that went is `{..}` when it had parts. */
function rowsOf(path: string, left: Json, right: Json): string[] {
  if (isJsonObject(left) && isJsonObject(right)) {
    return [...keysOf(left, right)].flatMap((key) => {
      const [a, b] = [left[key] ?? null, right[key] ?? null];
      return jsonEqual(a, b) ? [] : rowsOf(`${path}.${escaped(key)}`, a, b);
    });
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    const length = Math.max(left.length, right.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) => {
      const [a, b] = [left[index] ?? null, right[index] ?? null];
      return jsonEqual(a, b) ? [] : rowsOf(`${path}.${index}`, a, b);
    });
  }
  const gone = right === null && typeof left === 'object' && left !== null && !isNumber(left);
  return [`${path} : ${gone ? '{..}' : textOf(left)} -> ${textOf(right)}`];
}

/** Keys are written as in a JSON pointer. */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  return isNumber(value) ? javaNumberText(value) : JSON.stringify(value);
}
