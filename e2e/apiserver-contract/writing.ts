import { describe, expect, it } from 'vitest';
import { type ContractScope, deployment, map } from './scope.ts';

/** Creating, updating, patching and applying objects. */
export function writing(scope: ContractScope): void {
  const { ns, maps, deployments } = scope;

  describe('creating and reading', () => {
    it('sets uid, resourceVersion and creationTimestamp, and answers 409 for a second create', async () => {
      const made = await scope.c.post(maps, map('one'));
      expect(made.status).toBe(201);
      expect(made.body.metadata).toMatchObject({ name: 'one', namespace: ns, uid: expect.any(String) });
      expect(made.body.metadata.resourceVersion).toMatch(/^\d+$/);
      const again = await scope.c.post(maps, map('one'));
      expect(again).toMatchObject({ status: 409, body: { reason: 'AlreadyExists', details: { name: 'one' } } });
    });

    it('answers 404 with a Status that names kind and object', async () => {
      const answer = await scope.c.get(`${maps}/none`);
      expect(answer).toMatchObject({ status: 404, body: { kind: 'Status', reason: 'NotFound', code: 404 } });
      expect(answer.body.message).toBe('configmaps "none" not found');
    });

    it('completes generateName with a random suffix', async () => {
      const made = await scope.c.post(maps, { metadata: { generateName: 'made-' } });
      expect(made.body.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    });

    it('refuses names that are no DNS subdomain', async () => {
      const answer = await scope.c.post(maps, map('No_Good'));
      expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
      expect(answer.body.details.causes[0].field).toBe('metadata.name');
    });

    it('fills defaults of a Deployment', async () => {
      const made = await scope.c.post(deployments, deployment('defaults'));
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
      expect((await scope.c.post(`${maps}?dryRun=All`, map('dry'))).status).toBe(201);
      expect((await scope.c.get(`${maps}/dry`)).status).toBe(404);
    });

    it('warns about unknown fields, and refuses them when strict', async () => {
      const odd = { ...deployment('odd'), surprise: 1 };
      const strict = await scope.c.post(`${deployments}?fieldValidation=Strict`, odd);
      expect(strict.status).toBe(400);
      expect(strict.body.message).toContain('unknown field "surprise"');
      const warned = await scope.c.post(deployments, odd);
      expect(warned.status).toBe(201);
      expect(warned.warnings.join()).toContain('unknown field');
    });
  });

  describe('updating', () => {
    it('refuses a PUT from an old version and takes one from the newest', async () => {
      const made = (await scope.c.post(maps, map('put'))).body;
      const next = await scope.c.put(`${maps}/put`, { ...made, data: { a: '2' } });
      expect(next.status).toBe(200);
      const late = await scope.c.put(`${maps}/put`, { ...made, data: { a: '3' } });
      expect(late).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    });

    it('stores nothing when nothing changes', async () => {
      const made = (await scope.c.post(maps, map('same'))).body;
      const again = await scope.c.put(`${maps}/same`, made);
      expect(again.body.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    });

    it('raises the generation with the spec and leaves it with labels and status', async () => {
      await scope.c.post(deployments, deployment('gen'));
      const at = `${deployments}/gen`;
      const spec = await scope.c.patch('merge-patch', at, { spec: { replicas: 2 } });
      expect(spec.body.metadata.generation).toBe(2);
      const label = await scope.c.patch('merge-patch', at, { metadata: { labels: { x: 'y' } } });
      expect(label.body.metadata.generation).toBe(2);
      const status = await scope.c.patch('merge-patch', `${at}/status`, {
        status: { replicas: 1 },
        spec: { replicas: 9 },
      });
      expect(status.body).toMatchObject({
        metadata: { generation: 2 },
        spec: { replicas: 2 },
        status: { replicas: 1 },
      });
    });

    it('keeps status out of writes to the main resource', async () => {
      await scope.c.post(deployments, deployment('statusless'));
      const answer = await scope.c.patch('merge-patch', `${deployments}/statusless`, { status: { replicas: 7 } });
      expect(answer.body.status.replicas).toBeUndefined();
    });

    it('refuses a change of an immutable field', async () => {
      await scope.c.post(deployments, deployment('immutable'));
      const answer = await scope.c.patch('merge-patch', `${deployments}/immutable`, {
        spec: { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'other' } } } },
      });
      expect(answer.status).toBe(422);
      expect(answer.body.message).toContain('field is immutable');
    });
  });

  describe('patching', () => {
    it('applies JSON patches in order, and none when a test fails', async () => {
      await scope.c.post(maps, map('json', { a: '1', b: '2' }));
      const ok = await scope.c.patch('json-patch', `${maps}/json`, [
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'replace', path: '/data/a', value: '3' },
        { op: 'remove', path: '/data/b' },
        { op: 'add', path: '/data/c', value: '4' },
      ]);
      expect(ok.body.data).toEqual({ a: '3', c: '4' });
      const bad = await scope.c.patch('json-patch', `${maps}/json`, [
        { op: 'replace', path: '/data/a', value: '9' },
        { op: 'test', path: '/data/c', value: 'no' },
      ]);
      expect(bad.status).toBe(422);
      expect((await scope.c.get(`${maps}/json`)).body.data.a).toBe('3');
    });

    it('removes keys with null in a merge patch', async () => {
      await scope.c.post(maps, map('merge', { a: '1', b: '2' }));
      const answer = await scope.c.patch('merge-patch', `${maps}/merge`, { data: { a: null, c: '3' } });
      expect(answer.body.data).toEqual({ b: '2', c: '3' });
    });

    it('merges containers by name in a strategic merge patch', async () => {
      await scope.c.post(deployments, deployment('strategic'));
      const answer = await scope.c.patch('strategic-merge-patch', `${deployments}/strategic`, {
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
      const made = (await scope.c.post(maps, map('patchrv'))).body;
      await scope.c.patch('merge-patch', `${maps}/patchrv`, { data: { b: '2' } });
      const late = await scope.c.patch('merge-patch', `${maps}/patchrv`, {
        metadata: { resourceVersion: made.metadata.resourceVersion },
        data: { c: '3' },
      });
      expect(late.status).toBe(409);
    });
  });

  describe('server-side apply', () => {
    it('creates, owns, and removes what the manager no longer applies', async () => {
      const made = await scope.c.apply(`${maps}/ssa`, 'alpha', map('ssa', { a: '1', b: '2' }));
      expect(made.status).toBe(201);
      const less = await scope.c.apply(`${maps}/ssa`, 'alpha', map('ssa', { a: '1' }));
      expect(less.body.data).toEqual({ a: '1' });
      expect(less.body.metadata.managedFields).toMatchObject([
        { manager: 'alpha', operation: 'Apply', apiVersion: 'v1' },
      ]);
    });

    it('reports a conflict with another manager, and takes the field with force', async () => {
      await scope.c.apply(`${maps}/fight`, 'alpha', map('fight', { a: '1' }));
      const conflict = await scope.c.apply(`${maps}/fight`, 'beta', map('fight', { a: '2' }));
      expect(conflict).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
      expect(conflict.body.message).toContain('conflict with "alpha": .data.a');
      const forced = await scope.c.apply(`${maps}/fight`, 'beta', map('fight', { a: '2' }), '&force=true');
      expect(forced.body.data.a).toBe('2');
    });

    it('keeps fields of others', async () => {
      await scope.c.post(maps, map('shared', { theirs: '1' }));
      const answer = await scope.c.apply(`${maps}/shared`, 'alpha', map('shared', { ours: '2' }));
      expect(answer.body.data).toEqual({ theirs: '1', ours: '2' });
    });

    it('writes nothing when the intent is already there', async () => {
      const first = await scope.c.apply(`${maps}/noop`, 'alpha', map('noop'));
      const second = await scope.c.apply(`${maps}/noop`, 'alpha', map('noop'));
      expect(second.status).toBe(200);
      expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    });

    it('merges list items by key between managers', async () => {
      const d = deployment('lists') as { spec: { template: { spec: { containers: object[] } } } };
      await scope.c.apply(`${deployments}/lists`, 'alpha', d);
      const side = structuredClone(d);
      side.spec.template.spec.containers = [{ name: 'side', image: 's:1' }];
      const answer = await scope.c.apply(`${deployments}/lists`, 'beta', side);
      expect(answer.body.spec.template.spec.containers.map((x: { name: string }) => x.name)).toEqual(['main', 'side']);
    });

    it('keeps ownership of status apart', async () => {
      await scope.c.apply(`${deployments}/sub`, 'alpha', deployment('sub'));
      const status = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'sub' },
        status: { replicas: 3 },
      };
      const answer = await scope.c.apply(`${deployments}/sub/status`, 'beta', status);
      expect(answer.body.status.replicas).toBe(3);
      const entry = answer.body.metadata.managedFields.find((m: { manager: string }) => m.manager === 'beta');
      expect(entry).toMatchObject({ subresource: 'status', operation: 'Apply' });
    });
  });
}
