import { type AnyObject, type Clock, type Random, sleep } from '@drey/kube';
import type { ObjectReader } from '../model.ts';
import { forbidden } from '../status.ts';
import { bool, list, read, text } from '../table/fields.ts';
import { generateName } from '../verbs/identity.ts';
import { type AdmissionPlugin, isPod } from './chain.ts';

/** Where clients inside pods look for their token. */
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const DEFAULT_MODE = 0o644;
/** One hour, and seven seconds by which such tokens can be told from requested ones. */
const TOKEN_SECONDS = 3607;
const LOOKUPS = 10;
const LOOKUP_EVERY_MS = 50;

export interface ServiceAccountOptions {
  readonly objects: ObjectReader;
  readonly random: Random;
  readonly clock: Clock;
}

/** Gives each pod a service account and its token, as a projected volume at the well-known path. */
export function serviceAccount(options: ServiceAccountOptions): AdmissionPlugin {
  return {
    async mutate(request, object) {
      if (!isPod(request) || request.operation !== 'CREATE') return undefined;
      if (object.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return undefined;
      const spec = object.spec as Record<string, unknown>;
      const name = text(spec, 'serviceAccountName') || 'default';
      const namespace = request.namespace ?? '';
      const account = await findAccount(options, namespace, name);
      if (account === undefined) {
        const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
        throw forbidden(request.definition, request.name, why);
      }
      spec.serviceAccountName = name;
      spec.serviceAccount = name;
      if (wantsToken(spec, account)) mountToken(spec, options.random);
      const secrets = list(account, 'imagePullSecrets');
      if (list(spec, 'imagePullSecrets').length === 0 && secrets.length > 0)
        spec.imagePullSecrets = structuredClone(secrets);
      return { object };
    },
  };
}

/** The default account of a new namespace is made by a controller, so it is waited for. */
async function findAccount(
  { objects, clock }: ServiceAccountOptions,
  namespace: string,
  name: string,
): Promise<AnyObject | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const account = objects.get('', 'serviceaccounts', namespace, name);
    if (account !== undefined || name !== 'default' || attempt === LOOKUPS) return account;
    await sleep(clock, LOOKUP_EVERY_MS);
  }
}

function wantsToken(spec: unknown, account: AnyObject): boolean {
  if (read(spec, 'automountServiceAccountToken') !== undefined) return bool(spec, 'automountServiceAccountToken');
  return account.automountServiceAccountToken !== false;
}

function mountToken(spec: Record<string, unknown>, random: Random): void {
  const containers = ['initContainers', 'containers']
    .flatMap((field) => list(spec, field) as Record<string, unknown>[])
    .filter((container) => !list(container, 'volumeMounts').some((mount) => text(mount, 'mountPath') === MOUNT_PATH));
  if (containers.length === 0) return;
  const name = generateName('kube-api-access-', random);
  for (const container of containers) {
    container.volumeMounts = [...list(container, 'volumeMounts'), { name, readOnly: true, mountPath: MOUNT_PATH }];
  }
  spec.volumes = [...list(spec, 'volumes'), { name, projected: projection() }];
}

function projection(): Record<string, unknown> {
  const namespace = { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } };
  return {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [namespace] } },
    ],
    defaultMode: DEFAULT_MODE,
  };
}
