import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshName } from './connection.ts';
import { type ContractScope, map } from './scope.ts';

/** Listing and watching objects. */
export function reading(scope: ContractScope): void {
  const { maps } = scope;

  describe('listing', () => {
    const list = freshName('list');
    const inList = `/api/v1/namespaces/${list}/configmaps`;
    beforeAll(async () => {
      await scope.c.post('/api/v1/namespaces', { metadata: { name: list } });
      for (let i = 0; i < 7; i++) {
        await scope.c.post(
          inList,
          map(`m${i}`, {}, { labels: { parity: i % 2 === 0 ? 'even' : 'odd', n: String(i) } }),
        );
      }
    });
    afterAll(async () => {
      await scope.c.delete(`/api/v1/namespaces/${list}`);
    });
    const names = (body: { items: { metadata: { name: string } }[] }): string[] =>
      body.items.map((i) => i.metadata.name).filter((n) => n.startsWith('m'));

    it('selects by labels', async () => {
      const eq = await scope.c.get(`${inList}?labelSelector=parity%3Dodd`);
      expect(names(eq.body)).toEqual(['m1', 'm3', 'm5']);
      const set = await scope.c.get(`${inList}?labelSelector=${encodeURIComponent('n in (1,2),parity!=odd')}`);
      expect(names(set.body)).toEqual(['m2']);
      const not = await scope.c.get(`${inList}?labelSelector=${encodeURIComponent('!parity')}`);
      expect(names(not.body)).toEqual([]);
    });

    it('selects by fields', async () => {
      const answer = await scope.c.get(`${inList}?fieldSelector=metadata.name%3Dm4`);
      expect(names(answer.body)).toEqual(['m4']);
      expect((await scope.c.get(`${inList}?fieldSelector=data.x%3D1`)).status).toBe(400);
    });

    it('pages with limit and continue over one consistent version', async () => {
      const first = await scope.c.get(`${inList}?limit=3&labelSelector=parity`);
      expect(names(first.body)).toEqual(['m0', 'm1', 'm2']);
      await scope.c.post(inList, map('m1a', {}, { labels: { parity: 'new' } }));
      const second = await scope.c.get(
        `${inList}?limit=10&labelSelector=parity&continue=${encodeURIComponent(first.body.metadata.continue)}`,
      );
      expect(names(second.body)).toEqual(['m3', 'm4', 'm5', 'm6']);
      expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      expect(second.body.metadata.continue ?? '').toBe('');
    });

    it('renders tables and partial metadata on request', async () => {
      const table = await scope.c.get(`${inList}?limit=1`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
      expect(table.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      expect(table.body.columnDefinitions.map((x: { name: string }) => x.name)).toEqual(['Name', 'Data', 'Age']);
      const partial = await scope.c.get(`${inList}/m0`, {
        accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      });
      expect(partial.body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'm0' } });
      expect(partial.body.data).toBeUndefined();
    });
  });

  describe('watching', () => {
    it('delivers what happens after a resourceVersion, in order', async () => {
      const start = (await scope.c.get(maps)).body.metadata.resourceVersion;
      const w = await scope.c.watch(`${maps}?watch=true&resourceVersion=${start}`);
      await scope.c.post(maps, map('seen'));
      await scope.c.patch('merge-patch', `${maps}/seen`, { data: { b: '2' } });
      await scope.c.delete(`${maps}/seen`);
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
      const start = (await scope.c.get(maps)).body.metadata.resourceVersion;
      const w = await scope.c.watch(`${maps}?watch=true&resourceVersion=${start}&labelSelector=on%3Dyes`);
      await scope.c.post(maps, map('toggle'));
      await scope.c.patch('merge-patch', `${maps}/toggle`, { metadata: { labels: { on: 'yes' } } });
      await scope.c.patch('merge-patch', `${maps}/toggle`, { metadata: { labels: { on: 'no' } } });
      const events = await w.until(2);
      w.stop();
      expect(events.map((e) => e.type)).toEqual(['ADDED', 'DELETED']);
    });

    it('streams the present content first with sendInitialEvents, then a bookmark that says so', async () => {
      const w = await scope.c.watch(
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
      const answer = await scope.c.get(
        `${maps}?watch=true&timeoutSeconds=1&resourceVersion=0&fieldSelector=metadata.name%3Dnobody`,
      );
      expect(answer.status).toBe(200);
      expect(performance.now() - started).toBeLessThan(10_000);
    });
  });
}
