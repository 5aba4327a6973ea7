import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshName } from './connection.ts';
import { type ContractScope, deployment, map } from './scope.ts';

/** Deleting, custom resources, and who may do what. */
export function kindsAndAccess(scope: ContractScope): void {
  const { ns, maps, deployments, pods } = scope;

  describe('deleting', () => {
    it('keeps an object with finalizers until they are gone', async () => {
      await scope.c.post(maps, map('final', {}, { finalizers: ['drey.example/hold'] }));
      const answer = await scope.c.delete(`${maps}/final`);
      expect(answer.status).toBe(200);
      const held = await scope.c.get(`${maps}/final`);
      expect(held.body.metadata.deletionTimestamp).toBeDefined();
      await scope.c.patch('merge-patch', `${maps}/final`, { metadata: { finalizers: null } });
      expect((await scope.c.get(`${maps}/final`)).status).toBe(404);
    });

    it('honours preconditions on uid', async () => {
      await scope.c.post(maps, map('pre'));
      const wrong = await scope.c.delete(`${maps}/pre`, {
        preconditions: { uid: '00000000-0000-0000-0000-000000000000' },
      });
      expect(wrong.status).toBe(409);
      expect((await scope.c.get(`${maps}/pre`)).status).toBe(200);
    });

    it('adds the finalizer of foreground and orphan deletion', async () => {
      // Read from the answers: where a garbage collector runs, the finalizers go again at once.
      await scope.c.post(deployments, deployment('fore'));
      const fore = await scope.c.delete(`${deployments}/fore`, { propagationPolicy: 'Foreground' });
      expect(fore.body.metadata.finalizers).toEqual(['foregroundDeletion']);
      await scope.c.post(deployments, deployment('orph'));
      const orph = await scope.c.delete(`${deployments}/orph`, { propagationPolicy: 'Orphan' });
      expect(orph.body.metadata.finalizers).toEqual(['orphan']);
      await scope.c.patch('merge-patch', `${deployments}/fore`, { metadata: { finalizers: null } });
      await scope.c.patch('merge-patch', `${deployments}/orph`, { metadata: { finalizers: null } });
    });

    it('lets a bound pod terminate gracefully, and removes it with grace 0', async () => {
      await scope.c.post(pods, {
        metadata: { name: 'p' },
        spec: { nodeName: 'n1', containers: [{ name: 'm', image: 'x' }] },
      });
      await scope.c.delete(`${pods}/p`);
      const going = await scope.c.get(`${pods}/p`);
      expect(going.body.metadata).toMatchObject({
        deletionGracePeriodSeconds: 30,
        deletionTimestamp: expect.any(String),
      });
      await scope.c.delete(`${pods}/p`, { gracePeriodSeconds: 0 });
      expect((await scope.c.get(`${pods}/p`)).status).toBe(404);
    });
  });

  describe('custom resources', () => {
    const group = `${freshName('g')}.example.com`;
    const widgets = `/apis/${group}/v1/namespaces/${ns}/widgets`;
    beforeAll(async () => {
      const made = await scope.c.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
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
      for (let i = 0; i < 50 && (await scope.c.get(widgets)).status !== 200; i++)
        await new Promise((r) => setTimeout(r, 100));
    });
    afterAll(async () => {
      await scope.c.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.${group}`);
    });
    const widget = (n: string, spec: object): object => ({
      apiVersion: `${group}/v1`,
      kind: 'Widget',
      metadata: { name: n },
      spec,
    });

    it('are defaulted and pruned, but not where unknown fields are preserved', async () => {
      const made = await scope.c.post(
        widgets,
        widget('w', { color: 'red', gone: 1, free: { kept: [1, { x: null }] } }),
      );
      expect(made.status).toBe(201);
      expect(made.body.spec).toEqual({ color: 'red', size: 1, free: { kept: [1, { x: null }] } });
    });

    it('are validated by schema and by CEL', async () => {
      const bad = await scope.c.post(widgets, widget('bad', { color: 'blue', size: -1 }));
      expect(bad.status).toBe(422);
      expect(bad.body.details.causes.map((x: { field: string }) => x.field).sort()).toEqual([
        '.spec.size',
        '<nil>',
        'spec.color',
        'spec.size',
      ]);
      const cel = await scope.c.post(widgets, widget('bad', { size: 10 }));
      expect(cel.body.message).toContain('too big');
    });

    it('have a status subresource of their own, and a scale', async () => {
      await scope.c.post(widgets, { ...widget('sub', { size: 2 }), status: { size: 9 } });
      expect((await scope.c.get(`${widgets}/sub`)).body.status).toBeUndefined();
      await scope.c.patch('merge-patch', `${widgets}/sub/status`, { status: { size: 2 }, spec: { size: 5 } });
      const got = (await scope.c.get(`${widgets}/sub`)).body;
      expect(got).toMatchObject({ spec: { size: 2 }, status: { size: 2 }, metadata: { generation: 1 } });
      const scaled = await scope.c.patch('merge-patch', `${widgets}/sub/scale`, { spec: { replicas: 4 } });
      expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 4 }, status: { replicas: 2 } });
      expect((await scope.c.get(`${widgets}/sub`)).body.spec.size).toBe(4);
    });

    it('can be applied, also in preserved fields', async () => {
      await scope.c.apply(`${widgets}/ssa`, 'alpha', widget('ssa', { free: { a: { b: 1, c: 2 } } }));
      const answer = await scope.c.apply(`${widgets}/ssa`, 'alpha', widget('ssa', { free: { a: { b: 1 } } }));
      expect(answer.body.spec.free).toEqual({ a: { b: 1 } });
    });
  });

  describe('access', () => {
    it('is refused without credentials that are valid', async () => {
      const answer = await scope.c.get('/api/v1/namespaces', { authorization: 'Bearer wrong' });
      expect(answer).toMatchObject({ status: 401, body: { reason: 'Unauthorized' } });
    });

    it('is granted to service accounts by Role and RoleBinding only', async () => {
      await scope.c.post(`/api/v1/namespaces/${ns}/serviceaccounts`, { metadata: { name: 'robot' } });
      const token = (
        await scope.c.post(`/api/v1/namespaces/${ns}/serviceaccounts/robot/token`, {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {},
        })
      ).body.status.token;
      const robot = { authorization: `Bearer ${token}` };
      const refused = await scope.c.get(pods, robot);
      expect(refused).toMatchObject({ status: 403, body: { reason: 'Forbidden' } });
      expect(refused.body.message).toContain(`User "system:serviceaccount:${ns}:robot" cannot list resource "pods"`);
      const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
      await scope.c.post(`${rbac}/roles`, {
        metadata: { name: 'reader' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
      });
      await scope.c.post(`${rbac}/rolebindings`, {
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: ns }],
      });
      let status = 403;
      for (let i = 0; i < 50 && status !== 200; i++) {
        status = (await scope.c.get(pods, robot)).status;
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(status).toBe(200);
      expect((await scope.c.get(maps, robot)).status).toBe(403);
    });
  });
}
