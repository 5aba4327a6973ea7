import type { AnyObject } from '@drey/kube';
import { ageOf, humanDuration } from '../age.ts';
import { bool, int, list, orElse, read, text } from '../fields.ts';
import type { CellWriter } from '../renderer.ts';

function name(object: AnyObject): string {
  return object.metadata.name ?? '';
}

function age(object: AnyObject, now: number): string {
  return ageOf(object.metadata.creationTimestamp, now);
}

function requestState(request: AnyObject): string {
  const types = list(request, 'status', 'conditions').map((condition) => text(condition, 'type'));
  const decision = types.includes('Denied') ? 'Denied' : types.includes('Approved') ? 'Approved' : 'Pending';
  const failed = types.includes('Failed') ? ',Failed' : '';
  return `${decision}${failed}${text(request, 'status', 'certificate') === '' ? '' : ',Issued'}`;
}

function claimState(claim: AnyObject): string {
  const deleted = claim.metadata.deletionTimestamp !== undefined;
  const states = deleted ? ['deleted'] : [];
  if (read(claim, 'status', 'allocation') === undefined) return (deleted ? states : ['pending']).join(',');
  states.push('allocated');
  if (list(claim, 'status', 'reservedFor').length > 0) states.push('reserved');
  return states.join(',');
}

function parentOf(address: AnyObject): string {
  if (read(address, 'spec', 'parentRef') === undefined) return '<none>';
  const part = (field: string): string => text(address, 'spec', 'parentRef', field);
  const group = part('group') === '' ? '' : `.${part('group')}`;
  const namespace = part('namespace') === '' ? '' : `/${part('namespace')}`;
  const resource = `${part('resource')}${group}`.toLowerCase();
  return `${resource}${namespace}/${part('name')}`;
}

function parameterOf(binding: AnyObject): string {
  const parameter = text(binding, 'spec', 'paramRef', 'name');
  return parameter === '' ? '<unset>' : `${orElse(text(binding, 'spec', 'paramRef', 'namespace'), '*')}/${parameter}`;
}

/** Kinds of administrators: storage drivers, addresses, certificates, policies. */
export const infrastructureCells: Readonly<Record<string, CellWriter>> = {
  'storage.k8s.io/CSIDriver': (object, now) => [
    name(object),
    read(object, 'spec', 'attachRequired') !== false,
    bool(object, 'spec', 'podInfoOnMount'),
    bool(object, 'spec', 'storageCapacity'),
    read(object, 'spec', 'tokenRequests') === undefined
      ? '<unset>'
      : list(object, 'spec', 'tokenRequests')
          .map((request) => text(request, 'audience'))
          .join(','),
    bool(object, 'spec', 'requiresRepublish'),
    orElse(list(object, 'spec', 'volumeLifecycleModes').join(','), '<none>'),
    age(object, now),
  ],
  'storage.k8s.io/CSINode': (object, now) => [name(object), list(object, 'spec', 'drivers').length, age(object, now)],
  'storage.k8s.io/VolumeAttachment': (object, now) => [
    name(object),
    text(object, 'spec', 'attacher'),
    text(object, 'spec', 'source', 'persistentVolumeName'),
    text(object, 'spec', 'nodeName'),
    bool(object, 'status', 'attached'),
    age(object, now),
  ],
  'storage.k8s.io/VolumeAttributesClass': (object, now) => [name(object), text(object, 'driverName'), age(object, now)],
  // The real server sends the age as well, although the table has no column for it.
  'networking.k8s.io/IPAddress': (object, now) => [name(object), parentOf(object), age(object, now)],
  'networking.k8s.io/ServiceCIDR': (object, now) => [
    name(object),
    list(object, 'spec', 'cidrs').join(','),
    age(object, now),
  ],
  'certificates.k8s.io/CertificateSigningRequest': (object, now) => [
    name(object),
    age(object, now),
    orElse(text(object, 'spec', 'signerName'), '<none>'),
    text(object, 'spec', 'username'),
    read(object, 'spec', 'expirationSeconds') === undefined
      ? '<none>'
      : humanDuration(int(object, 'spec', 'expirationSeconds') * 1000),
    requestState(object),
  ],
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': (object, now) => [
    name(object),
    list(object, 'spec', 'validations').length,
    read(object, 'spec', 'paramKind') === undefined
      ? '<unset>'
      : `${text(object, 'spec', 'paramKind', 'apiVersion')}/${text(object, 'spec', 'paramKind', 'kind')}`,
    age(object, now),
  ],
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': (object, now) => [
    name(object),
    text(object, 'spec', 'policyName'),
    parameterOf(object),
    age(object, now),
  ],
  'resource.k8s.io/DeviceClass': (object, now) => [name(object), age(object, now)],
  'resource.k8s.io/ResourceClaimTemplate': (object, now) => [name(object), age(object, now)],
  'resource.k8s.io/ResourceClaim': (object, now) => [name(object), claimState(object), age(object, now)],
};
