import {
  atLeast,
  type FlinkConfig,
  jobManagerMemory,
  kubernetesJobManagerOptions,
  kubernetesOptions,
} from '@drey/flink';
import type { ManifestObject, OwnerReference } from '../kubernetes/objects.ts';
import { jobManagerCommand } from './decorators/command.ts';
import { flinkConf } from './decorators/flink-conf.ts';
import { hadoopConf } from './decorators/hadoop-conf.ts';
import { initJobManager } from './decorators/init.ts';
import { kerberos } from './decorators/kerberos.ts';
import { podTemplate } from './decorators/pod-template.ts';
import { envSecrets, mountSecrets } from './decorators/secrets.ts';
import { externalService, internalService } from './decorators/services.ts';
import { persistentVolumeClaims } from './decorators/volume-claims.ts';
import type { ClusterInput } from './input.ts';
import { byRole, type Role } from './options.ts';
import { type Decorator, type Parameters, roleLabels, selectorLabels, setMap } from './parameters.ts';
import { assemble, fromTemplate } from './pod.ts';
import { type PreparedCluster, prepareCluster } from './prepare.ts';

const MEBIBYTE = 1024n * 1024n;

/** The objects that Flink’s own client creates for a cluster: the Deployment first, then the others in Flink’s order. */
export interface NativeCluster {
  readonly deployment: ManifestObject;
  /** Services, ConfigMaps and Secrets; their owner is the Deployment, see {@link ownedBy}. */
  readonly accompanying: readonly ManifestObject[];
  /** The configuration as the client completed it. */
  readonly config: FlinkConfig;
}

/**
 * Builds what Flink’s KubernetesJobManagerFactory builds for this version and configuration. Pure. Throws `FlinkError`
 * for values that Flink refuses.
 */
export function buildNativeCluster(input: ClusterInput): NativeCluster {
  const prepared = prepareCluster(input);
  return assembleJobManager(prepared, jobManagerChain(prepared));
}

/** The JobManager’s Deployment and what comes with it, made by a chain of steps. */
export function assembleJobManager(prepared: PreparedCluster, chain: readonly Decorator[]): NativeCluster {
  const parameters: Parameters = { ...prepared, container: jobManagerSize(prepared) };
  const pod = chain.reduce(
    (at, step) => step.decorate?.(at, parameters) ?? at,
    fromTemplate(prepared.files.jobManagerTemplate),
  );
  return {
    deployment: deploymentOf(parameters, 'jobmanager', {
      name: parameters.clusterId,
      replicas: parameters.config.get(kubernetesJobManagerOptions.replicas),
      template: assemble(pod),
    }),
    accompanying: chain.flatMap((step) => step.resources?.(parameters) ?? []),
    config: prepared.config,
  };
}

/** An object with the reference that makes it go when the cluster’s Deployment goes. */
export function ownedBy(
  object: ManifestObject,
  deployment: { readonly name: string; readonly uid: string },
): ManifestObject {
  const owner: OwnerReference = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    ...deployment,
    controller: true,
    blockOwnerDeletion: true,
  };
  return { ...object, metadata: { ...object.metadata, ownerReferences: [owner] } };
}

/** The steps in Flink’s order. */
function jobManagerChain({ flinkVersion, config }: PreparedCluster): Decorator[] {
  return [
    initJobManager,
    envSecrets,
    mountSecrets,
    ...(atLeast(flinkVersion, '2.3') ? [persistentVolumeClaims] : []),
    jobManagerCommand,
    internalService,
    externalService,
    ...(config.get(kubernetesOptions.hadoopMountEnabled) ? [hadoopConf] : []),
    ...(config.get(kubernetesOptions.kerberosMountEnabled) ? [kerberos] : []),
    flinkConf,
    podTemplate,
  ];
}

function jobManagerSize({ config, flinkVersion }: PreparedCluster): Parameters['container'] {
  const memory = jobManagerMemory(config, { version: flinkVersion });
  if (!memory.ok) throw memory.error;
  return {
    cpu: config.get(kubernetesJobManagerOptions.cpuAmount),
    memoryMiB: Number(memory.value.totalProcess / MEBIBYTE),
  };
}

/** The Deployment of a role's pods, owned by whatever the configuration names. */
export function deploymentOf(
  p: Parameters,
  role: Role,
  { name, replicas, template }: { name: string; replicas: number; template: ReturnType<typeof assemble> },
): ManifestObject {
  const owners = configuredOwners(p);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      labels: roleLabels(p, role),
      ...setMap(p.flinkVersion, 'annotations', Object.fromEntries(p.config.get(byRole[role].annotations))),
      ...(owners.length > 0 ? { ownerReferences: owners } : {}),
    },
    spec: {
      replicas,
      selector: { matchLabels: selectorLabels(p, role) },
      template,
    },
  };
}

/** The owners of a cluster that the configuration names. */
export function configuredOwners({ config }: Pick<Parameters, 'config'>): OwnerReference[] {
  return config.get(kubernetesJobManagerOptions.ownerReference).map(ownerReference);
}

function ownerReference(map: ReadonlyMap<string, string>): OwnerReference {
  const member = (name: string): string | undefined =>
    [...map].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  const flag = (name: string): { readonly [key: string]: boolean } => {
    const text = member(name);
    return text === undefined ? {} : { [name]: text.trim().toLowerCase() === 'true' };
  };
  return {
    apiVersion: member('apiVersion') ?? '',
    kind: member('kind') ?? '',
    name: member('name') ?? '',
    uid: member('uid') ?? '',
    ...flag('controller'),
    ...flag('blockOwnerDeletion'),
  };
}
