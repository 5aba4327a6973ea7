import { failure, notFound, qualifiedResource } from '../status.ts';
import type { Call } from './context.ts';

const NAMESPACES = { group: '', plural: 'namespaces' };

/** Creates need a namespace that exists and is not on its way out. */
export function checkNamespace(call: Call, name: string): void {
  const { resource, info, core } = call;
  if (!resource.namespaced || info.namespace === undefined) return;
  // Reviews are answered for namespaces that do not exist, too.
  if (!resource.verbs.includes('get') && resource.group !== '') return;
  const namespace = core.store.get('/namespaces', '', info.namespace)?.object;
  if (namespace === undefined) throw notFound(NAMESPACES, info.namespace);
  if (namespace.metadata.deletionTimestamp === undefined) return;
  const message = `namespace ${info.namespace} is being terminated`;
  throw failure({
    code: 403,
    reason: 'Forbidden',
    message: `${qualifiedResource(resource.group, resource.plural)} "${name}" is forbidden: unable to create new content in namespace ${info.namespace} because it is being terminated`,
    details: {
      ...(name === '' ? {} : { name }),
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.plural,
      causes: [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }],
    },
  });
}
