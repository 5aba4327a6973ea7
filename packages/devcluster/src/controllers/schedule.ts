import type { LabelSelectorRequirement, Node, Pod, Toleration } from '@drey/kube';
import { parseQuantity } from '../node/quantity.ts';
import { hasEnded } from './pod-facts.ts';

/** Which node a pod goes to, as a pure function with the default scheduler's filters. */

export type Placement =
  | { readonly type: 'fits'; readonly node: string }
  /** `message` is the scheduler's: how many nodes, and why not. */
  | { readonly type: 'none'; readonly message: string };

/** The fitting node with the most room; ties go by name. `pods` are those assigned already. */
export function placePod(pod: Pod, nodes: readonly Node[], pods: readonly Pod[]): Placement {
  const reasons = new Map<string, number>();
  const fitting: { name: string; free: number }[] = [];
  for (const node of nodes) {
    const used = pods.filter((other) => other.spec?.nodeName === node.metadata.name && !hasEnded(other));
    const refusal = whyNot(pod, node, used);
    if (refusal === undefined) fitting.push({ name: node.metadata.name ?? '', free: freeShare(node, used) });
    else reasons.set(refusal, (reasons.get(refusal) ?? 0) + 1);
  }
  const best = fitting.sort((a, b) => b.free - a.free || (a.name < b.name ? -1 : 1))[0];
  if (best !== undefined) return { type: 'fits', node: best.name };
  const why = [...reasons]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
  const message =
    nodes.length === 0 ? 'no nodes available to schedule pods' : `0/${nodes.length} nodes are available: ${why}.`;
  return { type: 'none', message };
}

function whyNot(pod: Pod, node: Node, used: readonly Pod[]): string | undefined {
  if (
    node.spec?.unschedulable === true &&
    !tolerates(pod, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })
  ) {
    return 'node(s) were unschedulable';
  }
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  if (ready?.status !== 'True') return 'node(s) were not ready';
  const taint = (node.spec?.taints ?? []).find((t) => t.effect !== 'PreferNoSchedule' && !tolerates(pod, t));
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!matchesNode(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  const allocatable = node.status?.allocatable ?? {};
  if (used.length + 1 > (parseQuantity(allocatable.pods) ?? Number.POSITIVE_INFINITY)) return 'Too many pods';
  const wanted = podRequests(pod);
  for (const [resource, amount] of wanted) {
    const taken = used.reduce((sum, other) => sum + (podRequests(other).get(resource) ?? 0), 0);
    if (amount > 0 && taken + amount > (parseQuantity(allocatable[resource]) ?? 0) + 1e-9)
      return `Insufficient ${resource}`;
  }
  return undefined;
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

function freeShare(node: Node, used: readonly Pod[]): number {
  const cpu = parseQuantity(node.status?.allocatable?.cpu) ?? 1;
  return 1 - used.reduce((sum, pod) => sum + (podRequests(pod).get('cpu') ?? 0), 0) / cpu;
}

function tolerates(pod: Pod, taint: { key: string; value?: string; effect: string }): boolean {
  return (pod.spec?.tolerations ?? []).some((toleration: Toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (toleration.operator === 'Exists') return !toleration.key || toleration.key === taint.key;
    return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
  });
}

interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeRequirement[];
  readonly matchFields?: readonly NodeRequirement[];
}

type NodeRequirement = Omit<LabelSelectorRequirement, 'operator'> & { operator: string };

function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const affinity = pod.spec?.affinity as
    | { nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeSelectorTerm[] } } }
    | undefined;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return true;
  return terms.some((term) => {
    const { matchExpressions = [], matchFields = [] } = term;
    if (matchExpressions.length + matchFields.length === 0) return false;
    const name = { 'metadata.name': node.metadata.name ?? '' };
    return matchExpressions.every((r) => meets(r, labels)) && matchFields.every((r) => meets(r, name));
  });
}

function meets({ key, operator, values = [] }: NodeRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
