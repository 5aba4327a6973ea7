import {
  compareDecimals,
  type Decimal,
  decimalToNumber,
  isJsonObject,
  isNumber,
  type Json,
  type JsonObject,
  javaDoubleText,
  javaNumberText,
  memoryForFlink,
  parseQuantity,
} from '@drey/api';
import { ManifestError } from './errors.ts';

/** What the resources of a role turn into: configuration keys, and what goes into the pod template. */
export interface RoleResources {
  readonly entries: Readonly<Record<string, string>>;
  readonly extraRequests: Readonly<Record<string, string>>;
  readonly extraLimits: Readonly<Record<string, string>>;
}

const NOTHING: RoleResources = { entries: {}, extraRequests: {}, extraLimits: {} };

/**
 * Reads `resources`, or else the older `resource`, of `spec.jobManager` or `spec.taskManager`. `legacyCpu` also sets the
 * CPU under the name it had before 1.17.
 */
export function roleResources(role: 'jobmanager' | 'taskmanager', spec: JsonObject, legacyCpu: boolean): RoleResources {
  const requirements = isJsonObject(spec.resources) ? spec.resources : {};
  const requests = quantities(requirements.requests);
  const limits = quantities(requirements.limits);
  if (requests.size > 0 || limits.size > 0) return fromRequirements(role, requests, limits, legacyCpu);
  return isJsonObject(spec.resource) ? fromShortForm(role, spec.resource, legacyCpu) : NOTHING;
}

function fromShortForm(role: string, resource: JsonObject, legacyCpu: boolean): RoleResources {
  const { cpu, memory, ephemeralStorage } = resource;
  const storage = typeof ephemeralStorage === 'string' && ephemeralStorage.trim() !== '' ? ephemeralStorage : undefined;
  const extra: Record<string, string> = storage === undefined ? {} : { 'ephemeral-storage': storage };
  return {
    entries: {
      ...(typeof memory === 'string' ? memoryEntry(role, memory) : {}),
      ...(isNumber(cpu) ? cpuEntries(role, javaNumberText(cpu), legacyCpu) : {}),
    },
    extraRequests: extra,
    extraLimits: extra,
  };
}

function fromRequirements(
  role: string,
  requests: ReadonlyMap<string, string>,
  limits: ReadonlyMap<string, string>,
  legacyCpu: boolean,
): RoleResources {
  const memory = requests.get('memory') ?? limits.get('memory');
  const cpu = requests.get('cpu') ?? limits.get('cpu');
  const others = (map: ReadonlyMap<string, string>): Record<string, string> =>
    Object.fromEntries([...map].filter(([name]) => name !== 'cpu' && name !== 'memory'));
  return {
    entries: {
      ...(memory === undefined ? {} : memoryEntry(role, memory)),
      ...(cpu === undefined ? {} : cpuEntries(role, javaDoubleText(decimalToNumber(quantity(role, cpu))), legacyCpu)),
      ...limitFactor(role, 'cpu', requests, limits),
      ...limitFactor(role, 'memory', requests, limits),
    },
    extraRequests: others(requests),
    extraLimits: others(limits),
  };
}

function memoryEntry(role: string, text: string): Record<string, string> {
  const memory = memoryForFlink(text);
  if (memory.ok) return { [`${role}.memory.process.size`]: memory.value };
  throw new ManifestError(
    'E_SPEC_MEMORY',
    `"${text}" is no amount of memory for the ${role}: ${memory.reason}`,
    'Write it as 2048m or 2g, or as a Kubernetes quantity such as 2Gi.',
  );
}

function cpuEntries(role: string, cores: string, legacy: boolean): Record<string, string> {
  return { [`kubernetes.${role}.cpu.amount`]: cores, ...(legacy ? { [`kubernetes.${role}.cpu`]: cores } : {}) };
}

function limitFactor(
  role: string,
  name: 'cpu' | 'memory',
  requests: ReadonlyMap<string, string>,
  limits: ReadonlyMap<string, string>,
): Record<string, string> {
  const request = requests.get(name);
  const limit = limits.get(name);
  if (request === undefined || limit === undefined) return {};
  const divisor = quantity(role, request);
  if (compareDecimals(divisor, { unscaled: 0n, scale: 0 }) === 0) return {};
  const factor = decimalToNumber(quantity(role, limit)) / decimalToNumber(divisor);
  return { [`kubernetes.${role}.${name}.limit-factor`]: javaDoubleText(factor) };
}

function quantity(role: string, text: string): Decimal {
  const reading = parseQuantity(text);
  if (reading.ok) return reading.value;
  throw new ManifestError(
    'E_SPEC_RESOURCES',
    `"${text}" in the resources of the ${role} is no quantity: ${reading.reason}`,
    'Write a Kubernetes quantity such as 500m, 2 or 4Gi.',
  );
}

function quantities(map: Json | undefined): Map<string, string> {
  if (!isJsonObject(map)) return new Map();
  return new Map(Object.entries(map).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}
