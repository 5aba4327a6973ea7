import { inProcessTransport, startApiServer } from '@drey/devcluster';
import { createKubeClient, systemClock, systemRandom } from '@drey/kube';

/**
 * `node bench/apiserver.ts [ROUNDS]`: what requests for a usual Deployment cost in the embedded API server, without
 * sockets and in memory, in units of a GET of that Deployment.
 */
const rounds = Number(process.argv[2] ?? 500);
const attempts = 5;
const listed = 100;

const server = await startApiServer({
  port: 0,
  clock: systemClock,
  random: systemRandom,
  tokens: [],
  anonymous: false,
  serviceAccountAdmission: false,
});
const user = { name: 'bench', groups: ['system:masters', 'system:authenticated'] };
const transport = inProcessTransport(server.server.handle, user);
const client = createKubeClient({ transport, clock: systemClock, random: systemRandom, fieldManager: 'bench' });

const container = {
  name: 'c',
  image: 'i',
  ports: [{ containerPort: 80 }],
  env: [{ name: 'A', value: '1' }],
  resources: { limits: { cpu: '1' } },
};
const deployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } },
  },
});
const all = '/apis/apps/v1/namespaces/default/deployments';
const one = `${all}/d0`;
for (let i = 0; i < listed; i++) await client.raw('POST', all, deployment(`d${i}`, 1));

/** Milliseconds of one call: the best of some attempts, each the mean of many calls. */
async function costOf(call: (round: number) => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const start = performance.now();
    for (let round = 0; round < rounds; round++) await call(round);
    best = Math.min(best, (performance.now() - start) / rounds);
  }
  return best;
}

const resource = { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true };
const spec = (round: number): object => ({ spec: { replicas: 1 + (round % 5) } });
const costs: Record<string, number> = {
  GET: await costOf(() => client.raw('GET', one)),
  'merge patch': await costOf((round) => client.patch(resource, 'default', 'd0', 'merge', spec(round))),
  apply: await costOf((round) =>
    client.apply(
      resource,
      { ...deployment('d0', 1 + (round % 5)), metadata: { name: 'd0', namespace: 'default' } },
      {
        fieldManager: 'bench',
        force: true,
      },
    ),
  ),
  [`list of ${listed}`]: await costOf(() => client.raw('GET', all)),
};
const unit = costs.GET ?? Number.NaN;
for (const [what, cost] of Object.entries(costs)) {
  process.stdout.write(`${what.padEnd(16)}${(cost / unit).toFixed(1).padStart(8)} GETs\n`);
}
await transport.close();
await server.close();
