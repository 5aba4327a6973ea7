export type { Feed } from './cache/feed.ts';
export { controllerUid, type Indexers, labelValue } from './cache/indexes.ts';
export { type StoreOf, showOwnWrites } from './cache/own-writes.ts';
export { type ListReason, Reflector, type ReflectorObserver, type ReflectorOptions } from './cache/reflector.ts';
export {
  type Cached,
  type Change,
  type DeepReadonly,
  keyFor,
  keyOf,
  type Listener,
  Store,
  type StoreOptions,
} from './cache/store.ts';
export { compareVersions, newerVersion } from './cache/version.ts';
export * from './client/client.ts';
export { type CredentialSource, type Credentials, fixedCredentials } from './client/credentials.ts';
export * from './client/errors.ts';
export { type EventInput, EventRecorder, type EventRecorderOptions, type Regarding } from './client/events.ts';
export { addFinalizer, type FinalizerOptions, removeFinalizer } from './client/finalizers.ts';
export { createKubeClient, type KubeClientOptions } from './client/kube-client.ts';
export { type ClusterAccess, type KubeContext, type KubeconfigOptions, loadKubeconfig } from './client/kubeconfig.ts';
export { KubeconfigError, type KubeconfigErrorCode } from './client/kubeconfig-error.ts';
export * from './client/objects.ts';
export { listAll, listPages, PAGE_LIMIT } from './client/paging.ts';
export { collectionPath, objectPath } from './client/paths.ts';
export * from './client/transport.ts';
export { UndiciTransport } from './client/undici-transport.ts';
export * from './kinds.ts';
export { type BackoffOptions, backoffMs } from './runtime/backoff.ts';
export * from './runtime/clock.ts';
export * from './runtime/controller.ts';
export * from './runtime/elector.ts';
export { type LeaseOptions, microTime } from './runtime/lease-record.ts';
export * from './runtime/queue.ts';
export * from './runtime/shard-elector.ts';
export {
  createAuthority,
  createClientCertificate,
  createServerCertificate,
  isFresh,
  type KeyPair,
  type ServerCertificateOptions,
} from './tls/certificates.ts';
