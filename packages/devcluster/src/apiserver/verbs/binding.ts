import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import { fieldsOf, listOf, textOf } from '../registry/rules/fields.ts';
import { builtinSchema } from '../schema/index.ts';
import { badRequest, conflict, notFound, plain500 } from '../status.ts';
import { type Call, timestamp } from './context.ts';
import { type BodyTarget, decodeBody } from './decode-body.ts';
import { writeOptions } from './parameters.ts';
import { respondOther } from './respond.ts';

const BINDING: BodyTarget = {
  group: '',
  version: 'v1',
  kind: 'Binding',
  apiVersion: 'v1',
  schema: builtinSchema('', 'v1', 'Binding') ?? { t: 'any' },
};

const PODS = { group: '', plural: 'pods' };

/** POST of a Binding, to `pods/NAME/binding` or to the older `bindings`: puts a pod on a node, once. */
export async function bindPod(call: Call): Promise<ApiResponse> {
  const { core, info, request } = call;
  const options = writeOptions(request.query, 'CreateOptions');
  const binding = decodeBody(call, BINDING, options.fieldValidation);
  const name = info.name ?? binding.metadata.name ?? '';
  if (binding.metadata.name !== name) throw badRequest('name in URL does not match name in Binding object');
  const target = fieldsOf(binding.target);
  checkTarget(target);
  const record = core.store.get('/pods', info.namespace ?? '', name);
  if (record === undefined) throw notFound(PODS, name);
  const pod = record.object;
  const { uid, resourceVersion } = binding.metadata;
  if (uid !== undefined && uid !== '' && uid !== pod.metadata.uid) {
    throw conflict(
      PODS,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== pod.metadata.resourceVersion) {
    throw conflict(
      PODS,
      name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`,
    );
  }
  const refusal = whyNot(pod, name);
  if (refusal !== undefined) throw conflict({ group: '', plural: 'pods/binding' }, name, refusal);
  // Nothing can have come between: there is no wait since the record was read.
  if (!options.dryRun) core.store.write('/pods', bound(call, pod, binding), record);
  return respondOther(call, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}

function checkTarget(target: Record<string, unknown>): void {
  const kind = textOf(target.kind);
  if (kind !== '' && kind !== 'Node') {
    throw plain500(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  }
  if (textOf(target.name) === '') throw plain500('target.name: Required value');
}

function whyNot(pod: AnyObject, name: string): string | undefined {
  const spec = fieldsOf(pod.spec);
  if (pod.metadata.deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  const node = textOf(spec.nodeName);
  if (node !== '') return `pod ${name} is already assigned to node ${JSON.stringify(node)}`;
  if (listOf(spec.schedulingGates).length > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

function bound({ core }: Call, pod: AnyObject, binding: AnyObject): AnyObject {
  const { nominatedNodeName: _nominated, ...status } = fieldsOf(pod.status);
  const others = listOf(status.conditions).filter((condition) => condition.type !== 'PodScheduled');
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp(core.clock),
  };
  const annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
  const labels = { ...pod.metadata.labels, ...binding.metadata.labels };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    },
    spec: { ...fieldsOf(pod.spec), nodeName: fieldsOf(binding.target).name },
    status: { ...status, conditions: [...others, scheduled] },
  };
}
