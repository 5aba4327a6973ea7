import { describe, expect, test } from 'vitest';
import type { CoreEvent } from '../kinds.ts';
import { type Answer, FakeTransport, SeededRandom, VirtualClock } from '../testing/index.ts';
import { failure } from '../testing/model-server.ts';
import { type EventInput, EventRecorder, type EventRecorderOptions } from './events.ts';
import { createKubeClient } from './kube-client.ts';
import type { HttpRequest } from './transport.ts';

const about = (name = 'job', namespace: string | undefined = 'ns'): EventInput['regarding'] => ({
  apiVersion: 'flink.apache.org/v1beta1',
  kind: 'FlinkDeployment',
  metadata: { name, uid: `uid-${name}`, ...(namespace !== undefined && { namespace }) },
});

const input = (more: Partial<EventInput> = {}): EventInput => ({
  regarding: about(),
  type: 'Normal',
  reason: 'Submit',
  message: 'Starting deployment',
  component: 'JobManagerDeployment',
  ...more,
});

/** A server that keeps events. */
function setUp(): {
  events: Map<string, CoreEvent>;
  transport: FakeTransport;
  clock: VirtualClock;
  recorder: (options?: Partial<EventRecorderOptions>) => EventRecorder;
  dropped: string[];
} {
  const events = new Map<string, CoreEvent>();
  const serve = ({ method, path, body }: HttpRequest): Answer => {
    const name = decodeURIComponent(path.split('?')[0]?.split('/')[6] ?? '');
    const sent = body === undefined ? undefined : (JSON.parse(String(body)) as CoreEvent);
    if (method === 'POST' && sent !== undefined) {
      const key = sent.metadata.name ?? '';
      if (events.has(key)) return failure(409, 'AlreadyExists');
      events.set(key, sent);
      return { status: 201, body: sent };
    }
    const there = events.get(name);
    if (there === undefined) return failure(404, 'NotFound');
    if (sent !== undefined) events.set(name, { ...there, ...sent, metadata: { ...there.metadata, ...sent.metadata } });
    return { body: events.get(name) };
  };
  const transport = new FakeTransport(serve);
  const clock = new VirtualClock(Date.parse('2026-03-01T10:00:00.500Z'));
  const client = createKubeClient({ transport, clock, random: new SeededRandom(1) });
  const dropped: string[] = [];
  const recorder = (options: Partial<EventRecorderOptions> = {}): EventRecorder =>
    new EventRecorder({ client, clock, onDropped: (i, reason) => dropped.push(`${i.reason} ${reason}`), ...options });
  return { events, transport, clock, recorder, dropped };
}

