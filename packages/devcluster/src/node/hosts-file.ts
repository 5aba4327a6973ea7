/** One line of a hosts file. */
export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** A Service as names see it: its own address, or, for a headless one, those of its pods. */
export interface ServiceAddresses {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface HostsInput {
  readonly podAddress: string;
  readonly podNamespace: string;
  readonly hostname: string;
  readonly subdomain?: string;
  /**
   * Whether `localhost` names the pod's own address. Flink listens on the pod address only, and its JobManager reaches
   * its own BlobServer as `localhost`.
   */
  readonly localhostIsPod: boolean;
  readonly hostAliases: readonly HostsEntry[];
  readonly services: readonly ServiceAddresses[];
}

/**
 * The pod's /etc/hosts, which stands in for the cluster's DNS: every Service under its bare name in its own namespace,
 * and as `<service>.<namespace>`, `….svc` and `….svc.cluster.local` everywhere.
 */
export function hostsFile(input: HostsInput): string {
  const own =
    input.subdomain === undefined
      ? [input.hostname]
      : [`${input.hostname}.${input.subdomain}.${input.podNamespace}.svc.cluster.local`, input.hostname];
  const lines: HostsEntry[] = [
    { address: input.localhostIsPod ? input.podAddress : '127.0.0.1', names: ['localhost'] },
    { address: input.podAddress, names: own },
    ...input.hostAliases,
    ...input.services.flatMap((service) =>
      service.addresses.map((address) => ({ address, names: serviceNames(service, input.podNamespace) })),
    ),
  ];
  return `${lines.map((line) => `${line.address}\t${line.names.join(' ')}`).join('\n')}\n`;
}

function serviceNames(service: ServiceAddresses, podNamespace: string): string[] {
  const qualified = `${service.name}.${service.namespace}`;
  const names = [qualified, `${qualified}.svc`, `${qualified}.svc.cluster.local`];
  return service.namespace === podNamespace ? [...names, service.name] : names;
}
