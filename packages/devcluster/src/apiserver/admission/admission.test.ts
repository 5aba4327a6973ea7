import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type AnyObject, systemClock } from '@drey/kube';
import { afterEach, describe, expect, it } from 'vitest';
import { createRbac } from '../auth/rbac.ts';
import type { User } from '../contract.ts';
import { createCertificates } from '../front/certificates.ts';
import type { AdmissionRequest, ObjectReader } from '../model.ts';
import { builtinResources } from '../registry/builtins.ts';
import { defaultTolerationSeconds, namespaceProtection, priority } from './builtin-plugins.ts';
import { admissionChain } from './chain.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { serviceAccount } from './service-account.ts';
import { httpsWebhookCaller, type WebhookCaller } from './webhooks/caller.ts';
import { mutatingWebhooks, validatingWebhooks } from './webhooks/plugin.ts';

const resources = builtinResources();
const random = { next: () => 0.5 };
const admin: User = { name: 'admin', groups: ['system:masters'] };

function reader(objects: Readonly<Record<string, readonly object[]>>): ObjectReader {
  const all = (plural: string) => (objects[plural] ?? []) as readonly AnyObject[];
  return {
    get: (_g, plural, ns, name) =>
      all(plural).find(({ metadata }) => metadata.name === name && metadata.namespace === ns),
    list: (_g, plural, ns) => all(plural).filter(({ metadata }) => ns === undefined || metadata.namespace === ns),
  };
}

function request(plural: string, object: object | undefined, more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const definition = resources.find((resource) => resource.plural === plural)!;
  return {
    operation: 'CREATE',
    definition,
    subresource: undefined,
    namespace: definition.namespaced ? 'ns' : undefined,
    name: 'x',
    user: admin,
    object: object as AnyObject | undefined,
    oldObject: undefined,
    dryRun: false,
    options: {},
    ...more,
  };
}

function pod(spec: object = {}): AnyObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x', namespace: 'ns' },
    spec: { containers: [{ name: 'a' }], ...spec },
  } as AnyObject;
}

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'admitted',
    (error) => [error.status?.code, error.status?.message],
  );
}

