import { request as httpsRequest } from 'node:https';
import { allCrds, type FlinkDeployment, FlinkDeployments, FlinkSessionJobs, FlinkStateSnapshots } from '@drey/api';
import { inProcessTransport, startApiServer } from '@drey/devcluster';
import {
  type AnyObject,
  createKubeClient,
  isKubeError,
  type KubeClient,
  type KubeError,
  Secret,
  systemClock,
  systemRandom,
} from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import {
  type Admission,
  admissionRules,
  operatorLogger,
  startAdmission,
  ValidatingWebhookConfigurations,
  webhookConfigurations,
} from '@drey/operator';
import { goodResource, wrongResources } from '@drey/operator/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The webhooks as an API server uses them: over TLS, with certificates that they made themselves. */
const NAME = 'drey-webhooks';
const CONFIG = {
  ...DEFAULT_OPERATOR_CONFIG,
  'kubernetes.operator.user.artifacts.disallow-restricted-hosts': 'false',
};
const warnings: string[] = [];
let server: Awaited<ReturnType<typeof startApiServer>>;
let kube: KubeClient;
let admission: Admission;

const start = (port = 0): Promise<Admission> =>
  startAdmission(
    { kube, clock: systemClock, log: operatorLogger({ level: 'silent' }) },
    {
      ...{ port, host: '127.0.0.1', hosts: ['127.0.0.1', 'drey-webhook.default.svc'], namespace: 'default' },
      configurationName: NAME,
      rules: () => admissionRules(CONFIG),
    },
  );

beforeAll(async () => {
  server = await startApiServer({
    ...{ port: 0, clock: systemClock, random: systemRandom, tokens: [], anonymous: false },
    serviceAccountAdmission: false,
    onFault: (error) => {
      throw error;
    },
  });
  const admin = { name: 'admin', groups: ['system:masters'] };
  kube = createKubeClient({
    ...{ transport: inProcessTransport(server.server.handle, admin), clock: systemClock, random: systemRandom },
    onWarning: (warning) => warnings.push(warning),
  });
  // Without their rules, so that only the webhooks refuse.
  for (const crd of allCrds({ rules: false })) await kube.raw('POST', CRDS, crd);
  admission = await start();
  const target = { url: `https://127.0.0.1:${admission.port}` };
  for (const configuration of webhookConfigurations({ name: NAME, target })) {
    const plural = `${configuration.kind.toLowerCase()}s`;
    await kube.raw('POST', `/apis/admissionregistration.k8s.io/v1/${plural}`, configuration);
  }
  // The next check finds the configurations and puts the authority in; a restart checks at once.
  await admission.stop();
  admission = await start(admission.port);
  for (let i = 0; i < 100 && !(await isTrusted()); i++) await new Promise((resolve) => setTimeout(resolve, 50));
});

afterAll(async () => {
  await admission?.stop();
  await server?.close();
});

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

async function isTrusted(): Promise<boolean> {
  const found = await kube.get(ValidatingWebhookConfigurations, undefined, NAME);
  return found.webhooks?.[0]?.clientConfig.caBundle !== undefined;
}

async function refusalOf(object: AnyObject): Promise<KubeError | undefined> {
  const path = `/apis/flink.apache.org/v1beta1/namespaces/default/${object.kind.toLowerCase()}s?dryRun=All`;
  try {
    await kube.raw('POST', path, object);
    return undefined;
  } catch (error) {
    if (isKubeError(error)) return error;
    throw error;
  }
}

const deployment = (changes: object = {}): FlinkDeployment => {
  const good = goodResource('FlinkDeployment') as unknown as FlinkDeployment;
  return { ...good, spec: { ...good.spec, ...changes } };
};

