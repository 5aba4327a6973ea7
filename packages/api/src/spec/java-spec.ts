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
import { SpecFormatError } from './spec-format-error.ts';

export { SpecFormatError } from './spec-format-error.ts';

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

const text: Member = { read: textValue, absent: null };
const integer: Member = { read: wholeNumber, absent: null };
const flag: Member = { read: flagValue, absent: null };
const texts: Member = { read: textMap, absent: null };
const tls: Member = { read: tlsList, absent: null };
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
    read: (value) => listOf(value, nullable),
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
const INGRESS: Members = { template: text, className: text, annotations: texts, labels: texts, tls };

const COMMON: Members = {
  job: { read: (value) => members(JOB, value), absent: null },
  restartNonce: integer,
  flinkConfiguration: { read: configuration, absent: {} },
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
    logConfiguration: texts,
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
    throw error instanceof SpecFormatError ? error.below(name) : error;
  }
}

function textValue(value: Json): Json {
  if (isNumber(value)) return javaNumberText(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value;
  throw new SpecFormatError(`${JSON.stringify(value)} is not a text`);
}

function flagValue(value: Json): Json {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new SpecFormatError(`${JSON.stringify(value)} is neither true nor false`);
}

function listOf(value: Json, read: (item: Json) => Json): Json {
  if (Array.isArray(value)) return value.map(read);
  throw new SpecFormatError(`${JSON.stringify(value)} is not a list`);
}

function textMap(value: Json): Json {
  if (!isJsonObject(value)) throw new SpecFormatError('an object was expected');
  const texts = Object.entries(value).map(([name, item]) => [
    name,
    item === null ? null : readMember(name, text, item),
  ]);
  return Object.fromEntries(texts) as JsonObject;
}

const nullable = (item: Json): Json => (item === null ? null : textValue(item));

/** TLS of an Ingress: members that say nothing are left out, those that are not known stay. */
function tlsList(value: Json): Json {
  return listOf(value, (item) => {
    if (item === null) return null;
    if (!isJsonObject(item)) throw new SpecFormatError('an object was expected');
    const { hosts: givenHosts = null, secretName = null, ...others } = item;
    const hosts = givenHosts === null ? [] : listOf(givenHosts, nullable);
    return {
      ...((hosts as Json[]).length === 0 ? {} : { hosts }),
      ...(secretName === null ? {} : { secretName: textValue(secretName) }),
      ...others,
    };
  });
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
