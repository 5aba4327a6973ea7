export type * from './contract.ts';
export type * from './model.ts';
export { StatusError } from './model.ts';
export {
  type ApiServer,
  type ApiServerOptions,
  createApiServer,
  type ServerParts,
  type ServerPlugins,
} from './server.ts';
export * from './storage/index.ts';
