import { createKubeClient, type HttpRequest } from '@drey/kube';
import { FakeTransport, SeededRandom, VirtualClock } from '@drey/kube/testing';
import { describe, expect, it } from 'vitest';
import { followDeployment } from './follow.ts';

/** A server that answers lists and watches from a script, one entry each; the last one stays. */
function server(...steps: unknown[]) {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const transport = new FakeTransport((request: HttpRequest) => {
    const step = steps.length > 1 ? steps.shift() : steps[0];
    if (step instanceof Error) throw step;
    const isWatch = request.path.includes('watch=');
    if (!isWatch) return { body: step };
    const body = (step as unknown[]).map((event) => `${JSON.stringify(event)}\n`).join('');
    return { body: new TextEncoder().encode(body) };
  });
  return { clock, random, transport, client: createKubeClient({ transport, clock, random }) };
}

function deployment(version: string, state: string): Record<string, unknown> {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name: 'job', namespace: 'ns', uid: 'u', resourceVersion: version },
    status: { jobStatus: { state } },
  };
}

const list = (version: string, ...items: unknown[]): unknown => ({
  ...{ apiVersion: 'flink.apache.org/v1beta1', kind: 'FlinkDeploymentList' },
  metadata: { resourceVersion: version },
  items,
});

const where = { namespace: 'ns', name: 'job' };

async function follow(world: ReturnType<typeof server>, until: string, signal = new AbortController().signal) {
  const states: string[] = [];
  let lost = 0;
  const outcome = followDeployment(
    world.client,
    where,
    (object) => {
      const state = object.status?.jobStatus?.state ?? '';
      states.push(state);
      return state === until ? state : undefined;
    },
    { signal, clock: world.clock, random: world.random, lost: () => lost++ },
  ).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await world.clock.advance(120_000);
  return { outcome: await outcome, states, lost };
}

describe('following a deployment', () => {
  it('goes on after connections that break, and misses nothing', async () => {
    const world = server(
      list('1', deployment('1', 'CREATED')),
      [{ type: 'MODIFIED', object: deployment('2', 'RECONCILING') }],
      new Error('socket hang up'),
      new Error('connect ECONNREFUSED'),
      [{ type: 'MODIFIED', object: deployment('3', 'RUNNING') }],
    );
    const { outcome, states, lost } = await follow(world, 'RUNNING');
    expect(outcome).toEqual({ value: 'RUNNING' });
    expect(states).toEqual(['CREATED', 'RECONCILING', 'RUNNING']);
    expect(lost).toBeGreaterThan(0);
  });

  it('ends with nothing when the object is deleted', async () => {
    const world = server(list('1', deployment('1', 'RUNNING')), [
      { type: 'DELETED', object: deployment('2', 'RUNNING') },
    ]);
    expect((await follow(world, 'FINISHED')).outcome).toEqual({ value: undefined });
  });

  it('ends with nothing when there is no such object', async () => {
    const gone = { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message: 'not found' };
    const world = server(list('1'));
    const transport = new FakeTransport((request) =>
      request.path.endsWith('/job') ? { status: 404, body: gone } : { body: list('1') },
    );
    const client = createKubeClient({ transport, clock: world.clock, random: world.random });
    expect((await follow({ ...world, client }, 'RUNNING')).outcome).toEqual({ value: undefined });
  });

  it('gives up with a coded error when the cluster does not answer for a minute', async () => {
    const { outcome, lost } = await follow(server(new Error('connect ECONNREFUSED')), 'RUNNING');
    expect(outcome).toMatchObject({ error: { code: 'E_KUBE_UNREACHABLE' } });
    expect(lost).toBeGreaterThan(2);
  });

  it('ends with the reason of the signal', async () => {
    const world = server(list('1', deployment('1', 'CREATED')), []);
    const reason = new Error('interrupted');
    expect((await follow(world, 'RUNNING', AbortSignal.abort(reason))).outcome).toEqual({ error: reason });
  });
});
