import type { KeyPair } from '@drey/kube';
import { stringify } from 'yaml';

export interface KubeconfigOptions {
  /** Of the cluster, the context and the user. */
  readonly name: string;
  readonly url: string;
  /** The authority's certificate, PEM. */
  readonly authority: string;
  readonly credential: { readonly token: string } | { readonly client: KeyPair };
  readonly namespace?: string;
}

/** A kubeconfig file that works by itself: certificates and credentials are inside, so it must be kept private. */
export function kubeconfig(options: KubeconfigOptions): string {
  const { name, url, authority, credential, namespace } = options;
  const user =
    'token' in credential
      ? { token: credential.token }
      : {
          'client-certificate-data': base64(credential.client.certificate),
          'client-key-data': base64(credential.client.key),
        };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(authority) } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
    'current-context': name,
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
