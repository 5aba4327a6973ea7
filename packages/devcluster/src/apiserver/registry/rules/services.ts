import type { AnyObject } from '@drey/kube';
import type { FieldError } from '../../model.ts';
import { duplicate, invalidTexts, invalidValue, notSupported, required } from '../../validation/field-errors.ts';
import { label1035Errors, labelErrors, portErrors } from '../../validation/formats.ts';
import { sameValue } from '../same-value.ts';
import { ensureFields, type Fields, fieldsOf, fill, fillText, listOf, numberOf, textOf, textsOf } from './fields.ts';
import type { KindRules } from './types.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const AFFINITY_SECONDS = 10_800;

export const serviceRules: KindRules = {
  answersDeletedObject: true,
  createsOnUpdate: true,
  name: label1035Errors,
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    fillText(spec, 'sessionAffinity', 'None');
    if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
    if (spec.sessionAffinity === 'ClientIP') {
      const config = ensureFields(spec, 'sessionAffinityConfig');
      fill(ensureFields(config, 'clientIP'), { timeoutSeconds: AFFINITY_SECONDS });
    }
    fillText(spec, 'type', 'ClusterIP');
    for (const port of listOf(spec.ports)) {
      fillText(port, 'protocol', 'TCP');
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
    }
    const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
    if (external) fillText(spec, 'externalTrafficPolicy', 'Cluster');
    if (spec.type !== 'ExternalName') fillText(spec, 'internalTrafficPolicy', 'Cluster');
    if (spec.type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
  },
  prepareForCreate: (object) => alignAddresses(fieldsOf(object.spec)),
  prepareForUpdate(object, old, subresource) {
    if (subresource !== undefined) return;
    keepAllocated(fieldsOf(object.spec), fieldsOf(old.spec));
    dropOfOldType(fieldsOf(object.spec), fieldsOf(old.spec));
    alignAddresses(fieldsOf(object.spec));
  },
  validate: serviceErrors,
  validateUpdate: (object, old, subresource) => (subresource === undefined ? updateErrors(object, old) : []),
  warnings(object) {
    const spec = fieldsOf(object.spec);
    return spec.type !== 'ExternalName' && textOf(spec.externalName) !== ''
      ? ['spec.externalName is ignored when spec.type is not "ExternalName"']
      : [];
  },
  selectableFields(object) {
    const spec = fieldsOf(object.spec);
    return { 'spec.clusterIP': textOf(spec.clusterIP), 'spec.type': textOf(spec.type) };
  },
};

/** The single address and the first of the list are the same thing. */
function alignAddresses(spec: Fields): void {
  const first = textsOf(spec.clusterIPs)[0];
  if (textOf(spec.clusterIP) === '' && first !== undefined) spec.clusterIP = first;
  else if (textOf(spec.clusterIP) !== '' && first === undefined) spec.clusterIPs = [spec.clusterIP];
}

/** What an update leaves out of what was allocated stays. */
function keepAllocated(next: Fields, last: Fields): void {
  const hadAddress = last.type !== 'ExternalName';
  if (next.type !== 'ExternalName' && hadAddress) {
    if (textOf(next.clusterIP) === '') {
      next.clusterIP = last.clusterIP;
      if (textsOf(next.clusterIPs).length === 0) next.clusterIPs = last.clusterIPs;
    }
    fill(next, { ipFamilyPolicy: last.ipFamilyPolicy, ipFamilies: last.ipFamilies });
  }
  const nodePorts = (type: unknown): boolean => type === 'NodePort' || type === 'LoadBalancer';
  if (nodePorts(next.type) && nodePorts(last.type)) {
    for (const port of listOf(next.ports)) {
      const same = listOf(last.ports).find(
        (candidate) => candidate.port === port.port && candidate.protocol === port.protocol,
      );
      if ((numberOf(port.nodePort) ?? 0) === 0 && numberOf(same?.nodePort) !== undefined)
        port.nodePort = same?.nodePort;
    }
  }
}

