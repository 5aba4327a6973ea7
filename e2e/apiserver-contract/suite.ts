import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Connection } from './connection.ts';
import { kindsAndAccess } from './kinds.ts';
import { reading } from './reading.ts';
import { ContractScope } from './scope.ts';
import { writing } from './writing.ts';

/**
 * What Drey's own clients rely on, as a suite that runs unchanged on the embedded API server and on a real kube-apiserver.
 * It uses no controllers: nothing here waits for a garbage collector.
 */
export function apiServerContract(name: string, open: () => Promise<{ url: string; token: string }>): void {
  describe(`the API server contract on ${name}`, () => {
    const scope = new ContractScope();

    beforeAll(async () => {
      const { url, token } = await open();
      scope.connected(new Connection(url, token));
      expect((await scope.c.post('/api/v1/namespaces', { metadata: { name: scope.ns } })).status).toBe(201);
    });
    afterAll(async () => {
      await scope.c.delete(`/api/v1/namespaces/${scope.ns}`);
      await scope.c.close();
    });

    writing(scope);
    reading(scope);
    kindsAndAccess(scope);
  });
}
