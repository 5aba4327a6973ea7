import type { ControlPlaneOptions } from './control-plane.ts';
import type { SimulatedCluster } from './simulation/cluster.ts';

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
export type { ControlPlaneOptions } from './control-plane.ts';
export { localDistributions } from './node/local-distributions.ts';
export type { SimulatedCluster } from './simulation/cluster.ts';

/** As {@link startCluster}, with simulated pods and simulated Flink; the simulation is loaded with the first call. */
export async function startSimulatedCluster(options: ControlPlaneOptions): Promise<SimulatedCluster> {
  const simulation = await import('./simulation/cluster.ts');
  return simulation.startSimulatedCluster(options);
}