/** What belonged to the old type and was not touched goes with it. */
function dropOfOldType(next: Fields, last: Fields): void {
  const isExternal = (type: unknown): boolean => type === 'NodePort' || type === 'LoadBalancer';
  if (last.type !== 'ExternalName' && next.type === 'ExternalName' && next.clusterIP === last.clusterIP) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete next[field];
  }
  if (isExternal(last.type) && !isExternal(next.type)) {
    const was = listOf(last.ports).map((port) => port.nodePort);
    if (
      sameValue(
        listOf(next.ports).map((port) => port.nodePort),
        was,
      )
    ) {
      for (const port of listOf(next.ports)) delete port.nodePort;
    }
    if (next.externalTrafficPolicy === last.externalTrafficPolicy) delete next.externalTrafficPolicy;
  }
  if (last.type === 'LoadBalancer' && next.type !== 'LoadBalancer') {
    for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass']) {
      if (next[field] === last[field]) delete next[field];
    }
  }
}

function serviceErrors(object: AnyObject): FieldError[] {
  const spec = fieldsOf(object.spec);
  const type = textOf(spec.type);
  const ports = listOf(spec.ports);
  const headless = textOf(spec.clusterIP) === 'None';
  const errors: FieldError[] = [];
  if (ports.length === 0 && !headless && type !== 'ExternalName') errors.push(required('spec.ports'));
  if (type === 'LoadBalancer' && headless) {
    errors.push(invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"));
  }
  if (type === 'NodePort' && headless) {
    errors.push(invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"));
  }
  if (type === 'ExternalName' && textOf(spec.externalName) === '') errors.push(required('spec.externalName'));
  errors.push(...portListErrors(ports));
  const affinity = textOf(spec.sessionAffinity);
  if (affinity !== 'None' && affinity !== 'ClientIP') {
    errors.push(notSupported('spec.sessionAffinity', affinity, ['ClientIP', 'None']));
  }
  if (!TYPES.includes(type)) errors.push(notSupported('spec.type', type, TYPES));
  errors.push(...duplicatePorts(ports));
  return errors;
}

function portListErrors(ports: readonly Fields[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    const name = textOf(port.name);
    const errors: FieldError[] = [];
    if (name === '') {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      errors.push(...invalidTexts(`${at}.name`, name, labelErrors(name)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    const number = numberOf(port.port) ?? 0;
    errors.push(...invalidTexts(`${at}.port`, number, portErrors(number)));
    const protocol = textOf(port.protocol);
    if (!['SCTP', 'TCP', 'UDP'].includes(protocol)) {
      errors.push(notSupported(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    }
    const target = numberOf(port.targetPort);
    if (target !== undefined) errors.push(...invalidTexts(`${at}.targetPort`, target, portErrors(target)));
    return errors;
  });
}

function duplicatePorts(ports: readonly Fields[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    const key = `${String(port.port)}/${String(port.protocol)}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [duplicate(`spec.ports[${index}]`, { protocol: port.protocol, port: port.port })];
  });
}

function updateErrors(object: AnyObject, old: AnyObject): FieldError[] {
  const next = fieldsOf(object.spec);
  const last = fieldsOf(old.spec);
  if (next.type === 'ExternalName' || last.type === 'ExternalName') return [];
  if (textOf(last.clusterIP) === '') return [];
  const errors: FieldError[] = [];
  const [first] = textsOf(next.clusterIPs);
  const [was] = textsOf(last.clusterIPs);
  if (textOf(next.clusterIP) !== (first ?? '')) {
    errors.push(invalidValue('spec.clusterIPs', next.clusterIPs ?? null, 'first value must match `clusterIP`'));
  }
  if (!sameValue(first, was)) {
    errors.push(invalidValue('spec.clusterIPs[0]', next.clusterIPs ?? null, 'may not change once set'));
  }
  return errors;
}
