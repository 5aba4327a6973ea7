import type { FieldError } from '../../model.ts';
import { compareQuantities, parseQuantity } from '../../schema/quantity.ts';
import {
  duplicate,
  forbiddenField,
  invalidTexts,
  invalidValue,
  notFoundField,
  notSupported,
  required,
} from '../../validation/field-errors.ts';
import { envNameErrors, labelErrors, portErrors, portNameErrors } from '../../validation/formats.ts';
import { type Fields, fieldsOf, isFields, listOf, numberOf, textOf } from './fields.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const TOLERATION_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Errors of a pod spec below `path` (`spec`, or `spec.template.spec`). */
export function podSpecErrors(spec: Fields, path: string): FieldError[] {
  const volumes = new Set(listOf(spec.volumes).map((volume) => textOf(volume.name)));
  return [
    ...volumeErrors(listOf(spec.volumes), `${path}.volumes`),
    ...containerListErrors(spec, volumes, path),
    ...(RESTART_POLICIES.includes(textOf(spec.restartPolicy))
      ? []
      : [notSupported(`${path}.restartPolicy`, textOf(spec.restartPolicy), RESTART_POLICIES)]),
    ...(DNS_POLICIES.includes(textOf(spec.dnsPolicy))
      ? []
      : [notSupported(`${path}.dnsPolicy`, textOf(spec.dnsPolicy), DNS_POLICIES)]),
    ...scalarErrors(spec, path),
    ...tolerationErrors(listOf(spec.tolerations), `${path}.tolerations`),
  ];
}

function scalarErrors(spec: Fields, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const deadline = numberOf(spec.activeDeadlineSeconds);
  if (deadline !== undefined && (deadline < 1 || deadline > 2147483647)) {
    errors.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, 'must be between 1 and 2147483647, inclusive'));
  }
  for (const field of ['hostname', 'subdomain']) {
    const value = textOf(spec[field]);
    if (value !== '') errors.push(...invalidTexts(`${path}.${field}`, value, labelErrors(value)));
  }
  return errors;
}