describe('EventRecorder', () => {
  test('writes a core event that says what it is about', async () => {
    const { events, recorder } = setUp();
    const r = recorder({ instance: 'pod-1' });
    r.record(input({ name: 'JobManagerDeployment.123', labels: { a: 'b' } }));
    await r.flush();
    expect([...events.values()]).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'JobManagerDeployment.123', namespace: 'ns', labels: { a: 'b' } },
        involvedObject: {
          apiVersion: 'flink.apache.org/v1beta1',
          kind: 'FlinkDeployment',
          name: 'job',
          namespace: 'ns',
          uid: 'uid-job',
        },
        type: 'Normal',
        reason: 'Submit',
        message: 'Starting deployment',
        source: { component: 'JobManagerDeployment' },
        reportingComponent: 'JobManagerDeployment',
        reportingInstance: 'pod-1',
        firstTimestamp: '2026-03-01T10:00:00Z',
        lastTimestamp: '2026-03-01T10:00:00Z',
        count: 1,
      },
    ]);
  });

  test('raises the count of a repetition, keeps the first time, and replaces the message', async () => {
    const { events, recorder, clock, transport } = setUp();
    const r = recorder();
    r.record(input({ name: 'e' }));
    await r.flush();
    await clock.advance(5000);
    r.record(input({ name: 'e', message: 'again' }));
    await r.flush();
    expect(events.get('e')).toMatchObject({
      count: 2,
      message: 'again',
      firstTimestamp: '2026-03-01T10:00:00Z',
      lastTimestamp: '2026-03-01T10:00:05Z',
    });
    expect(transport.requests.map((q) => q.method)).toEqual(['POST', 'PATCH']);
  });

  test('gathers repetitions that come before the first is written', async () => {
    const { events, recorder, transport } = setUp();
    const r = recorder();
    for (let i = 0; i < 10; i++) r.record(input());
    await r.flush();
    expect([...events.values()].map((e) => e.count)).toEqual([10]);
    expect(transport.requests).toHaveLength(1);
  });

  test('goes on counting after a restart, and starts anew when the server has forgotten the event', async () => {
    const { events, recorder } = setUp();
    const before = recorder();
    before.record(input({ name: 'e' }));
    await before.flush();
    const after = recorder();
    after.record(input({ name: 'e' }));
    await after.flush();
    expect(events.get('e')?.count).toBe(2);
    events.delete('e');
    after.record(input({ name: 'e' }));
    await after.flush();
    expect(events.get('e')?.count).toBe(1);
  });

  test('once and intervals leave repetitions out, also those of an earlier process', async () => {
    const { events, recorder, clock } = setUp();
    for (const r of [recorder(), recorder()]) {
      for (let i = 0; i < 3; i++) {
        r.record(input({ name: 'once', repeat: 'once' }));
        r.record(input({ name: 'interval', repeat: { everyMs: 60_000 } }));
        await r.flush();
        await clock.advance(20_000);
      }
    }
    expect([events.get('once')?.count, events.get('interval')?.count]).toEqual([1, 2]);
  });

  test('tells different occurrences apart by default, and the same ones not', async () => {
    const { events, recorder } = setUp();
    const r = recorder();
    r.record(input());
    r.record(input({ message: 'else' }));
    r.record(input({ regarding: about('other') }));
    r.record(input());
    await r.flush();
    expect([...events.values()].map((e) => e.count).sort()).toEqual([1, 1, 2]);
    for (const name of events.keys()) expect(name).toMatch(/^(job|other)\.[0-9a-f]{16}$/);
  });

  test('filters an object that floods, and lets others through', async () => {
    const { events, recorder, clock, dropped } = setUp();
    const r = recorder();
    for (let i = 0; i < 40; i++) r.record(input({ message: `m${i}` }));
    r.record(input({ regarding: about('calm') }));
    await r.flush();
    expect(events.size).toBe(26);
    expect(dropped).toEqual(Array(15).fill('Submit spam'));
    await clock.advance(300_000);
    r.record(input({ message: 'later' }));
    await r.flush();
    expect(events.size).toBe(27);
  });

  test('bounds what waits', async () => {
    const { events, recorder, dropped } = setUp();
    const r = recorder();
    for (let i = 0; i < 1010; i++) r.record(input({ regarding: about(`o${i}`) }));
    expect(dropped).toEqual(Array(10).fill('Submit full'));
    await r.flush();
    expect(events.size).toBe(1000);
  });

  test('drops what the server refuses, and goes on', async () => {
    const { clock } = setUp();
    const transport = FakeTransport.sequence(failure(403, 'Forbidden'), { body: { metadata: {} } });
    const client = createKubeClient({ transport, clock, random: new SeededRandom(1) });
    const dropped: unknown[] = [];
    const r = new EventRecorder({
      client,
      clock,
      onDropped: (i, reason, error) => dropped.push(i.message, reason, (error as { code: string }).code),
    });
    r.record(input({ message: 'one' }));
    r.record(input({ message: 'two' }));
    await r.flush();
    expect(dropped).toEqual(['one', 'failed', 'E_KUBE_FORBIDDEN']);
    expect(transport.requests).toHaveLength(2);
  });

  test('cuts long messages and puts events of cluster-scoped objects into default', async () => {
    const { events, recorder } = setUp();
    const r = recorder();
    const { namespace: _, ...metadata } = about().metadata;
    r.record(input({ name: 'e', message: 'x'.repeat(3000), regarding: { ...about(), metadata } }));
    await r.flush();
    expect(events.get('e')?.message).toHaveLength(1024);
    expect(events.get('e')?.metadata.namespace).toBe('default');
  });
});