describe('built-in admission', () => {
  it('gives pods tolerations and a priority, and leaves what they have', async () => {
    const chain = admissionChain([priority(reader({})), defaultTolerationSeconds]);
    const { object } = await chain.mutate(request('pods', pod()));
    expect(object?.spec).toMatchObject({
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    });
    const all = pod({ tolerations: [{ operator: 'Exists' }] });
    expect((await chain.mutate(request('pods', all))).object?.spec).toMatchObject({
      tolerations: [{ operator: 'Exists' }],
    });
    expect(await failureOf(chain.mutate(request('pods', pod({ priorityClassName: 'none' }))))).toEqual([
      403,
      'pods "x" is forbidden: no PriorityClass with name none was found',
    ]);
  });

  it('mounts the token of the service account, unless the account or the pod says no', async () => {
    const metadata = { name: 'default', namespace: 'ns' };
    const plugin = (account: object) =>
      serviceAccount({ objects: reader({ serviceaccounts: [account] }), random, clock: systemClock });
    const { object } = await admissionChain([plugin({ metadata })]).mutate(request('pods', pod()));
    const spec = object?.spec as { volumes: { name: string }[]; containers: { volumeMounts: object[] }[] };
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' });
    expect(spec.volumes[0]!.name).toMatch(/^kube-api-access-.{5}$/);
    expect(spec.containers[0]!.volumeMounts).toEqual([
      { name: spec.volumes[0]!.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]);
    const off = await admissionChain([plugin({ metadata, automountServiceAccountToken: false })]).mutate(
      request('pods', pod()),
    );
    expect(off.object?.spec).not.toHaveProperty('volumes');
    const other = admissionChain([plugin({ metadata })]).mutate(request('pods', pod({ serviceAccountName: 'gone' })));
    expect(await failureOf(other)).toEqual([
      403,
      'pods "x" is forbidden: error looking up service account ns/gone: serviceaccount "gone" not found',
    ]);
  });

  it('keeps the namespaces a cluster needs', async () => {
    const chain = admissionChain([namespaceProtection]);
    const remove = (name: string) => chain.validate(request('namespaces', undefined, { operation: 'DELETE', name }));
    expect(await failureOf(remove('default'))).toEqual([
      403,
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ]);
    expect(await failureOf(remove('mine'))).toBe('admitted');
  });

  it('lets nobody grant more than they hold, by role or by binding', async () => {
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
    const mine = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
    const objects = reader({
      roles: [
        { kind: 'Role', metadata: { name: 'big', namespace: 'ns' }, rules },
        { kind: 'Role', metadata: { name: 'small', namespace: 'ns' }, rules: mine },
      ],
      rolebindings: [
        {
          metadata: { name: 'b', namespace: 'ns' },
          subjects: [{ kind: 'User', name: 'bob' }],
          roleRef: { kind: 'Role', name: 'small' },
        },
      ],
    });
    const chain = admissionChain([rbacEscalation(createRbac(objects))]);
    const user: User = { name: 'bob', groups: ['crew'] };
    const refused = [
      403,
      'roles.rbac.authorization.k8s.io "x" is forbidden: user "bob" (groups=["crew"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    ];
    expect(await failureOf(chain.validate(request('roles', { rules }, { user })))).toEqual(refused);
    expect(await failureOf(chain.validate(request('roles', { rules: mine }, { user })))).toBe('admitted');
    expect(await failureOf(chain.validate(request('roles', { rules })))).toBe('admitted');
    const bind = (name: string) =>
      chain.validate(request('rolebindings', { roleRef: { kind: 'Role', name }, subjects: [] }, { user }));
    expect(await failureOf(bind('big'))).toEqual([403, (refused[1] as string).replace('roles', 'rolebindings')]);
    expect(await failureOf(bind('small'))).toBe('admitted');
    expect(await failureOf(bind('none'))).toEqual([404, 'roles.rbac.authorization.k8s.io "none" not found']);
  });
});

type Review = { request: { uid: string; object: AnyObject; operation: string } };

/** Answers as a webhook does; counts the calls. */
function webhook(answer: (review: Review) => object): { call: WebhookCaller; reviews: Review[] } {
  const reviews: Review[] = [];
  const call: WebhookCaller = async (_config, body) => {
    const review = JSON.parse(Buffer.from(body).toString()) as Review;
    reviews.push(review);
    const response = { uid: review.request.uid, allowed: true, ...answer(review) };
    return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response }));
  };
  return { call, reviews };
}

function configured(more: object = {}): object {
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }];
  const hook = { name: 'h.example.com', clientConfig: { url: 'https://x' }, rules, sideEffects: 'None', ...more };
  return { metadata: { name: 'c' }, webhooks: [hook] };
}

function patchOf(value: unknown): object {
  const patch = [{ op: 'add', path: '/metadata/labels', value }];
  return {
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    warnings: ['careful'],
  };
}

