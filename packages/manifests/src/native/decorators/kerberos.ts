import { clusterOptions, FlinkError, kubernetesOptions } from '@drey/flink';
import type { ManifestObject, Volume, VolumeMount } from '../../kubernetes/objects.ts';
import { KEYTAB_DIR, KEYTAB_VOLUME, KRB5_CONF_VOLUME } from '../constants.ts';
import type { Decorator, Parameters } from '../parameters.ts';
import { extend } from '../pod.ts';

const KRB5_CONF = 'krb5.conf';
const KRB5_CONF_PATH = `/etc/${KRB5_CONF}`;

/** The keytab and Kerberos’ configuration file. Flink gives these objects no labels. */
export const kerberos: Decorator = {
  concern: 'kerberos',
  decorate(pod, p) {
    const volumes: Volume[] = [];
    const volumeMounts: VolumeMount[] = [];
    if (usesKeytab(p)) {
      volumes.push({ name: KEYTAB_VOLUME, secret: { secretName: keytabSecretName(p) } });
      volumeMounts.push({ name: KEYTAB_VOLUME, mountPath: KEYTAB_DIR });
    }
    const path = krb5ConfPath(p);
    if (path !== undefined) {
      const items = [{ key: fileName(path), path: KRB5_CONF }];
      volumes.push({ name: KRB5_CONF_VOLUME, configMap: { name: krb5ConfigMapName(p), items } });
      volumeMounts.push({ name: KRB5_CONF_VOLUME, mountPath: KRB5_CONF_PATH, subPath: KRB5_CONF });
    }
    return extend(pod, { volumeMounts }, volumes);
  },
  resources(p) {
    const out: ManifestObject[] = [];
    const { keytab, krb5Conf } = p.files;
    if (usesKeytab(p) && keytab !== undefined) {
      const data = { [keytab.name]: keytab.base64 };
      out.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: keytabSecretName(p) }, data });
    }
    if (krb5ConfPath(p) !== undefined && krb5Conf !== undefined) {
      const data = { [krb5Conf.name]: krb5Conf.text };
      out.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: krb5ConfigMapName(p) }, data });
    }
    return out;
  },
};

/** Where the pods find the keytab that the client was given; undefined when there is none to ship. */
export function mountedKeytab(p: Pick<Parameters, 'config' | 'files'>): string | undefined {
  if (!p.config.get(kubernetesOptions.kerberosMountEnabled) || !usesKeytab(p) || p.files.keytab === undefined)
    return undefined;
  return `${KEYTAB_DIR}/${p.files.keytab.name}`;
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A keytab is of use only with a principal. Throws `E_FLINK_CONFIG_VALUE` for one without the other, as Flink's client does. */
function usesKeytab({ config }: Pick<Parameters, 'config'>): boolean {
  const { kerberosKeytab, kerberosPrincipal } = clusterOptions;
  const [keytab, principal] = [notBlank(config.get(kerberosKeytab)), notBlank(config.get(kerberosPrincipal))];
  if (keytab === principal) return keytab;
  const [given, missing] = keytab ? [kerberosKeytab, kerberosPrincipal] : [kerberosPrincipal, kerberosKeytab];
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `${given.key} is set without ${missing.key}`,
    'Set both for a login by Kerberos, or neither.',
  );
}

function krb5ConfPath(p: Parameters): string | undefined {
  const path = p.config.get(clusterOptions.kerberosKrb5ConfPath);
  return notBlank(path) ? path : undefined;
}

function notBlank(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '';
}

function keytabSecretName(p: Parameters): string {
  return `kerberos-keytab-${p.clusterId}`;
}

function krb5ConfigMapName(p: Parameters): string {
  return `kerberos-krb5conf-${p.clusterId}`;
}
