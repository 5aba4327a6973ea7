export type * from './apiserver/contract.ts';
export { inProcessTransport } from './apiserver/front/in-process.ts';
export { type KubeconfigOptions, kubeconfig } from './apiserver/front/kubeconfig.ts';
export {
  createStandardServer,
  type StandardServer,
  type StandardServerOptions,
} from './apiserver/front/standard-server.ts';
export { type ApiServerStartOptions, type RunningApiServer, startApiServer } from './apiserver/front/start.ts';
export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export { localDistributions } from './node/local-distributions.ts';
