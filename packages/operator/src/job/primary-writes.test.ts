import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import type { KubeClient } from '@drey/kube';
import { expect, test } from 'vitest';
import { operatorMetrics } from '../runtime/metrics.ts';
import { aDeployment } from '../testing/worlds.ts';
import { primaryWrites } from './primary-writes.ts';

/** An API server that keeps what `kept` leaves of a status. */
function writesWith(kept: (status: FlinkDeployment['status']) => FlinkDeployment['status']) {
  const replace = async (_: unknown, object: FlinkDeployment) => ({ ...object, status: kept(object.status) });
  const kube = { replace } as unknown as KubeClient;
  return primaryWrites<NonNullable<FlinkDeployment['status']>, FlinkDeployment>(
    { kube, metrics: operatorMetrics() },
    { resource: FlinkDeployments, cache: { written: () => undefined }, finalizer: 'f' },
    new AbortController().signal,
  );
}

const intent = { operation: { id: 'a'.repeat(32), kind: 'upgrade', phase: 'stopping', epoch: 0 } };

test('a cluster whose definitions drop the intent record is refused before anything is done', async () => {
  const dropping = writesWith((status) => {
    const { operation: _, ...rest } = status ?? {};
    return rest;
  });
  await expect(dropping.writeStatus(aDeployment(), intent)).rejects.toMatchObject({ code: 'E_OPERATOR_OLD_CRD' });
  await expect(dropping.writeStatus(aDeployment(), {})).resolves.toBeDefined();
  await expect(writesWith((status) => status).writeStatus(aDeployment(), intent)).resolves.toBeDefined();
});
