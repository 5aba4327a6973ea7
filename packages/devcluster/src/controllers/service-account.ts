import {
  ConfigMap,
  isKubeError,
  type KubeObject,
  Namespace,
  type Outcome,
  type Resource,
  ServiceAccount,
} from '@drey/kube';
import { type ControllerContext, objectKey, startController } from './context.ts';

const ROOT_CA = 'kube-root-ca.crt';
const ROOT_CA_NOTE =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Gives every namespace its `default` service account and the certificate authority that its pods trust. */
export function startServiceAccountController(
  context: ControllerContext,
  authority: string,
  signal: AbortSignal,
): Promise<void> {
  const { client, informers } = context;
  const namespaces = informers.of(Namespace);
  const accounts = informers.of(ServiceAccount);
  const authorities = informers.of(ConfigMap);

  const ensure = async <T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> => {
    try {
      await client.create(resource, object);
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
    }
  };

  const reconcile = async (_: string, name: string): Promise<Outcome> => {
    const namespace = namespaces.get(undefined, name);
    if (namespace === undefined) return { type: 'gone' };
    if (namespace.metadata.deletionTimestamp !== undefined) return { type: 'done' };
    if (accounts.get(name, 'default') === undefined) {
      await ensure(ServiceAccount, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: name },
      });
    }
    const map = authorities.get(name, ROOT_CA);
    if (map === undefined) {
      const metadata = { name: ROOT_CA, namespace: name, annotations: { 'kubernetes.io/description': ROOT_CA_NOTE } };
      await ensure(ConfigMap, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': authority } });
    } else if (map.data?.['ca.crt'] !== authority) {
      await client.replace(ConfigMap, { ...map, data: { 'ca.crt': authority } });
    }
    return { type: 'done' };
  };

  const whenOneOf = (wanted: string) => (object: KubeObject) =>
    object.metadata.name === wanted ? [object.metadata.namespace ?? ''] : [];
  return startController(
    context,
    {
      name: 'serviceaccount',
      sources: [
        namespaces.source((namespace) => [objectKey(namespace)]),
        accounts.source(whenOneOf('default')),
        authorities.source(whenOneOf(ROOT_CA)),
      ],
      reconcile,
    },
    signal,
  );
}
