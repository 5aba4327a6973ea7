import { FlinkDeployments } from '@drey/api';
import type { Transport } from '@drey/kube';
import { createOperator } from '@drey/operator';
import { expect, test } from 'vitest';
import { operatorWorld, statefulDeployment } from './operator-world.ts';

/** Two integers that are one number: the first is what the embedded server keeps, the second what a real one would send. */
const [KEPT, SENT] = ['9007199254740992', '9007199254740993'];

/** What an API server sends that keeps all digits. */
function exact(transport: Transport): Transport {
  return {
    async request(request) {
      const response = await transport.request(request);
      return { ...response, body: rewritten(response.body) };
    },
    close: () => transport.close(),
  };
}

async function* rewritten(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const text = Buffer.from(chunk).toString('utf8');
    yield Buffer.from(text.replaceAll(`"restartNonce":${KEPT}`, `"restartNonce":${SENT}`));
  }
}

test('A nonce beyond 2^53 is recorded with all its digits, and is acted on once', async () => {
  const sim = await operatorWorld();
  const good = statefulDeployment('default', 'app');
  await sim.drive(sim.admin.create(FlinkDeployments, { ...good, spec: { ...good.spec, restartNonce: Number(KEPT) } }));
  const operator = createOperator(sim.env('operator', undefined, exact));
  await sim.drive(operator.start());
  const stored = () =>
    sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', 'app') as unknown as {
      status?: { reconciliationStatus?: { lastReconciledSpec?: string }; jobStatus?: { state?: string } };
    };
  expect(await sim.until(() => stored().status?.jobStatus?.state === 'RUNNING', 120_000)).toBe(true);
  expect(stored().status?.reconciliationStatus?.lastReconciledSpec).toContain(`"restartNonce":${SENT},`);
  await sim.clock.advance(10 * 60_000, 500_000);
  expect(sim.world.fabric.storage.history.filter(({ type }) => type === 'started').length).toBe(1);
  await sim.drive(operator.stop());
  sim.world.stop();
});
