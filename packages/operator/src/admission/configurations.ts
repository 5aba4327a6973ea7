import { FLINK_GROUP } from '@drey/api';
import { isKubeError, type KubeClient, type KubeObject, type Resource } from '@drey/kube';

/** One webhook of a configuration, as far as it is written and read here. */
export interface WebhookEntry {
  readonly name: string;
  readonly clientConfig: {
    readonly caBundle?: string;
    readonly url?: string;
    readonly service?: {
      readonly namespace: string;
      readonly name: string;
      readonly path: string;
      readonly port: number;
    };
  };
}

/** A ValidatingWebhookConfiguration or MutatingWebhookConfiguration. */
export interface WebhookConfiguration extends KubeObject {
  webhooks?: WebhookEntry[];
}

const GROUP = 'admissionregistration.k8s.io';

function configurationKind(kind: string): Resource<WebhookConfiguration> {
  return { group: GROUP, version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced: false };
}

/** ValidatingWebhookConfigurations of admissionregistration.k8s.io/v1. */
export const ValidatingWebhookConfigurations = configurationKind('ValidatingWebhookConfiguration');
/** MutatingWebhookConfigurations of admissionregistration.k8s.io/v1. */
export const MutatingWebhookConfigurations = configurationKind('MutatingWebhookConfiguration');

/** Where API servers reach the webhooks: by a Service of the cluster, or at an address. */
export type WebhookTarget =
  | { readonly service: { readonly namespace: string; readonly name: string } }
  | { readonly url: string };

export interface WebhookConfigurationOptions {
  readonly name: string;
  readonly target: WebhookTarget;
  /** The authority of the server's certificate, PEM; absent: put in later by the operator. */
  readonly authority?: string;
  /** Only objects of these namespaces; absent: of all. */
  readonly namespaces?: readonly string[];
}

/**
 * The two configurations that make an API server ask the operator. `failurePolicy` is Ignore: the loop validates too, and while no
 * operator answers nobody should be kept from working.
 */
export function webhookConfigurations(options: WebhookConfigurationOptions): WebhookConfiguration[] {
  const { name, target, authority, namespaces } = options;
  const entry = (kind: string, path: string, operations: readonly string[], resources: readonly string[]) => ({
    name: `${kind}.${FLINK_GROUP}`,
    admissionReviewVersions: ['v1'],
    clientConfig: {
      ...('url' in target ? { url: `${target.url}${path}` } : { service: { ...target.service, path, port: 443 } }),
      ...(authority === undefined ? {} : { caBundle: Buffer.from(authority).toString('base64') }),
    },
    rules: [{ apiGroups: [FLINK_GROUP], apiVersions: ['*'], operations, resources, scope: 'Namespaced' }],
    ...(namespaces === undefined ? {} : { namespaceSelector: selectorOf(namespaces) }),
    failurePolicy: 'Ignore',
    matchPolicy: 'Equivalent',
    sideEffects: 'None',
    timeoutSeconds: 10,
  });
  const kinds = ['flinkdeployments', 'flinksessionjobs', 'flinkstatesnapshots'];
  const writes = ['CREATE', 'UPDATE'];
  return [
    configuration(ValidatingWebhookConfigurations, name, entry('validation', '/validate', writes, kinds)),
    configuration(MutatingWebhookConfigurations, name, entry('mutation', '/mutate', writes, ['flinksessionjobs'])),
  ];
}

function configuration(r: Resource<WebhookConfiguration>, name: string, webhook: WebhookEntry): WebhookConfiguration {
  return { apiVersion: `${GROUP}/v1`, kind: r.kind, metadata: { name }, webhooks: [webhook] };
}

function selectorOf(namespaces: readonly string[]): object {
  return { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [...namespaces] }] };
}

/**
 * Puts the authority into the configurations of a name, so that API servers trust the webhooks; true when something was written.
 * Configurations that are not there are left to whoever installs them.
 */
export async function trustAuthority(
  kube: KubeClient,
  name: string,
  authority: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const caBundle = Buffer.from(authority).toString('base64');
  const call = signal === undefined ? {} : { signal };
  let written = false;
  for (const kind of [ValidatingWebhookConfigurations, MutatingWebhookConfigurations]) {
    const found = await existing(kube.get(kind, undefined, name, call));
    const patch = (found?.webhooks ?? []).flatMap(({ name: webhook, clientConfig }, index) =>
      clientConfig.caBundle === caBundle
        ? []
        : [
            { op: 'test', path: `/webhooks/${index}/name`, value: webhook },
            { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle },
          ],
    );
    if (patch.length === 0) continue;
    await kube.patch(kind, undefined, name, 'json', patch, { ...call, fieldManager: 'drey-webhook' });
    written = true;
  }
  return written;
}

async function existing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
