type Paths = readonly (readonly string[])[];

const NONE: Paths = [];
const STATUS: Paths = [['status']];
const SPEC: Paths = [['spec']];
const SPEC_AND_METADATA: Paths = [['spec'], ['metadata']];

/** Kinds with a status that their main endpoint resets, by group; what their status endpoint resets when not the spec alone. */
const KINDS: Readonly<Record<string, Readonly<Record<string, Paths>>>> = {
  '': {
    Namespace: SPEC,
    Node: SPEC,
    PersistentVolume: SPEC,
    PersistentVolumeClaim: SPEC,
    Pod: [['spec'], ['metadata', 'deletionTimestamp'], ['metadata', 'ownerReferences']],
    ReplicationController: SPEC,
    ResourceQuota: SPEC,
    Service: SPEC,
  },
  'admissionregistration.k8s.io': { ValidatingAdmissionPolicy: SPEC_AND_METADATA },
  'apiextensions.k8s.io': { CustomResourceDefinition: SPEC_AND_METADATA },
  'apiregistration.k8s.io': { APIService: SPEC_AND_METADATA },
  apps: { DaemonSet: SPEC, Deployment: [['spec'], ['metadata', 'labels']], ReplicaSet: SPEC, StatefulSet: SPEC },
  autoscaling: { HorizontalPodAutoscaler: SPEC },
  batch: { CronJob: SPEC, Job: SPEC },
  'flowcontrol.apiserver.k8s.io': { FlowSchema: SPEC_AND_METADATA, PriorityLevelConfiguration: SPEC_AND_METADATA },
  'networking.k8s.io': { Ingress: SPEC },
  policy: { PodDisruptionBudget: SPEC },
  'resource.k8s.io': { ResourceClaim: SPEC },
  'storage.k8s.io': { VolumeAttachment: SPEC_AND_METADATA },
};

const SIGNING_REQUEST: Readonly<Record<string, Paths>> = {
  '': [['spec'], ['status']],
  status: [['spec'], ['status', 'conditions']],
  approval: [['spec'], ['status', 'certificate']],
};

/** The fields that an endpoint of a built-in kind resets, after its strategy in Kubernetes 1.34. The same array for every call. */
export function resetFields(group: string, kind: string, subresource: string | undefined): Paths {
  if (group === 'certificates.k8s.io' && kind === 'CertificateSigningRequest') {
    return SIGNING_REQUEST[subresource ?? ''] ?? NONE;
  }
  const statusPaths = KINDS[group]?.[kind];
  if (statusPaths === undefined) return NONE;
  if (subresource === undefined || subresource === 'finalize') return STATUS;
  return subresource === 'status' ? statusPaths : NONE;
}

/** The same for a custom resource; without a status subresource nothing is reset. */
export function customResetFields(statusSubresource: boolean, subresource: string | undefined): Paths {
  if (!statusSubresource) return NONE;
  return subresource === 'status' ? SPEC : subresource === undefined ? STATUS : NONE;
}