describe('The webhooks', () => {
  it('make their certificate once, keep it in a Secret, and are trusted by the configurations', async () => {
    expect(await isTrusted()).toBe(true);
    const secret = await kube.get(Secret, 'default', 'drey-webhook-certificate');
    expect(Object.keys(secret.data ?? {}).sort()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
    expect(admission.authority).toBe(Buffer.from(secret.data?.['ca.crt'] ?? '', 'base64').toString('utf8'));
    const another = await start();
    expect(another.authority).toBe(admission.authority);
    await another.stop();
  });

  it('refuse in the words of the Apache operator, with code, place and next step', async () => {
    const refusal = await refusalOf(deployment({ serviceAccount: undefined }) as unknown as AnyObject);
    expect(refusal?.code).toBe('E_KUBE_INVALID');
    expect(refusal?.body?.message).toBe(
      `admission webhook "validation.flink.apache.org" denied the request: spec.serviceAccount must be defined. If you use helm, its value should be the same with the name of jobServiceAccount.`,
    );
    expect(refusal?.body?.details?.causes).toEqual([
      {
        reason: 'E_VALIDATION_SERVICE_ACCOUNT',
        field: 'spec.serviceAccount',
        message: 'Set spec.serviceAccount to an account that may create pods, for example flink.',
      },
    ]);
  });

  it('refuse every wrong resource that the schema lets through', async () => {
    const accepted: string[] = [];
    for (const { id, object } of wrongResources()) {
      const refusal = await refusalOf(object as unknown as AnyObject);
      if (refusal === undefined) accepted.push(id);
      else expect.soft(refusal.code, id).toBe('E_KUBE_INVALID');
    }
    // These are restricted hosts, which this operator allows.
    expect(accepted.filter((id) => !id.includes('job.jarURI'))).toEqual([]);
  });

  it('refuse a dangerous change of what is deployed, and let go what has to go', async () => {
    const created = await kube.create(FlinkDeployments, deployment());
    const lastReconciledSpec = JSON.stringify({ spec: created.spec, resource_metadata: { firstDeployment: false } });
    const status = { reconciliationStatus: { lastReconciledSpec, state: 'DEPLOYED' as const } };
    await kube.replace(FlinkDeployments, { ...created, status }, { subresource: 'status' });
    const patch = (change: object): Promise<FlinkDeployment> =>
      kube.patch(FlinkDeployments, 'default', 'app', 'merge', change);
    await expect(patch({ spec: { mode: 'standalone' } })).rejects.toThrow(
      /Cannot switch from native kubernetes to standalone kubernetes cluster/,
    );
    await expect(patch({ spec: { job: null } })).rejects.toThrow(/Cannot switch from job to session cluster/);
    await patch({ metadata: { finalizers: ['flinkdeployments.flink.apache.org/finalizer'] } });
    await patch({ spec: { job: { parallelism: 3 } } });
    await kube.delete(FlinkDeployments, 'default', 'app');
    await patch({ metadata: { finalizers: null } });
    await expect(kube.get(FlinkDeployments, 'default', 'app')).rejects.toThrow(/not found/);
  });

  it('warn of options that do nothing', async () => {
    warnings.length = 0;
    const typo = { ...deployment().spec.flinkConfiguration, 'taskmanager.numberOfTaskSlot': '2' };
    expect(await refusalOf(deployment({ flinkConfiguration: typo }) as unknown as AnyObject)).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringContaining(
        'Flink knows no option taskmanager.numberOfTaskSlot. Did you mean taskmanager.numberOfTaskSlots?',
      ),
    ]);
  });

  it('put the label of its cluster onto a session job, and know whether the cluster takes jobs', async () => {
    const job = goodResource('FlinkSessionJob');
    const label = 'target.session';
    const created = await kube.create(FlinkSessionJobs, job as never);
    expect(created.metadata.labels).toEqual({ [label]: 'session' });
    const moved = { metadata: { labels: { mine: 'x', [label]: 'old' } }, spec: { restartNonce: 1 } };
    const changed = await kube.patch(FlinkSessionJobs, 'default', 'app', 'merge', moved);
    expect(changed.metadata.labels).toEqual({ mine: 'x', [label]: 'session' });
    await kube.delete(FlinkSessionJobs, 'default', 'app');

    const application = { ...deployment(), metadata: { name: 'application', namespace: 'default' } };
    await kube.create(FlinkDeployments, application);
    const onApplication = { ...job, spec: { ...job.spec, deploymentName: 'application' } };
    const refusal = await refusalOf(onApplication as unknown as AnyObject);
    expect(refusal?.body?.message).toMatch(/Can not submit session job to application cluster$/);
    await kube.delete(FlinkDeployments, 'default', 'application');
  });

  it('ask for the job of a snapshot, and leave canaries alone', async () => {
    const snapshot = goodResource('FlinkStateSnapshot');
    const refusal = await refusalOf(snapshot as unknown as AnyObject);
    expect(refusal?.body?.message).toMatch(/Target for snapshot default\/app was not found$/);
    await kube.create(FlinkDeployments, deployment());
    const created = await kube.create(FlinkStateSnapshots, snapshot as never);
    expect(created.spec.jobReference?.name).toBe('app');
    const canary = {
      metadata: { name: 'canary', namespace: 'default', labels: { 'flink.apache.org/canary': 'true' } },
    };
    const empty = {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: 'FlinkDeployment',
      ...canary,
      spec: { restartNonce: 1 },
    };
    expect(await refusalOf(empty as unknown as AnyObject)).toBeUndefined();
    await kube.delete(FlinkDeployments, 'default', 'app');
  });

  it('answer what is no review with a code, and nothing at other paths', async () => {
    expect(await call('POST', '/validate', 'nonsense')).toEqual([400, expect.stringContaining('[E_ADMISSION_REVIEW]')]);
    expect(await call('POST', '/validate', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}')).toEqual([
      400,
      expect.stringContaining('no request'),
    ]);
    expect((await call('POST', '/validate', 'x'.repeat(9 * 1024 * 1024)))[0]).toBe(413);
    expect((await call('GET', '/validate'))[0]).toBe(405);
    expect((await call('GET', '/'))[0]).toBe(404);
    expect(await call('GET', '/healthz')).toEqual([200, 'OK']);
  });

  it('keep nobody from working while they are down', async () => {
    const { port } = admission;
    await admission.stop();
    expect(await refusalOf(deployment({ serviceAccount: undefined }) as unknown as AnyObject)).toBeUndefined();
    expect(port).toBeGreaterThan(0);
  });
});

function call(method: string, path: string, body?: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const { port, authority } = admission;
    const outgoing = httpsRequest({ host: '127.0.0.1', port, path, method, ca: authority }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
