export * from './errors.ts';
export { openSqliteBackend } from './sqlite.ts';
export { DEFAULT_HISTORY_MS, ObjectStore, type StoreOptions } from './store.ts';
export type * from './types.ts';
