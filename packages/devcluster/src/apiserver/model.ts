import type { AnyObject } from '@drey/kube';
import type { ApiRequest, ApiResponse, User } from './contract.ts';

/**
 * The words the parts of the API server share: what a request asks for, what a resource is, how errors travel.
 */

/** The verbs of Kubernetes authorization. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A request as authorization and routing see it. */
export type RequestInfo =
  | {
      readonly type: 'resource';
      readonly verb: Verb;
      readonly group: string;
      readonly version: string;
      /** Plural. */
      readonly resource: string;
      readonly subresource: string | undefined;
      readonly namespace: string | undefined;
      readonly name: string | undefined;
      /** What follows the subresource (proxy paths). */
      readonly rest: string | undefined;
    }
  | { readonly type: 'other'; readonly verb: string; readonly path: string };

export interface FieldError {
  /** A path such as `spec.template.spec.containers[0].name`. */
  readonly field: string;
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotFound';
  /** The whole message, for example `Required value`, `Invalid value: "x": must be …`. */
  readonly message: string;
}

/**
 * A failure that becomes a `metav1.Status` answer. The only kind of error that handlers throw on purpose; anything else
 * becomes a 500 InternalError.
 */
export class StatusError extends Error {
  readonly status: Readonly<Record<string, unknown>> & { readonly code: number };
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: Readonly<Record<string, unknown>> & { readonly code: number; readonly message?: string },
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(status.message ?? 'error');
    this.name = 'StatusError';
    this.status = status;
    this.headers = headers;
  }
}

/** What a printer column shows: the additionalPrinterColumns of CRDs, or a function for built-in kinds. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  readonly cell: (object: AnyObject, now: number) => unknown;
}

/** A served resource of one version: everything the verbs need to know about a kind. */
export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  /** For example `status`, `scale`, `log`; what the discovery document lists. */
  readonly subresources: readonly SubresourceDefinition[];
  /** Field types with list and map semantics; see schema/. */
  readonly schema: import('./schema/types.ts').TypeSchema;
  readonly columns: readonly TableColumn[];
  /** Set for custom resources. */
  readonly crd?: import('./crd/compiled.ts').CompiledVersion;
  readonly strategy: Strategy;
}

export interface SubresourceDefinition {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly Verb[];
}

/** What a kind does around storage. All functions are pure in their inputs except for mutating `object` where said. */
export interface Strategy {
  /** Fills defaults into `object`, as the real server stores them. Mutates. */
  applyDefaults(object: AnyObject): void;
  /** Resets what clients may not set (status on create, …). Mutates. */
  prepareForCreate(object: AnyObject): void;
  /** Keeps what this endpoint may not change (status on the main resource, spec on `status`). Mutates `object`. */
  prepareForUpdate(object: AnyObject, old: AnyObject, subresource: string | undefined): void;
  validateCreate(object: AnyObject): readonly FieldError[];
  validateUpdate(object: AnyObject, old: AnyObject, subresource: string | undefined): readonly FieldError[];
  /** Whether the change from `old` raises metadata.generation. */
  bumpsGeneration(object: AnyObject, old: AnyObject): boolean;
  /** Field selector labels beyond metadata.name and metadata.namespace. */
  selectableFields(object: AnyObject): Readonly<Record<string, string>>;
  /** Grace period for pods; undefined: objects go at once. */
  gracePeriodSeconds?(object: AnyObject, requested: number | undefined): number;
}

/** The resources served at this moment. CRDs come and go. */
export interface Registry {
  find(group: string, version: string, plural: string): ResourceDefinition | undefined;
  findKind(group: string, version: string, kind: string): ResourceDefinition | undefined;
  all(): readonly ResourceDefinition[];
  /** Rises with every change; discovery and OpenAPI documents are cached by it. */
  readonly revision: number;
}

/** Decides whether `user` may do what `info` says (RBAC). */
export type Authorizer = (user: User, info: RequestInfo) => { allowed: boolean; reason: string };

/** Admission in the order of the real server: mutating plugins and webhooks, later validating ones. */
export interface Admission {
  mutate(request: AdmissionRequest): Promise<{ object: AnyObject | undefined; warnings: readonly string[] }>;
  validate(request: AdmissionRequest): Promise<{ warnings: readonly string[] }>;
}

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly definition: ResourceDefinition;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly user: User;
  readonly object: AnyObject | undefined;
  readonly oldObject: AnyObject | undefined;
  readonly dryRun: boolean;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Renders objects as a `meta.k8s.io/v1` Table, and single rows for watches. */
export type TableRenderer = (
  definition: ResourceDefinition,
  objects: readonly AnyObject[],
  options: { includeObject: 'None' | 'Metadata' | 'Object'; now: number },
) => { columnDefinitions: readonly Record<string, unknown>[]; rows: readonly Record<string, unknown>[] };

/** Answers paths outside of resources (`/api`, `/apis/…`, `/openapi/…`, `/version`, `/healthz`, …), or undefined. */
export type NonResourceHandler = (
  method: string,
  path: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string>>,
) => ApiResponse | undefined;

/** Reads stored objects for parts of the server itself: no authorization, no copies. Callers must not change what they get. */
export interface ObjectReader {
  get(group: string, plural: string, namespace: string | undefined, name: string): AnyObject | undefined;
  /** All namespaces when `namespace` is undefined. */
  list(group: string, plural: string, namespace: string | undefined): readonly AnyObject[];
}

/** A call on something that storage does not answer, after authorization. */
export interface ResourceCall {
  readonly request: ApiRequest;
  readonly info: Extract<RequestInfo, { type: 'resource' }>;
}

/**
 * Subresources that are connections or streams: `pods/log`, `pods/exec`, `pods/attach`, `pods/portforward`, and `proxy` of
 * pods, services and nodes. Throws {@link StatusError}.
 */
export type ConnectHandler = (call: ResourceCall) => Promise<ApiResponse>;

/**
 * Creates that store nothing: reviews and `serviceaccounts/token`. Gets the decoded object, defaulted and with its
 * managedFields, and returns what is answered with 201. Throws {@link StatusError}.
 */
export type VirtualHandler = (object: AnyObject, call: ResourceCall) => AnyObject | Promise<AnyObject>;

/** What stands beside storage: found by group, plural and subresource, or undefined. */
export interface VirtualResources {
  connect(group: string, plural: string, subresource: string | undefined): ConnectHandler | undefined;
  create(group: string, plural: string, subresource: string | undefined): VirtualHandler | undefined;
}

/**
 * Decodes a body of `application/vnd.kubernetes.protobuf`. `error` is the decoder's text; the caller puts
 * `the object provided is unrecognized (must be of type KIND): ` before it.
 */
export type ProtobufDecoder = (body: Uint8Array) => { readonly object: AnyObject } | { readonly error: string };
