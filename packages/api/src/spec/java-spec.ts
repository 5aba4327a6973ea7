import { DEPLOYMENT_MODES, FLINK_VERSIONS } from '../kinds/flink-deployment.ts';
import { DESIRED_JOB_STATES, UPGRADE_MODES } from '../kinds/job.ts';
import {
  isJsonObject,
  isNumber,
  type Json,
  JsonNumber,
  type JsonObject,
  javaDoubleText,
  javaNumberText,
} from '../values/json.ts';
import { podTemplateNormalForm, resourcesNormalForm } from './pod-normal-form.ts';

/** Kinds whose specs are recorded. */
export type RecordedKind = 'FlinkDeployment' | 'FlinkSessionJob';

/** How one member of a spec is read: what it becomes, and what it is when absent. */
interface Member {
  readonly read: (value: Json) => Json;
  readonly absent: Json;
  /** What an explicit null becomes; null where that is kept. */
  readonly none?: Json;
  /** Left out of the record while it is null: members that older operators do not know. */
  readonly optional?: boolean;
}

type Members = Readonly<Record<string, Member>>;

/** A spec holds what its kind does not allow; the message names the member. */
export class SpecFormatError extends Error {
  /** The member below `spec`, as `job.parallelism`. */
  readonly path: string;

  constructor(message: string, path = '') {
    super(message);
    this.path = path;
  }
}

const text: Member = {
  read: (value) => (isNumber(value) ? javaNumberText(value) : typeof value === 'boolean' ? String(value) : value),
  absent: null,
};
const integer: Member = { read: wholeNumber, absent: null };
const flag: Member = { read: (value) => (value === 'true' ? true : value === 'false' ? false : value), absent: null };
const kept: Member = { read: (value) => value, absent: null };
const double: Member = { read: doubleNumber, absent: null };
const podTemplate: Member = { read: podTemplateNormalForm, absent: null };

function oneOf(values: readonly string[], absent: Json): Member {
  const read = (value: Json): Json => {
    if (typeof value === 'string' && values.includes(value)) return value;
    throw new SpecFormatError(`${JSON.stringify(value)} is none of ${values.join(', ')}`);
  };
  return { read, absent };
}

const JOB: Members = {
  jarURI: text,
  parallelism: { read: wholeNumber, absent: 0, none: 0 },
  entryClass: text,
  args: {
    read: (value) => (Array.isArray(value) ? value.map((item) => (item === null ? null : text.read(item))) : value),
    absent: [],
  },
  state: oneOf(DESIRED_JOB_STATES, 'running'),
  savepointTriggerNonce: integer,
  initialSavepointPath: text,
  checkpointTriggerNonce: integer,
  upgradeMode: oneOf(UPGRADE_MODES, 'stateless'),
  allowNonRestoredState: flag,
  savepointRedeployNonce: integer,
  autoscalerResetNonce: integer,
};

const RESOURCE: Members = { cpu: double, memory: text, ephemeralStorage: text };
const resource: Member = { read: (value) => members(RESOURCE, value), absent: null };
const resources: Member = { read: resourcesNormalForm, absent: null, optional: true };

const JOB_MANAGER: Members = { resource, resources, replicas: { read: wholeNumber, absent: 1, none: 0 }, podTemplate };
const TASK_MANAGER: Members = { resource, resources, replicas: integer, podTemplate };
const INGRESS: Members = { template: text, className: text, annotations: kept, labels: kept, tls: kept };

const COMMON: Members = {
  job: { read: (value) => members(JOB, value), absent: null },
  restartNonce: integer,
  flinkConfiguration: { read: configuration, absent: {}, none: {} },
};

const SPECS: Readonly<Record<RecordedKind, Members>> = {
  FlinkDeployment: {
    ...COMMON,
    image: text,
    imagePullPolicy: text,
    serviceAccount: text,
    flinkVersion: oneOf(FLINK_VERSIONS, null),
    ingress: { read: (value) => members(INGRESS, value), absent: null },
    podTemplate,
    jobManager: { read: (value) => members(JOB_MANAGER, value), absent: null },
    taskManager: { read: (value) => members(TASK_MANAGER, value), absent: null },
    logConfiguration: kept,
    mode: oneOf(DEPLOYMENT_MODES, null),
  },
  FlinkSessionJob: { ...COMMON, deploymentName: text },
};

/**
 * A spec as the Apache operator holds it in memory: every member present, in the order it is recorded in, absent ones with
 * the defaults of its classes and the others null; unknown members gone. An explicit null stays null where the class has no
 * primitive type. Throws {@link SpecFormatError} for a value that the kind does not allow.
 */
export function javaSpec(kind: RecordedKind, spec: Json | undefined): JsonObject {
  return members(SPECS[kind], spec ?? {});
}

function members(known: Members, value: Json): JsonObject {
  if (!isJsonObject(value)) throw new SpecFormatError('an object was expected');
  const out: JsonObject = {};
  for (const [name, member] of Object.entries(known)) {
    const given = value[name];
    const read =
      given === undefined ? member.absent : given === null ? (member.none ?? null) : readMember(name, member, given);
    if (read !== null || !member.optional) out[name] = read;
  }
  return out;
}

function readMember(name: string, member: Member, value: Json): Json {
  try {
    return member.read(value);
  } catch (error) {
    if (error instanceof SpecFormatError) {
      const path = error.path === '' ? name : `${name}.${error.path}`;
      throw new SpecFormatError(`${name}: ${error.message}`, path);
    }
    throw error;
  }
}

function wholeNumber(value: Json): Json {
  if (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)) {
    const trimmed = value.trim().replace(/^\+/, '');
    return Number.isSafeInteger(Number(trimmed)) ? Number(trimmed) : new JsonNumber(trimmed);
  }
  if (isNumber(value)) {
    const shown = javaNumberText(value);
    return /^-?\d+$/.test(shown) ? value : Math.trunc(Number(shown));
  }
  throw new SpecFormatError(`${JSON.stringify(value)} is not a whole number`);
}

function doubleNumber(value: Json): Json {
  const number = isNumber(value) ? Number(value instanceof JsonNumber ? value.text : value) : Number(value);
  if (typeof value === 'boolean' || Number.isNaN(number))
    throw new SpecFormatError(`${JSON.stringify(value)} is not a number`);
  return new JsonNumber(javaDoubleText(number));
}

function configuration(value: Json): Json {
  if (!isJsonObject(value)) throw new SpecFormatError('flinkConfiguration is not an object');
  return value;
}
