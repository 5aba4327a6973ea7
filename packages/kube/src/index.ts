export * from './client/client.ts';
export * from './client/errors.ts';
export { createKubeClient, type KubeClientOptions } from './client/kube-client.ts';
export * from './client/objects.ts';
export { listAll, listPages, PAGE_LIMIT } from './client/paging.ts';
export { collectionPath, objectPath } from './client/paths.ts';
export * from './client/transport.ts';
export * from './kinds.ts';
export * from './runtime/clock.ts';
