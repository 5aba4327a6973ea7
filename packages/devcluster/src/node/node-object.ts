import { cpus, release, totalmem } from 'node:os';
import type { Lease, Node } from '@drey/kube';
import { timestamp } from './pod-status.ts';

/** What a node offers, as Kubernetes quantities. */
export interface NodeCapacity {
  readonly cpu: string;
  readonly memory: string;
  readonly pods: string;
}

/**
 * This machine's capacity. A development machine runs many small Flink clusters whose requests far exceed what they use,
 * so cores count `cpuOvercommit` times.
 */
export function machineCapacity(cpuOvercommit = 8): NodeCapacity {
  const memory = Math.floor(totalmem() / 1024);
  return { cpu: String(Math.max(8, cpus().length * cpuOvercommit)), memory: `${memory}Ki`, pods: '250' };
}

export interface NodeDescription {
  readonly name: string;
  readonly address: string;
  readonly capacity: NodeCapacity;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The Node object without its status. */
export function nodeObject(node: NodeDescription): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: {
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': architecture(),
        ...node.labels,
      },
    },
  };
}

/** The status that a healthy kubelet reports. */
export function nodeStatus(node: NodeDescription, old: Node['status'], now: number): NonNullable<Node['status']> {
  const healthy = (type: string, reason: string, message: string, status = 'False') => {
    const before = old?.conditions?.find((condition) => condition.type === type);
    const since = before?.status === status ? before.lastTransitionTime : undefined;
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: timestamp(now),
      lastTransitionTime: since ?? timestamp(now),
    };
  };
  const capacity = { ...node.capacity, 'ephemeral-storage': '1Ti' };
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: node.address },
      { type: 'Hostname', address: node.name },
    ],
    conditions: [
      healthy('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      healthy('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      healthy('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      healthy('Ready', 'KubeletReady', 'kubelet is posting ready status', 'True'),
    ],
    nodeInfo: {
      machineID: '',
      systemUUID: '',
      bootID: '',
      kernelVersion: release(),
      osImage: 'Drey process node',
      containerRuntimeVersion: 'drey://0.1.0',
      kubeletVersion: 'v1.34.4',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: architecture(),
    },
  };
}

export const NODE_LEASE_NAMESPACE = 'kube-node-lease';
export const NODE_LEASE_SECONDS = 40;

export function nodeLease(name: string, now: number): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: NODE_LEASE_NAMESPACE },
    spec: { holderIdentity: name, leaseDurationSeconds: NODE_LEASE_SECONDS, renewTime: microTime(now) },
  };
}

function microTime(now: number): string {
  return new Date(now).toISOString().replace('Z', '000Z');
}

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
