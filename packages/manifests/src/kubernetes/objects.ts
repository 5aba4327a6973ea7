/** The parts of Kubernetes objects that the builders make or read. Members they do not know are kept as they are. */

/** One owner of an object. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Metadata of an object that is about to be created. */
export interface Metadata {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  [member: string]: unknown;
}

/** An object that is about to be created. */
export interface ManifestObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata & { name: string };
  [member: string]: unknown;
}

/** One environment variable. */
export interface EnvVar {
  name: string;
  value?: string;
  [member: string]: unknown;
}

/** One port of a container. */
export interface ContainerPort {
  name?: string;
  containerPort: number;
  [member: string]: unknown;
}

/** One mount of a container. */
export interface VolumeMount {
  name: string;
  mountPath: string;
  [member: string]: unknown;
}

/** Requests and limits, quantities as texts. */
export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
  [member: string]: unknown;
}

/** A container of a pod. */
export interface Container {
  name?: string;
  image?: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: ContainerPort[];
  resources?: Resources;
  volumeMounts?: VolumeMount[];
  [member: string]: unknown;
}

/** A volume of a pod. */
export interface Volume {
  name: string;
  [member: string]: unknown;
}

/** One toleration. */
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

/** Spec of a pod. */
export interface PodSpec {
  serviceAccountName?: string;
  serviceAccount?: string;
  hostNetwork?: boolean;
  dnsPolicy?: string;
  restartPolicy?: string;
  imagePullSecrets?: { name?: string }[];
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  containers?: Container[];
  initContainers?: Container[];
  volumes?: Volume[];
  [member: string]: unknown;
}

/** A pod, or the template of one. */
export interface Pod {
  metadata?: Metadata;
  spec?: PodSpec;
  [member: string]: unknown;
}
