import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { goldenArea } from '../../../../../golden/golden.ts';
import { SimulatedJobManager } from './jobmanager.ts';
import { handleRest } from './rest.ts';
import { SimulatedStorage } from './storage.ts';
import { usualTimings } from './timings.ts';

interface Recorded {
  readonly note: string;
  readonly request: { readonly method: string; readonly path: string; readonly body: unknown };
  readonly response: { readonly status: number; readonly body?: unknown };
}

/**
 * Real Flink reports these in a way that depends on how far a measurement had got in that second (metrics that have not
 * been sampled yet are missing); both forms are real, the simulation always gives one of them.
 */
const measured = /\/(metrics|backpressure)(\?|$)/;

/**
 * Flink's execution graph is cached for up to three seconds (`web.refresh-interval`): the recorder saw these answers from
 * the cache, with states that had passed already. Their shape is compared, their states are not.
 */
const inFlight = new Set(['after rescale', 'after stop', 'TaskManager loss seen', 'cancelled']);

/** The values that must be equal to the letter, since clients decide by them. */
const exact = new Set([
  'state',
  'status',
  'is_savepoint',
  'jid',
  'className',
  'checkpoint_type',
  'application-status',
  'jobs-running',
  'jobs-finished',
  'jobs-failed',
  'slots-total',
  'taskmanagers',
  'parallelism',
  'upperBound',
  'restored',
]);

/** Ids and times differ from run to run; keys, types and the values in {@link exact} do not. */
function differences(expected: unknown, actual: unknown, path: string, inFlight: boolean): string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${path}: expected a list`];
    if ((expected.length === 0) !== (actual.length === 0) && !/history|checkpoints/.test(path))
      return [`${path}: ${expected.length} against ${actual.length} items`];
    return expected.length === 0 || actual.length === 0
      ? []
      : differences(expected[0], actual[0], `${path}[0]`, inFlight);
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null)
      return [`${path}: expected an object, got ${JSON.stringify(actual)}`];
    const [e, a] = [expected as Record<string, unknown>, actual as Record<string, unknown>];
    const missing = Object.keys(e)
      .filter((key) => !(key in a))
      .map((key) => `${path}.${key}: missing`);
    const extra = Object.keys(a)
      .filter((key) => !(key in e))
      .map((key) => `${path}.${key}: unexpected`);
    const shared = Object.keys(e).filter((key) => key in a);
    return [...missing, ...extra, ...shared.flatMap((key) => differences(e[key], a[key], `${path}.${key}`, inFlight))];
  }
  const name = path.split('.').at(-1) ?? '';
  if (expected === 'NaN' || actual === 'NaN') return []; // percentiles of nothing
  if (exact.has(name) && !(name === 'jid' && path === '.plan.jid') && expected !== actual && !inFlight)
    return [`${path}: ${JSON.stringify(expected)} against ${JSON.stringify(actual)}`];
  if (typeof expected !== typeof actual && expected !== null && actual !== null)
    return [`${path}: ${typeof expected} against ${typeof actual}`];
  return [];
}

function compare(recorded: Recorded, status: number, body: unknown): string[] {
  if (status !== recorded.response.status) return [`status ${recorded.response.status} against ${status}`];
  const expected = recorded.response.body as { errors?: string[] };
  if (!expected?.errors) return differences(recorded.response.body, body, '', inFlight.has(recorded.note));
  const first = (e: string[] | undefined): string =>
    (e ?? []).map((one) => one.replace(/^<Exception on server side:\n/, '').split(/[:\n]/)[0]).join('|');
  const [want, got] = [first(expected.errors), first((body as { errors?: string[] }).errors)];
  return want === got ? [] : [`errors ${want} against ${got}`];
}

const area = goldenArea('flink-rest');
const tally = { same: 0, all: 0 };
afterAll(() => {
  process.stdout.write(`flink-rest (simulated Flink): ${tally.same} of ${tally.all} answers as recorded\n`);
});

for (const file of area.files) {
  const [, version = '', scheduler = ''] = /^rest-(.+)-(\w+)\.json$/.exec(file) ?? [];
  describe(`simulated Flink ${version} with the ${scheduler} scheduler`, () => {
    const clock = new VirtualClock();
    const random = new SeededRandom(1);
    const storage = new SimulatedStorage();
    const jm = new SimulatedJobManager({
      ...{ clock, random, storage, timings: usualTimings, version, clusterId: 'session', host: '127.0.7.1' },
      ...{
        adaptive: scheduler === 'adaptive',
        shutdownOnFinish: false,
        onSlotsNeeded: () => undefined,
        onExit: () => undefined,
      },
      jobDefaults: {
        checkpointIntervalMs: 2000,
        checkpointDir: 'file:///flink-data/ck',
        savepointDir: 'file:///flink-data/sp',
        retainOnCancellation: false,
      },
    });
    const tm = { id: '127.0.7.2:6122-371e26', host: '127.0.7.2', slots: 4 };
    const renamed = new Map<string, string>();

    it('answers as recorded, request by request', async () => {
      await clock.advance(4000);
      jm.registerTaskManager(tm);
      const wrong: string[] = [];
      let note = '';
      for (const [index, one] of area.json<Recorded[]>(file).entries()) {
        // The recorder waited for what its notes name; the same here, in virtual time.
        if (one.note === 'TaskManager just killed' && note !== one.note) jm.loseTaskManager(tm.id);
        else if (one.note !== note && one.note !== 'at once')
          await clock.advance(/^cancelled/.test(one.note) ? 10 : 3300);
        note = one.note;
        const rename = (text: string): string => [...renamed].reduce((t, [from, to]) => t.replaceAll(from, to), text);
        const body = one.request.body === null ? null : JSON.parse(rename(JSON.stringify(one.request.body)));
        const answer = handleRest(jm, one.request.method, rename(one.request.path), body);
        learn(renamed, one.response.body, answer.body);
        if (measured.test(one.request.path)) continue;
        tally.all++;
        const found = compare(one, answer.status, answer.body);
        if (found.length === 0) tally.same++;
        else
          wrong.push(
            `${index} ${one.note}: ${one.request.method} ${one.request.path}: ${found.slice(0, 4).join('; ')}`,
          );
      }
      expect(wrong).toEqual([]);
    });
  });
}

/** Server-made names (jar ids, savepoint locations) that later requests use. */
function learn(renamed: Map<string, string>, expected: unknown, actual: unknown): void {
  const pick = (body: unknown): string | undefined => {
    const b = body as { filename?: string; operation?: { location?: string } } | null;
    return b?.filename?.split('/').at(-1) ?? b?.operation?.location;
  };
  const [from, to] = [pick(expected), pick(actual)];
  if (from !== undefined && to !== undefined) renamed.set(from, to);
}
