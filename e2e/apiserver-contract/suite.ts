import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection, freshName } from './connection.ts';

/**
 * What Drey's own clients rely on, as a suite that runs unchanged on the embedded API server and on a real kube-apiserver.
 * It uses no controllers: nothing here waits for a garbage collector.
 */
export function apiServerContract(name: string, open: () => Promise<{ url: string; token: string }>): void {
  describe(`the API server contract on ${name}`, () => {
    let c: Connection;
    const ns = freshName('contract');
    const maps = `/api/v1/namespaces/${ns}/configmaps`;
    const deployments = `/apis/apps/v1/namespaces/${ns}/deployments`;
    const pods = `/api/v1/namespaces/${ns}/pods`;

    beforeAll(async () => {
      const { url, token } = await open();
      c = new Connection(url, token);
      expect((await c.post('/api/v1/namespaces', { metadata: { name: ns } })).status).toBe(201);
    });
    afterAll(async () => {
      await c.delete(`/api/v1/namespaces/${ns}`);
      await c.close();
    });

    const map = (n: string, data: Record<string, string> = { a: '1' }, more: object = {}): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: n, ...more },
      data,
    });
    const deployment = (n: string, image = 'x:1'): object => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: n },
      spec: {
        selector: { matchLabels: { app: n } },
        template: { metadata: { labels: { app: n } }, spec: { containers: [{ name: 'main', image }] } },
      },
    });

    describe('creating and reading', () => {
      it('sets uid, resourceVersion and creationTimestamp, and answers 409 for a second create', async () => {
        const made = await c.post(maps, map('one'));
        expect(made.status).toBe(201);
        expect(made.body.metadata).toMatchObject({ name: 'one', namespace: ns, uid: expect.any(String) });
        expect(made.body.metadata.resourceVersion).toMatch(/^\d+$/);
        const again = await c.post(maps, map('one'));
        expect(again).toMatchObject({ status: 409, body: { reason: 'AlreadyExists', details: { name: 'one' } } });
      });

      it('answers 404 with a Status that names kind and object', async () => {
        const answer = await c.get(`${maps}/none`);
        expect(answer).toMatchObject({ status: 404, body: { kind: 'Status', reason: 'NotFound', code: 404 } });
        expect(answer.body.message).toBe('configmaps "none" not found');
      });

      it('completes generateName with a random suffix', async () => {
        const made = await c.post(maps, { metadata: { generateName: 'made-' } });
        expect(made.body.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
      });

      it('refuses names that are no DNS subdomain', async () => {
        const answer = await c.post(maps, map('No_Good'));
        expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
        expect(answer.body.details.causes[0].field).toBe('metadata.name');
      });

      it('fills defaults of a Deployment', async () => {
        const made = await c.post(deployments, deployment('defaults'));
        expect(made.status).toBe(201);
        expect(made.body.spec).toMatchObject({
          replicas: 1,
          revisionHistoryLimit: 10,
          progressDeadlineSeconds: 600,
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
          template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30 } },
        });
        expect(made.body.metadata.generation).toBe(1);
      });

      it('writes nothing on dry run', async () => {
        expect((await c.post(`${maps}?dryRun=All`, map('dry'))).status).toBe(201);
        expect((await c.get(`${maps}/dry`)).status).toBe(404);
      });

      it('warns about unknown fields, and refuses them when strict', async () => {
        const odd = { ...deployment('odd'), surprise: 1 };
        const strict = await c.post(`${deployments}?fieldValidation=Strict`, odd);
        expect(strict.status).toBe(400);
        expect(strict.body.message).toContain('unknown field "surprise"');
        const warned = await c.post(deployments, odd);
        expect(warned.status).toBe(201);
        expect(warned.warnings.join()).toContain('unknown field');
      });
    });

    describe('updating', () => {
      it('refuses a PUT from an old version and takes one from the newest', async () => {
        const made = (await c.post(maps, map('put'))).body;
        const next = await c.put(`${maps}/put`, { ...made, data: { a: '2' } });
        expect(next.status).toBe(200);
        const late = await c.put(`${maps}/put`, { ...made, data: { a: '3' } });
        expect(late).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
      });

      it('stores nothing when nothing changes', async () => {
        const made = (await c.post(maps, map('same'))).body;
        const again = await c.put(`${maps}/same`, made);
        expect(again.body.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      });

      it('raises the generation with the spec and leaves it with labels and status', async () => {
        await c.post(deployments, deployment('gen'));
        const at = `${deployments}/gen`;
        const spec = await c.patch('merge-patch', at, { spec: { replicas: 2 } });
        expect(spec.body.metadata.generation).toBe(2);
        const label = await c.patch('merge-patch', at, { metadata: { labels: { x: 'y' } } });
        expect(label.body.metadata.generation).toBe(2);
        const status = await c.patch('merge-patch', `${at}/status`, { status: { replicas: 1 }, spec: { replicas: 9 } });
        expect(status.body).toMatchObject({
          metadata: { generation: 2 },
          spec: { replicas: 2 },
          status: { replicas: 1 },
        });
      });

      it('keeps status out of writes to the main resource', async () => {
        await c.post(deployments, deployment('statusless'));
        const answer = await c.patch('merge-patch', `${deployments}/statusless`, { status: { replicas: 7 } });
        expect(answer.body.status.replicas).toBeUndefined();
      });

      it('refuses a change of an immutable field', async () => {
        await c.post(deployments, deployment('immutable'));
        const answer = await c.patch('merge-patch', `${deployments}/immutable`, {
          spec: { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'other' } } } },
        });
        expect(answer.status).toBe(422);
        expect(answer.body.message).toContain('field is immutable');
      });
    });

    describe('patching', () => {
      it('applies JSON patches in order, and none when a test fails', async () => {
        await c.post(maps, map('json', { a: '1', b: '2' }));
        const ok = await c.patch('json-patch', `${maps}/json`, [
          { op: 'test', path: '/data/a', value: '1' },
          { op: 'replace', path: '/data/a', value: '3' },
          { op: 'remove', path: '/data/b' },
          { op: 'add', path: '/data/c', value: '4' },
        ]);
        expect(ok.body.data).toEqual({ a: '3', c: '4' });
        const bad = await c.patch('json-patch', `${maps}/json`, [
          { op: 'replace', path: '/data/a', value: '9' },
          { op: 'test', path: '/data/c', value: 'no' },
        ]);
        expect(bad.status).toBe(422);
        expect((await c.get(`${maps}/json`)).body.data.a).toBe('3');
      });

      it('removes keys with null in a merge patch', async () => {
        await c.post(maps, map('merge', { a: '1', b: '2' }));
        const answer = await c.patch('merge-patch', `${maps}/merge`, { data: { a: null, c: '3' } });
        expect(answer.body.data).toEqual({ b: '2', c: '3' });
      });

      it('merges containers by name in a strategic merge patch', async () => {
        await c.post(deployments, deployment('strategic'));
        const answer = await c.patch('strategic-merge-patch', `${deployments}/strategic`, {
          spec: {
            template: {
              spec: {
                containers: [
                  { name: 'side', image: 's:1' },
                  { name: 'main', image: 'x:2' },
                ],
              },
            },
          },
        });
        const images = answer.body.spec.template.spec.containers.map(
          (one: { name: string; image: string }) => `${one.name}=${one.image}`,
        );
        expect(images.sort()).toEqual(['main=x:2', 'side=s:1']);
      });

      it('honours the resourceVersion in a patch', async () => {
        const made = (await c.post(maps, map('patchrv'))).body;
        await c.patch('merge-patch', `${maps}/patchrv`, { data: { b: '2' } });
        const late = await c.patch('merge-patch', `${maps}/patchrv`, {
          metadata: { resourceVersion: made.metadata.resourceVersion },
          data: { c: '3' },
        });
        expect(late.status).toBe(409);
      });
    });

    describe('server-side apply', () => {
      it('creates, owns, and removes what the manager no longer applies', async () => {
        const made = await c.apply(`${maps}/ssa`, 'alpha', map('ssa', { a: '1', b: '2' }));
        expect(made.status).toBe(201);
        const less = await c.apply(`${maps}/ssa`, 'alpha', map('ssa', { a: '1' }));
        expect(less.body.data).toEqual({ a: '1' });
        expect(less.body.metadata.managedFields).toMatchObject([
          { manager: 'alpha', operation: 'Apply', apiVersion: 'v1' },
        ]);
      });

      it('reports a conflict with another manager, and takes the field with force', async () => {
        await c.apply(`${maps}/fight`, 'alpha', map('fight', { a: '1' }));
        const conflict = await c.apply(`${maps}/fight`, 'beta', map('fight', { a: '2' }));
        expect(conflict).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
        expect(conflict.body.message).toContain('conflict with "alpha": .data.a');
        const forced = await c.apply(`${maps}/fight`, 'beta', map('fight', { a: '2' }), '&force=true');
        expect(forced.body.data.a).toBe('2');
      });

      it('keeps fields of others', async () => {
        await c.post(maps, map('shared', { theirs: '1' }));
        const answer = await c.apply(`${maps}/shared`, 'alpha', map('shared', { ours: '2' }));
        expect(answer.body.data).toEqual({ theirs: '1', ours: '2' });
      });

      it('writes nothing when the intent is already there', async () => {
        const first = await c.apply(`${maps}/noop`, 'alpha', map('noop'));
        const second = await c.apply(`${maps}/noop`, 'alpha', map('noop'));
        expect(second.status).toBe(200);
        expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      });

      it('merges list items by key between managers', async () => {
        const d = deployment('lists') as { spec: { template: { spec: { containers: object[] } } } };
        await c.apply(`${deployments}/lists`, 'alpha', d);
        const side = structuredClone(d);
        side.spec.template.spec.containers = [{ name: 'side', image: 's:1' }];
        const answer = await c.apply(`${deployments}/lists`, 'beta', side);
        expect(answer.body.spec.template.spec.containers.map((x: { name: string }) => x.name)).toEqual([
          'main',
          'side',
        ]);
      });

      it('keeps ownership of status apart', async () => {
        await c.apply(`${deployments}/sub`, 'alpha', deployment('sub'));
        const status = {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'sub' },
          status: { replicas: 3 },
        };
        const answer = await c.apply(`${deployments}/sub/status`, 'beta', status);
        expect(answer.body.status.replicas).toBe(3);
        const entry = answer.body.metadata.managedFields.find((m: { manager: string }) => m.manager === 'beta');
        expect(entry).toMatchObject({ subresource: 'status', operation: 'Apply' });
      });
    });

    describe('listing', () => {
      const list = freshName('list');
      const inList = `/api/v1/namespaces/${list}/configmaps`;
      beforeAll(async () => {
        await c.post('/api/v1/namespaces', { metadata: { name: list } });
        for (let i = 0; i < 7; i++) {
          await c.post(inList, map(`m${i}`, {}, { labels: { parity: i % 2 === 0 ? 'even' : 'odd', n: String(i) } }));
        }
      });
      afterAll(async () => {
        await c.delete(`/api/v1/namespaces/${list}`);
      });
      const names = (body: { items: { metadata: { name: string } }[] }): string[] =>
        body.items.map((i) => i.metadata.name).filter((n) => n.startsWith('m'));

      it('selects by labels', async () => {
        const eq = await c.get(`${inList}?labelSelector=parity%3Dodd`);
        expect(names(eq.body)).toEqual(['m1', 'm3', 'm5']);
        const set = await c.get(`${inList}?labelSelector=${encodeURIComponent('n in (1,2),parity!=odd')}`);
        expect(names(set.body)).toEqual(['m2']);
        const not = await c.get(`${inList}?labelSelector=${encodeURIComponent('!parity')}`);
        expect(names(not.body)).toEqual([]);
      });

      it('selects by fields', async () => {
        const answer = await c.get(`${inList}?fieldSelector=metadata.name%3Dm4`);
        expect(names(answer.body)).toEqual(['m4']);
        expect((await c.get(`${inList}?fieldSelector=data.x%3D1`)).status).toBe(400);
      });

      it('pages with limit and continue over one consistent version', async () => {
        const first = await c.get(`${inList}?limit=3&labelSelector=parity`);
        expect(names(first.body)).toEqual(['m0', 'm1', 'm2']);
        await c.post(inList, map('m1a', {}, { labels: { parity: 'new' } }));
        const second = await c.get(
          `${inList}?limit=10&labelSelector=parity&continue=${encodeURIComponent(first.body.metadata.continue)}`,
        );
        expect(names(second.body)).toEqual(['m3', 'm4', 'm5', 'm6']);
        expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
        expect(second.body.metadata.continue ?? '').toBe('');
      });

      it('renders tables and partial metadata on request', async () => {
        const table = await c.get(`${inList}?limit=1`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
        expect(table.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
        expect(table.body.columnDefinitions.map((x: { name: string }) => x.name)).toEqual(['Name', 'Data', 'Age']);
        const partial = await c.get(`${inList}/m0`, {
          accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
        });
        expect(partial.body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'm0' } });
        expect(partial.body.data).toBeUndefined();
      });
    });

    describe('watching', () => {
      it('delivers what happens after a resourceVersion, in order', async () => {
        const start = (await c.get(maps)).body.metadata.resourceVersion;
        const w = await c.watch(`${maps}?watch=true&resourceVersion=${start}`);
        await c.post(maps, map('seen'));
        await c.patch('merge-patch', `${maps}/seen`, { data: { b: '2' } });
        await c.delete(`${maps}/seen`);
        const events = await w.until(3);
        w.stop();
        expect(events.map((e) => `${e.type} ${e.object.metadata.name}`)).toEqual([
          'ADDED seen',
          'MODIFIED seen',
          'DELETED seen',
        ]);
        const versions = events.map((e) => Number(e.object.metadata.resourceVersion));
        expect([...versions].sort((a, b) => a - b)).toEqual(versions);
      });

      it('turns a change of labels into ADDED and DELETED for a selector', async () => {
        const start = (await c.get(maps)).body.metadata.resourceVersion;
        const w = await c.watch(`${maps}?watch=true&resourceVersion=${start}&labelSelector=on%3Dyes`);
        await c.post(maps, map('toggle'));
        await c.patch('merge-patch', `${maps}/toggle`, { metadata: { labels: { on: 'yes' } } });
        await c.patch('merge-patch', `${maps}/toggle`, { metadata: { labels: { on: 'no' } } });
        const events = await w.until(2);
        w.stop();
        expect(events.map((e) => e.type)).toEqual(['ADDED', 'DELETED']);
      });

      it('streams the present content first with sendInitialEvents, then a bookmark that says so', async () => {
        const w = await c.watch(
          `${maps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Done`,
        );
        await w.until(1);
        const deadline = performance.now() + 5000;
        const isEnd = (e: { type: string; object: { metadata: { annotations?: Record<string, string> } } }): boolean =>
          e.type === 'BOOKMARK' && e.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
        while (!w.all().some(isEnd) && performance.now() < deadline)
          await new Promise((resolve) => setTimeout(resolve, 50));
        w.stop();
        expect(w.all()[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'one' } } });
        expect(w.all().some(isEnd)).toBe(true);
      });

      it('ends after timeoutSeconds', async () => {
        const started = performance.now();
        const answer = await c.get(
          `${maps}?watch=true&timeoutSeconds=1&resourceVersion=0&fieldSelector=metadata.name%3Dnobody`,
        );
        expect(answer.status).toBe(200);
        expect(performance.now() - started).toBeLessThan(10_000);
      });
    });

    describe('deleting', () => {
      it('keeps an object with finalizers until they are gone', async () => {
        await c.post(maps, map('final', {}, { finalizers: ['drey.example/hold'] }));
        const answer = await c.delete(`${maps}/final`);
        expect(answer.status).toBe(200);
        const held = await c.get(`${maps}/final`);
        expect(held.body.metadata.deletionTimestamp).toBeDefined();
        await c.patch('merge-patch', `${maps}/final`, { metadata: { finalizers: null } });
        expect((await c.get(`${maps}/final`)).status).toBe(404);
      });

      it('honours preconditions on uid', async () => {
        await c.post(maps, map('pre'));
        const wrong = await c.delete(`${maps}/pre`, { preconditions: { uid: '00000000-0000-0000-0000-000000000000' } });
        expect(wrong.status).toBe(409);
        expect((await c.get(`${maps}/pre`)).status).toBe(200);
      });

      it('adds the finalizer of foreground and orphan deletion', async () => {
        // Read from the answers: where a garbage collector runs, the finalizers go again at once.
        await c.post(deployments, deployment('fore'));
        const fore = await c.delete(`${deployments}/fore`, { propagationPolicy: 'Foreground' });
        expect(fore.body.metadata.finalizers).toEqual(['foregroundDeletion']);
        await c.post(deployments, deployment('orph'));
        const orph = await c.delete(`${deployments}/orph`, { propagationPolicy: 'Orphan' });
        expect(orph.body.metadata.finalizers).toEqual(['orphan']);
        await c.patch('merge-patch', `${deployments}/fore`, { metadata: { finalizers: null } });
        await c.patch('merge-patch', `${deployments}/orph`, { metadata: { finalizers: null } });
      });

      it('lets a bound pod terminate gracefully, and removes it with grace 0', async () => {
        await c.post(pods, {
          metadata: { name: 'p' },
          spec: { nodeName: 'n1', containers: [{ name: 'm', image: 'x' }] },
        });
        await c.delete(`${pods}/p`);
        const going = await c.get(`${pods}/p`);
        expect(going.body.metadata).toMatchObject({
          deletionGracePeriodSeconds: 30,
          deletionTimestamp: expect.any(String),
        });
        await c.delete(`${pods}/p`, { gracePeriodSeconds: 0 });
        expect((await c.get(`${pods}/p`)).status).toBe(404);
      });
    });

    describe('custom resources', () => {
      const group = `${freshName('g')}.example.com`;
      const widgets = `/apis/${group}/v1/namespaces/${ns}/widgets`;
      beforeAll(async () => {
        const made = await c.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
          metadata: { name: `widgets.${group}` },
          spec: {
            group,
            scope: 'Namespaced',
            names: { plural: 'widgets', kind: 'Widget' },
            versions: [
              {
                name: 'v1',
                served: true,
                storage: true,
                subresources: {
                  status: {},
                  scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
                },
                schema: {
                  openAPIV3Schema: {
                    type: 'object',
                    properties: {
                      spec: {
                        type: 'object',
                        properties: {
                          size: { type: 'integer', default: 1, minimum: 0 },
                          color: { type: 'string', enum: ['red', 'green'] },
                          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                        },
                        'x-kubernetes-validations': [{ rule: 'self.size < 10', message: 'too big' }],
                      },
                      status: { type: 'object', properties: { size: { type: 'integer' } } },
                    },
                  },
                },
              },
            ],
          },
        });
        expect(made.status).toBe(201);
        for (let i = 0; i < 50 && (await c.get(widgets)).status !== 200; i++)
          await new Promise((r) => setTimeout(r, 100));
      });
      afterAll(async () => {
        await c.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.${group}`);
      });
      const widget = (n: string, spec: object): object => ({
        apiVersion: `${group}/v1`,
        kind: 'Widget',
        metadata: { name: n },
        spec,
      });

      it('are defaulted and pruned, but not where unknown fields are preserved', async () => {
        const made = await c.post(widgets, widget('w', { color: 'red', gone: 1, free: { kept: [1, { x: null }] } }));
        expect(made.status).toBe(201);
        expect(made.body.spec).toEqual({ color: 'red', size: 1, free: { kept: [1, { x: null }] } });
      });

      it('are validated by schema and by CEL', async () => {
        const bad = await c.post(widgets, widget('bad', { color: 'blue', size: -1 }));
        expect(bad.status).toBe(422);
        expect(bad.body.details.causes.map((x: { field: string }) => x.field).sort()).toEqual([
          '.spec.size',
          '<nil>',
          'spec.color',
          'spec.size',
        ]);
        const cel = await c.post(widgets, widget('bad', { size: 10 }));
        expect(cel.body.message).toContain('too big');
      });

      it('have a status subresource of their own, and a scale', async () => {
        await c.post(widgets, { ...widget('sub', { size: 2 }), status: { size: 9 } });
        expect((await c.get(`${widgets}/sub`)).body.status).toBeUndefined();
        await c.patch('merge-patch', `${widgets}/sub/status`, { status: { size: 2 }, spec: { size: 5 } });
        const got = (await c.get(`${widgets}/sub`)).body;
        expect(got).toMatchObject({ spec: { size: 2 }, status: { size: 2 }, metadata: { generation: 1 } });
        const scaled = await c.patch('merge-patch', `${widgets}/sub/scale`, { spec: { replicas: 4 } });
        expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 4 }, status: { replicas: 2 } });
        expect((await c.get(`${widgets}/sub`)).body.spec.size).toBe(4);
      });

      it('can be applied, also in preserved fields', async () => {
        await c.apply(`${widgets}/ssa`, 'alpha', widget('ssa', { free: { a: { b: 1, c: 2 } } }));
        const answer = await c.apply(`${widgets}/ssa`, 'alpha', widget('ssa', { free: { a: { b: 1 } } }));
        expect(answer.body.spec.free).toEqual({ a: { b: 1 } });
      });
    });

    describe('access', () => {
      it('is refused without credentials that are valid', async () => {
        const answer = await c.get('/api/v1/namespaces', { authorization: 'Bearer wrong' });
        expect(answer).toMatchObject({ status: 401, body: { reason: 'Unauthorized' } });
      });

      it('is granted to service accounts by Role and RoleBinding only', async () => {
        await c.post(`/api/v1/namespaces/${ns}/serviceaccounts`, { metadata: { name: 'robot' } });
        const token = (
          await c.post(`/api/v1/namespaces/${ns}/serviceaccounts/robot/token`, {
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenRequest',
            spec: {},
          })
        ).body.status.token;
        const robot = { authorization: `Bearer ${token}` };
        const refused = await c.get(pods, robot);
        expect(refused).toMatchObject({ status: 403, body: { reason: 'Forbidden' } });
        expect(refused.body.message).toContain(`User "system:serviceaccount:${ns}:robot" cannot list resource "pods"`);
        const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
        await c.post(`${rbac}/roles`, {
          metadata: { name: 'reader' },
          rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
        });
        await c.post(`${rbac}/rolebindings`, {
          metadata: { name: 'reader' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
          subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: ns }],
        });
        let status = 403;
        for (let i = 0; i < 50 && status !== 200; i++) {
          status = (await c.get(pods, robot)).status;
          if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
        }
        expect(status).toBe(200);
        expect((await c.get(maps, robot)).status).toBe(403);
      });
    });
  });
}
