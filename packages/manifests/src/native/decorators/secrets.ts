import { FlinkError, kubernetesOptions } from '@drey/flink';
import { type Decorator, mapInJavaOrder } from '../parameters.ts';
import { extend } from '../pod.ts';

/** Environment variables whose values are in Secrets. */
export const envSecrets: Decorator = {
  concern: 'env-secrets',
  decorate(pod, p) {
    const env = p.config.get(kubernetesOptions.envSecretKeyRef).map((entry) => ({
      name: required(entry, 'env'),
      valueFrom: { secretKeyRef: { name: required(entry, 'secret'), key: required(entry, 'key') } },
    }));
    return extend(pod, { env });
  },
};

/** Secrets mounted as directories. */
export const mountSecrets: Decorator = {
  concern: 'mount-secrets',
  decorate(pod, p) {
    const entries = mapInJavaOrder(p, kubernetesOptions.secrets);
    return extend(
      pod,
      { volumeMounts: entries.map(([name, mountPath]) => ({ name: `${name}-volume`, mountPath })) },
      entries.map(([name]) => ({ name: `${name}-volume`, secret: { secretName: name } })),
    );
  },
};

function required(entry: ReadonlyMap<string, string>, member: string): string {
  const value = entry.get(member);
  if (value !== undefined) return value;
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `An entry of ${kubernetesOptions.envSecretKeyRef.key} lacks "${member}"`,
    'Write each entry as env:NAME,secret:SECRET,key:KEY and separate entries with semicolons.',
  );
}
