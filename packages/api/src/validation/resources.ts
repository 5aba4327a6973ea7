import { compareDecimals, type Decimal } from '../values/decimal.ts';
import { isJsonObject, type Json, type JsonObject } from '../values/json.ts';
import { memoryForFlink, parseFlinkMemory } from '../values/memory-size.ts';
import { parseQuantity } from '../values/quantity.ts';
import { problem, type ValidationCode, type ValidationProblem } from './problem.ts';

/** A kind of process as the messages name it. */
export interface ProcessRole {
  readonly name: 'JobManager' | 'TaskManager';
  readonly field: 'jobManager' | 'taskManager';
  readonly code: ValidationCode;
}

export const JOB_MANAGER: ProcessRole = { name: 'JobManager', field: 'jobManager', code: 'E_VALIDATION_JOB_MANAGER' };
export const TASK_MANAGER: ProcessRole = {
  name: 'TaskManager',
  field: 'taskManager',
  code: 'E_VALIDATION_TASK_MANAGER',
};

/** Checks that a process has memory, and that its resources are amounts. `computable`: Flink derives it from configuration. */
export function checkResources(
  role: ProcessRole,
  spec: JsonObject | undefined,
  computable: () => boolean,
): ValidationProblem | undefined {
  const requirements = isJsonObject(spec?.resources) ? spec.resources : undefined;
  const requests = quantityMap(requirements?.requests);
  const limits = quantityMap(requirements?.limits);
  if (requests.size > 0 || limits.size > 0) return checkRequirements(role, requests, limits, computable);
  const resource = isJsonObject(spec?.resource) ? spec.resource : {};
  const { memory } = resource;
  if ((typeof memory !== 'string' || memory.trim() === '') && !computable()) return undefinedMemory(role);
  if (typeof memory !== 'string') return checkStorage(role, resource);
  const message = `${memoryError(role, memory) ?? ''}${storageError(role, resource) ?? ''}`;
  return message === '' ? undefined : problem(role.code, `spec.${role.field}.resource`, message, amounts(role));
}

function undefinedMemory(role: ProcessRole): ValidationProblem {
  return problem(
    role.code,
    `spec.${role.field}.resource.memory`,
    `${role.name} resource memory must be defined using \`spec.${role.field}.resource.memory\``,
    `Set spec.${role.field}.resource.memory, for example to 2048m, or ${role.name.toLowerCase()}.memory.process.size.`,
  );
}

function checkStorage(role: ProcessRole, resource: JsonObject): ValidationProblem | undefined {
  const message = storageError(role, resource);
  return message === undefined
    ? undefined
    : problem(role.code, `spec.${role.field}.resource.ephemeralStorage`, message, amounts(role));
}

function memoryError(role: ProcessRole, text: string): string | undefined {
  const converted = memoryForFlink(text);
  const reading = converted.ok ? parseFlinkMemory(converted.value) : converted;
  return reading.ok ? undefined : `${role.name} resource memory parse error: ${reading.reason}`;
}

function storageError(role: ProcessRole, { ephemeralStorage }: JsonObject): string | undefined {
  if (typeof ephemeralStorage !== 'string') return undefined;
  const reading = parseQuantity(ephemeralStorage);
  return reading.ok ? undefined : `${role.name} resource ephemeral storage parse error: ${reading.reason}`;
}

function checkRequirements(
  role: ProcessRole,
  requests: ReadonlyMap<string, string>,
  limits: ReadonlyMap<string, string>,
  computable: () => boolean,
): ValidationProblem | undefined {
  const parsed = new Map<string, Decimal>();
  for (const [kind, map] of [
    ['request', requests],
    ['limit', limits],
  ] as const) {
    for (const [name, text] of map) {
      const reading = parseQuantity(text);
      if (!reading.ok) return refuse(role, `${kind} ${name} parse error: ${reading.reason}`);
      const sign = compareDecimals(reading.value, { unscaled: 0n, scale: 0 });
      const positive = name === 'cpu' || name === 'memory';
      if (sign < 0 || (positive && sign === 0)) {
        return refuse(role, `${kind} ${name} must be ${positive ? 'larger than' : 'at least'} 0`);
      }
      parsed.set(`${kind}/${name}`, reading.value);
    }
  }
  for (const name of ['cpu', 'memory']) {
    const [request, limit] = [parsed.get(`request/${name}`), parsed.get(`limit/${name}`)];
    if (request && limit && compareDecimals(request, limit) > 0) {
      return refuse(role, `request ${name} must not be larger than its limit`);
    }
  }
  return requests.has('memory') || limits.has('memory') || computable() ? undefined : undefinedMemory(role);
}

function refuse(role: ProcessRole, message: string): ValidationProblem {
  return problem(role.code, `spec.${role.field}.resources`, `${role.name} resources ${message}`, amounts(role));
}

function amounts(role: ProcessRole): string {
  return `Correct spec.${role.field}: write memory as 2048m, 2g or 2Gi, other amounts as Kubernetes quantities.`;
}

function quantityMap(map: Json | undefined): ReadonlyMap<string, string> {
  if (!isJsonObject(map)) return new Map();
  return new Map(Object.entries(map).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}