function volumeErrors(volumes: readonly Fields[], path: string): FieldError[] {
  const seen = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${path}[${index}]`;
    const name = textOf(volume.name);
    const errors: FieldError[] = [];
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    if (sources.length > 1) {
      errors.push(forbiddenField(`${at}.${sources[1]}`, 'may not specify more than 1 volume type'));
    }
    errors.push(...volumeSourceErrors(volume, at));
    if (name === '') errors.push(required(`${at}.name`));
    else {
      const bad = labelErrors(name);
      errors.push(...invalidTexts(`${at}.name`, name, bad));
      if (bad.length === 0 && seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    }
    seen.add(name);
    return errors;
  });
}

function volumeSourceErrors(volume: Fields, at: string): FieldError[] {
  const { secret, configMap, hostPath, persistentVolumeClaim } = volume;
  if (isFields(secret) && textOf(secret.secretName) === '') return [required(`${at}.secret.secretName`)];
  if (isFields(configMap) && textOf(configMap.name) === '') return [required(`${at}.configMap.name`)];
  if (isFields(hostPath) && textOf(hostPath.path) === '') return [required(`${at}.hostPath.path`)];
  if (isFields(persistentVolumeClaim) && textOf(persistentVolumeClaim.claimName) === '') {
    return [required(`${at}.persistentVolumeClaim.claimName`)];
  }
  return [];
}

function containerListErrors(spec: Fields, volumes: ReadonlySet<string>, path: string): FieldError[] {
  const containers = listOf(spec.containers);
  const names = new Set<string>();
  const errors: FieldError[] = [];
  if (containers.length === 0) errors.push(required(`${path}.containers`));
  for (const field of ['containers', 'initContainers']) {
    for (const [index, container] of listOf(spec[field]).entries()) {
      const at = `${path}.${field}[${index}]`;
      const name = textOf(container.name);
      errors.push(...nameErrors(name, `${at}.name`, names));
      names.add(name);
      errors.push(...containerErrors(container, volumes, at));
    }
  }
  return errors;
}

function nameErrors(name: string, at: string, taken: ReadonlySet<string>): FieldError[] {
  if (name === '') return [required(at)];
  const bad = labelErrors(name);
  if (bad.length > 0) return invalidTexts(at, name, bad);
  return taken.has(name) ? [duplicate(at, name)] : [];
}

function containerErrors(container: Fields, volumes: ReadonlySet<string>, at: string): FieldError[] {
  const image = textOf(container.image);
  const pull = textOf(container.imagePullPolicy);
  return [
    ...(image === '' ? [required(`${at}.image`)] : []),
    ...(image !== '' && image.trim() !== image
      ? [invalidValue(`${at}.image`, image, 'must not have leading or trailing whitespace')]
      : []),
    ...containerPortErrors(listOf(container.ports), `${at}.ports`),
    ...envErrors(listOf(container.env), `${at}.env`),
    ...mountErrors(listOf(container.volumeMounts), volumes, `${at}.volumeMounts`),
    ...(PULL_POLICIES.includes(pull) ? [] : [notSupported(`${at}.imagePullPolicy`, pull, PULL_POLICIES)]),
    ...resourceErrors(fieldsOf(container.resources), `${at}.resources`),
  ];
}

function containerPortErrors(ports: readonly Fields[], path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `${path}[${index}]`;
    const name = textOf(port.name);
    const errors: FieldError[] = [];
    if (name !== '') {
      const bad = portNameErrors(name);
      errors.push(...invalidTexts(`${at}.name`, name, bad));
      if (bad.length === 0 && names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    const number = numberOf(port.containerPort) ?? 0;
    if (number === 0) errors.push(required(`${at}.containerPort`));
    else errors.push(...invalidTexts(`${at}.containerPort`, number, portErrors(number)));
    const host = numberOf(port.hostPort) ?? 0;
    if (host !== 0) errors.push(...invalidTexts(`${at}.hostPort`, host, portErrors(host)));
    const protocol = textOf(port.protocol);
    if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(`${at}.protocol`, protocol, PROTOCOLS));
    return errors;
  });
}

function envErrors(variables: readonly Fields[], path: string): FieldError[] {
  return variables.flatMap((variable, index) => {
    const at = `${path}[${index}]`;
    const name = textOf(variable.name);
    const errors: FieldError[] =
      name === '' ? [required(`${at}.name`)] : invalidTexts(`${at}.name`, name, envNameErrors(name));
    if (!isFields(variable.valueFrom)) return errors;
    if (textOf(variable.value) !== '') {
      errors.push(invalidValue(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    }
    const sources = Object.keys(variable.valueFrom);
    if (sources.length === 0) {
      errors.push(
        invalidValue(
          `${at}.valueFrom`,
          '',
          'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
        ),
      );
    } else if (sources.length > 1) {
      errors.push(invalidValue(`${at}.valueFrom`, '', 'may not have more than one field specified at a time'));
    }
    return errors;
  });
}

function mountErrors(mounts: readonly Fields[], volumes: ReadonlySet<string>, path: string): FieldError[] {
  const paths = new Set<string>();
  return mounts.flatMap((mount, index) => {
    const at = `${path}[${index}]`;
    const name = textOf(mount.name);
    const mountPath = textOf(mount.mountPath);
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${at}.name`));
    else if (!volumes.has(name)) errors.push(notFoundField(`${at}.name`, name));
    if (mountPath === '') errors.push(required(`${at}.mountPath`));
    if (paths.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    return errors;
  });
}

function resourceErrors(resources: Fields, path: string): FieldError[] {
  const limits = fieldsOf(resources.limits);
  const errors: FieldError[] = [];
  for (const [name, limit] of Object.entries(limits)) {
    if (compareTexts(limit, '0') < 0) {
      errors.push(invalidValue(`${path}.limits[${name}]`, limit, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, request] of Object.entries(fieldsOf(resources.requests))) {
    if (compareTexts(request, '0') < 0) {
      errors.push(invalidValue(`${path}.requests[${name}]`, request, 'must be greater than or equal to 0'));
    }
    const limit = limits[name];
    if (limit !== undefined && compareTexts(request, limit) > 0) {
      const text = `must be less than or equal to ${name} limit of ${String(limit)}`;
      errors.push(invalidValue(`${path}.requests`, request, text));
    }
  }
  return errors;
}

function tolerationErrors(tolerations: readonly Fields[], path: string): FieldError[] {
  return tolerations.flatMap((toleration, index) => {
    const at = `${path}[${index}]`;
    const operator = textOf(toleration.operator);
    const effect = textOf(toleration.effect);
    const errors: FieldError[] = [];
    if (textOf(toleration.key) === '' && operator !== 'Exists') {
      const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalidValue(`${at}.operator`, operator, text));
    }
    if (effect !== '' && !TOLERATION_EFFECTS.includes(effect)) {
      errors.push(notSupported(`${at}.effect`, effect, TOLERATION_EFFECTS));
    }
    return errors;
  });
}

/** Like a comparator; what is no quantity was refused by the decoder. */
function compareTexts(a: unknown, b: unknown): number {
  const left = parseQuantity(String(a));
  const right = parseQuantity(String(b));
  return left === undefined || right === undefined ? 0 : compareQuantities(left, right);
}
