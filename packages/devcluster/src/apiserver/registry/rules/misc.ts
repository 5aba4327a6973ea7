import type { AnyObject } from '@drey/kube';
import { invalidValue, notSupported, required } from '../../validation/field-errors.ts';
import { pathSegmentErrors } from '../../validation/formats.ts';
import { sameValue } from '../same-value.ts';
import { ensureFields, type Fields, fieldsOf, fill, fillText, listOf, numberOf, textOf, textsOf } from './fields.ts';
import type { KindRules } from './types.ts';

const SUBJECTS = ['ServiceAccount', 'User', 'Group'];
const RBAC = 'rbac.authorization.k8s.io';

export const roleRules: KindRules = {
  createsOnUpdate: true,
  name: pathSegmentErrors,
  validate: (object) =>
    listOf(object.rules).flatMap((rule, index) => {
      const at = `rules[${index}]`;
      const isPath = textsOf(rule.nonResourceURLs).length > 0;
      return [
        ...(textsOf(rule.verbs).length === 0 ? [required(`${at}.verbs`, 'verbs must contain at least one value')] : []),
        ...(!isPath && textsOf(rule.apiGroups).length === 0
          ? [required(`${at}.apiGroups`, 'resource rules must supply at least one api group')]
          : []),
        ...(!isPath && textsOf(rule.resources).length === 0
          ? [required(`${at}.resources`, 'resource rules must supply at least one resource')]
          : []),
      ];
    }),
};

export const roleBindingRules: KindRules = {
  createsOnUpdate: true,
  name: pathSegmentErrors,
  defaults(object) {
    fillText(ensureFields(object, 'roleRef'), 'apiGroup', RBAC);
    for (const subject of listOf(object.subjects)) {
      if (subject.kind === 'User' || subject.kind === 'Group') fillText(subject, 'apiGroup', RBAC);
    }
  },
  validate(object) {
    const ref = fieldsOf(object.roleRef);
    const { namespace = '' } = object.metadata;
    const kinds = namespace === '' ? ['ClusterRole'] : ['Role', 'ClusterRole'];
    const kind = textOf(ref.kind);
    return [
      ...(kinds.includes(kind) ? [] : [notSupported('roleRef.kind', kind, kinds)]),
      ...(textOf(ref.name) === '' ? [required('roleRef.name')] : []),
      ...listOf(object.subjects).flatMap((subject, index) => {
        const at = `subjects[${index}]`;
        if (textOf(subject.name) === '') return [required(`${at}.name`)];
        const subjectKind = textOf(subject.kind);
        if (!SUBJECTS.includes(subjectKind)) return [notSupported(`${at}.kind`, subjectKind, SUBJECTS)];
        const account = subject.kind === 'ServiceAccount' && namespace === '' && textOf(subject.namespace) === '';
        return account ? [required(`${at}.namespace`)] : [];
      }),
    ];
  },
  validateUpdate(object, old) {
    if (sameValue(object.roleRef, old.roleRef)) return [];
    const { apiGroup, kind, name } = fieldsOf(object.roleRef);
    return [invalidValue('roleRef', { APIGroup: apiGroup, Kind: kind, Name: name }, 'cannot change roleRef')];
  },
};

export const leaseRules: KindRules = {
  plainFinalizers: true,
  createsOnUpdate: true,
  needsResourceVersion: true,
  validate(object) {
    const spec = fieldsOf(object.spec);
    const positive = (field: string): ReturnType<typeof invalidValue>[] => {
      const value = numberOf(spec[field]);
      return value !== undefined && value <= 0 ? [invalidValue(`spec.${field}`, value, 'must be greater than 0')] : [];
    };
    const transitions = numberOf(spec.leaseTransitions);
    return [
      ...positive('leaseDurationSeconds'),
      ...(transitions !== undefined && transitions < 0
        ? [invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0')]
        : []),
    ];
  },
};

export const endpointSliceRules: KindRules = {
  generation: (object, old) => !sameValue(content(object), content(old)) || !sameLabels(object, old),
  defaults(object) {
    for (const port of listOf(object.ports)) {
      fill(port, { name: '' });
      fillText(port, 'protocol', 'TCP');
    }
  },
};

function content(object: AnyObject): Fields {
  const { metadata: _metadata, ...rest } = object;
  return rest;
}

function sameLabels(object: AnyObject, old: AnyObject): boolean {
  return sameValue(object.metadata.labels, old.metadata.labels);
}

export const ingressRules: KindRules = {
  generation: 'spec',
  validate(object) {
    const spec = fieldsOf(object.spec);
    const isEmpty = listOf(spec.rules).length === 0 && spec.defaultBackend === undefined;
    return isEmpty ? [invalidValue('spec', null, 'either `defaultBackend` or `rules` must be specified')] : [];
  },
};
export const specGenerationRules: KindRules = { generation: 'spec' };

export const networkPolicyRules: KindRules = {
  generation: 'spec',
  defaults(object) {
    const spec = ensureFields(object, 'spec');
    if (textsOf(spec.policyTypes).length === 0) {
      spec.policyTypes = listOf(spec.egress).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    }
    for (const rule of [...listOf(spec.ingress), ...listOf(spec.egress)]) {
      for (const port of listOf(rule.ports)) fillText(port, 'protocol', 'TCP');
    }
  },
};

export const storageClassRules: KindRules = {
  answersDeletedObject: true,
  defaults: (object) => fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
};

export const returnedRules: KindRules = { answersDeletedObject: true };

export const csiDriverRules: KindRules = {
  answersDeletedObject: true,
  generation: 'spec',
  defaults(object) {
    fill(ensureFields(object, 'spec'), {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    });
  },
};

export const priorityClassRules: KindRules = {
  generation: () => false,
  defaults: (object) => fill(object, { preemptionPolicy: 'PreemptLowerPriority' }),
  validateUpdate: (object, old) =>
    object.value === old.value ? [] : [invalidValue('value', object.value ?? 0, 'field is immutable')],
};

function webhookDefaults(object: AnyObject, mutating: boolean): void {
  for (const webhook of listOf(object.webhooks)) {
    fill(webhook, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      ...(mutating ? { reinvocationPolicy: 'Never' } : {}),
    });
    for (const rule of listOf(webhook.rules)) fill(rule, { scope: '*' });
    const service = fieldsOf(webhook.clientConfig).service;
    if (typeof service === 'object' && service !== null) fill(service as Fields, { port: 443 });
  }
}

export function webhookRules(mutating: boolean): KindRules {
  return {
    needsResourceVersion: true,
    plainFinalizers: true,
    generation: (object, old) => !sameValue(object.webhooks, old.webhooks),
    defaults: (object) => webhookDefaults(object, mutating),
  };
}
