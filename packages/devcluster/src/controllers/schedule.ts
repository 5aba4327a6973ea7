import type { Node, Pod, Toleration } from '@drey/kube';
import { type LabelRequirement, satisfies } from '../apiserver/selectors/match-labels.ts';
import { parseQuantity } from '../node/quantity.ts';
import { type NodeUse, podRequests } from './node-use.ts';

/** Which node a pod goes to, as a pure function with the default scheduler's filters. */

export type Placement =
  | { readonly type: 'fits'; readonly node: string }
  /** `message` is the scheduler's: how many nodes, and why not. */
  | { readonly type: 'none'; readonly message: string };

/** The fitting node with the most room; ties go by name. `useOf` tells what the pods take that are on a node already. */
export function placePod(pod: Pod, nodes: readonly Node[], useOf: (node: string) => NodeUse): Placement {
  const wanted = podRequests(pod);
  const reasons = new Map<string, number>();
  const fitting: { name: string; free: number }[] = [];
  for (const node of nodes) {
    const { name = '' } = node.metadata;
    const use = useOf(name);
    const refusal = whyNot(pod, node, wanted, use);
    if (refusal === undefined) fitting.push({ name, free: freeShare(node, use) });
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

function whyNot(
  pod: Pod,
  node: Node,
  wanted: ReadonlyMap<string, number>,
  { pods, requests }: NodeUse,
): string | undefined {
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
  if (pods + 1 > (parseQuantity(allocatable.pods) ?? Number.POSITIVE_INFINITY)) return 'Too many pods';
  for (const [resource, amount] of wanted) {
    const taken = requests.get(resource) ?? 0;
    if (amount > 0 && taken + amount > (parseQuantity(allocatable[resource]) ?? 0) + 1e-9)
      return `Insufficient ${resource}`;
  }
  return undefined;
}

function freeShare(node: Node, { requests }: NodeUse): number {
  const cpu = parseQuantity(node.status?.allocatable?.cpu) ?? 1;
  return 1 - (requests.get('cpu') ?? 0) / cpu;
}

function tolerates(pod: Pod, taint: { key: string; value?: string; effect: string }): boolean {
  return (pod.spec?.tolerations ?? []).some((toleration: Toleration) => {
    if (toleration.effect && toleration.effect !== taint.effect) return false;
    if (toleration.operator === 'Exists') return !toleration.key || toleration.key === taint.key;
    return toleration.key === taint.key && (toleration.value ?? '') === (taint.value ?? '');
  });
}

interface NodeSelectorTerm {
  readonly matchExpressions?: readonly LabelRequirement[];
  readonly matchFields?: readonly LabelRequirement[];
}

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
    return matchExpressions.every((r) => satisfies(r, labels)) && matchFields.every((r) => satisfies(r, name));
  });
}
