import type { AnyObject } from '@drey/kube';
import type { ContainerTarget, NodeBackend } from '../contract.ts';
import type { ObjectReader, ResourceCall } from '../model.ts';
import { badRequest, failure, internalError, notFound } from '../status.ts';
import { list, text } from '../table/fields.ts';

const PODS = { group: '', plural: 'pods' };

/** What calls on running pods need: the objects, and the backend of a node by the node's name. */
export interface PodAccess {
  readonly objects: ObjectReader;
  readonly backendOf: (nodeName: string) => NodeBackend | undefined;
}

export function podOf({ objects }: PodAccess, { info }: ResourceCall): AnyObject {
  const pod = objects.get('', 'pods', info.namespace, info.name ?? '');
  if (pod === undefined) throw notFound(PODS, info.name ?? '');
  return pod;
}

/** The container a call means. Without a name there must be only one. */
export function chooseContainer(pod: AnyObject, wanted: string | null): string {
  const names = (field: string): string[] => list(pod, 'spec', field).map((container) => text(container, 'name'));
  const [main, init, ephemeral] = [names('containers'), names('initContainers'), names('ephemeralContainers')];
  const name = pod.metadata.name ?? '';
  if (wanted !== null && wanted !== '') {
    if ([...main, ...init, ...ephemeral].includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  const [only] = main;
  if (only !== undefined && main.length === 1) return only;
  const others = [
    ...(init.length === 0 ? [] : [` or one of the init containers: [${init.join(' ')}]`]),
    ...(ephemeral.length === 0 ? [] : [` or one of the ephemeral containers: [${ephemeral.join(' ')}]`]),
  ];
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]${others.join('')}`,
  );
}

/** The backend of the node a pod is bound to. */
export function backendFor(access: PodAccess, pod: AnyObject): NodeBackend {
  const nodeName = text(pod, 'spec', 'nodeName');
  if (nodeName === '') throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const backend = access.backendOf(nodeName);
  // The real server names the node as if it were a pod.
  if (backend === undefined) throw notFound(PODS, nodeName);
  return backend;
}

export function targetOf(pod: AnyObject, container: string): ContainerTarget {
  return { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name ?? '', container };
}

/** What a node refuses with, as an answer; other errors are faults of the node. */
export function nodeFailure(error: unknown): Error {
  if (!(error instanceof Error)) return internalError(String(error));
  if (error.name !== 'NodeCallError') return internalError(error.message);
  const reason = 'reason' in error && error.reason === 'NotFound' ? 'NotFound' : 'BadRequest';
  return failure({ code: reason === 'NotFound' ? 404 : 400, reason, message: error.message });
}
