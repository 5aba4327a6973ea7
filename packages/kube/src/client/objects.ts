/** The parts of Kubernetes objects that Drey reads, with timestamps as the strings they are on the wire. */

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any object of the Kubernetes API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** An object whose other fields are unknown. */
export type AnyObject = KubeObject & Record<string, unknown>;

export interface ListMeta {
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

export interface KubeList<T extends KubeObject> {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: T[];
}

/** Where a kind lives in the API, and its type: `resource<Pod>({ … })`. */
export interface Resource<T extends KubeObject = AnyObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Carries the object type; never present at run time. */
  readonly _type?: T;
}

/** Declares a resource of type T. */
export function resource<T extends KubeObject>(r: Omit<Resource<T>, '_type'>): Resource<T> {
  return r;
}

/** `v1` or `group/version`. */
export function apiVersionOf(r: Resource<KubeObject>): string {
  return r.group === '' ? r.version : `${r.group}/${r.version}`;
}
