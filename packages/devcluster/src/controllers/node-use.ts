import type { Pod } from '@drey/kube';
import { parseQuantity } from '../node/quantity.ts';

/** What the pods of a node take together: how many they are, and the sum of their requests by resource. */
export interface NodeUse {
  readonly pods: number;
  readonly requests: ReadonlyMap<string, number>;
}

interface Assignment {
  readonly node: string;
  readonly requests: ReadonlyMap<string, number>;
}

interface CountedUse {
  pods: number;
  readonly requests: Map<string, number>;
}

const NOTHING: NodeUse = { pods: 0, requests: new Map() };

/**
 * Which pods are on which node, and what they take there. Kept up to date pod by pod, so that placing one pod costs a look
 * at each node and not at each pod.
 */
export class NodeUses {
  readonly #assignments = new Map<string, Assignment>();
  readonly #nodes = new Map<string, CountedUse>();

  /** Counts the pod on `node`, and nowhere else. */
  assign(pod: Pod, node: string): void {
    const uid = pod.metadata.uid ?? '';
    this.release(uid);
    const requests = podRequests(pod);
    this.#assignments.set(uid, { node, requests });
    const use = this.#nodes.get(node) ?? { pods: 0, requests: new Map() };
    this.#nodes.set(node, use);
    use.pods++;
    for (const [resource, amount] of requests) use.requests.set(resource, (use.requests.get(resource) ?? 0) + amount);
  }

  /** The pod takes nothing any more. */
  release(uid: string): void {
    const assignment = this.#assignments.get(uid);
    const use = this.#nodes.get(assignment?.node ?? '');
    if (assignment === undefined || use === undefined) return;
    this.#assignments.delete(uid);
    use.pods--;
    // An empty node starts from nothing again, so that no rounding error lives on.
    if (use.pods === 0) this.#nodes.delete(assignment.node);
    for (const [resource, amount] of assignment.requests) {
      use.requests.set(resource, (use.requests.get(resource) ?? 0) - amount);
    }
  }

  of(node: string): NodeUse {
    return this.#nodes.get(node) ?? NOTHING;
  }
}

/**
 * What a pod asks for: all main containers and sidecars together, or the largest init container with the sidecars before
 * it, whichever is more.
 */
export function podRequests(pod: Pod): Map<string, number> {
  const total = new Map<string, number>();
  const requestsOf = (resources: { requests?: Record<string, string | number> } | undefined) =>
    Object.entries(resources?.requests ?? {}).map(([name, quantity]) => [name, parseQuantity(quantity) ?? 0] as const);
  for (const container of pod.spec?.containers ?? []) {
    for (const [name, amount] of requestsOf(container.resources)) total.set(name, (total.get(name) ?? 0) + amount);
  }
  const sidecars = new Map<string, number>();
  const initPeak = new Map<string, number>();
  for (const container of pod.spec?.initContainers ?? []) {
    for (const [name, amount] of requestsOf(container.resources)) {
      const before = sidecars.get(name) ?? 0;
      if (container.restartPolicy === 'Always') sidecars.set(name, before + amount);
      initPeak.set(name, Math.max(initPeak.get(name) ?? 0, before + amount));
    }
  }
  for (const [name, amount] of sidecars) total.set(name, (total.get(name) ?? 0) + amount);
  for (const [name, amount] of initPeak) total.set(name, Math.max(total.get(name) ?? 0, amount));
  return total;
}