describe('admission webhooks', () => {
  const mutating = (more: object, call: WebhookCaller) =>
    admissionChain([
      mutatingWebhooks({ objects: reader({ mutatingwebhookconfigurations: [configured(more)] }), call, random }),
    ]);
  const validating = (more: object, call: WebhookCaller, namespaces: object[] = []) =>
    admissionChain([
      validatingWebhooks({
        objects: reader({ validatingwebhookconfigurations: [configured(more)], namespaces }),
        call,
        random,
      }),
    ]);

  it('apply JSON patches and pass warnings on', async () => {
    const { call, reviews } = webhook(() => patchOf({ a: 'b' }));
    const { object, warnings } = await mutating({}, call).mutate(request('pods', pod()));
    expect([object?.metadata.labels, warnings]).toEqual([{ a: 'b' }, ['careful']]);
    expect(reviews[0]!.request).toMatchObject({
      operation: 'CREATE',
      kind: { kind: 'Pod' },
      namespace: 'ns',
      userInfo: { username: 'admin' },
    });
  });

  it('refuse in the words of the webhook', async () => {
    const told = webhook(() => ({ allowed: false, status: { code: 403, message: 'no', reason: 'Forbidden' } }));
    expect(await failureOf(validating({}, told.call).validate(request('pods', pod())))).toEqual([
      403,
      'admission webhook "h.example.com" denied the request: no',
    ]);
    const silent = webhook(() => ({ allowed: false }));
    expect(await failureOf(validating({}, silent.call).validate(request('pods', pod())))).toEqual([
      400,
      'admission webhook "h.example.com" denied the request without explanation',
    ]);
  });

  it('are asked only about what their rules, selectors and conditions match', async () => {
    const { call, reviews } = webhook(() => ({}));
    const namespaces = [{ metadata: { name: 'ns', labels: { team: 'a' } } }];
    const ask = (more: object, ask: AdmissionRequest) => validating(more, call, namespaces).validate(ask);
    await ask({}, request('configmaps', pod()));
    await ask({}, request('pods', pod(), { operation: 'UPDATE' }));
    await ask({}, request('pods', pod(), { subresource: 'eviction' }));
    await ask({ namespaceSelector: { matchLabels: { team: 'b' } } }, request('pods', pod()));
    await ask({ objectSelector: { matchExpressions: [{ key: 'x', operator: 'Exists' }] } }, request('pods', pod()));
    await ask(
      { matchConditions: [{ name: 'c', expression: 'object.spec.containers.size() > 1' }] },
      request('pods', pod()),
    );
    expect(reviews).toHaveLength(0);
    await ask({ namespaceSelector: { matchLabels: { team: 'a' } } }, request('pods', pod()));
    const conditions = [
      { name: 'c', expression: "object.spec.containers.size() == 1 && request.userInfo.username == 'admin'" },
    ];
    await ask({ matchConditions: conditions }, request('pods', pod()));
    expect(reviews).toHaveLength(2);
  });

  it('follow the failure policy, and do not run in a dry run unless they may', async () => {
    const broken: WebhookCaller = async () => {
      throw new Error('connection refused');
    };
    expect(await failureOf(validating({}, broken).validate(request('pods', pod())))).toEqual([
      500,
      'Internal error occurred: failed calling webhook "h.example.com": failed to call webhook: connection refused',
    ]);
    expect(await failureOf(validating({ failurePolicy: 'Ignore' }, broken).validate(request('pods', pod())))).toBe(
      'admitted',
    );
    const { call, reviews } = webhook(() => ({}));
    const dry = request('pods', pod(), { dryRun: true });
    expect(await failureOf(validating({ sideEffects: 'Some' }, call).validate(dry))).toEqual([
      400,
      'admission webhook "h.example.com" does not support dry run',
    ]);
    expect(await failureOf(validating({}, call).validate(dry))).toBe('admitted');
    expect(reviews).toHaveLength(1);
  });
});

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe('the webhook caller', () => {
  it('trusts the bundle alone, and gives up in time', async () => {
    const { authority, server: pair } = await createCertificates({ hosts: ['localhost'], now: systemClock.now() });
    const server = createServer({ key: pair.key, cert: pair.certificate }, (incoming, response) => {
      if (incoming.url === '/slow') return;
      incoming.pipe(response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const call = httpsWebhookCaller(reader({}), systemClock);
    const caBundle = Buffer.from(authority.certificate).toString('base64');
    expect(Buffer.from(await call({ url, caBundle }, Buffer.from('echo'), 5)).toString()).toBe('echo');
    await expect(call({ url }, Buffer.from('echo'), 5)).rejects.toThrow(/self-signed|unable to verify/);
    const slow = call({ url: `${url}/slow`, caBundle }, Buffer.from('echo'), 0.05);
    await expect(slow).rejects.toThrow(`Post "${url}/slow?timeout=0.05s": context deadline exceeded`);
    server.closeAllConnections();
  });
});
