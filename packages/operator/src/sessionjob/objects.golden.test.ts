import type { FlinkSessionJob } from '@drey/api';
import { afterAll, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { known } from '../job/reading.ts';
import { eventName } from '../runtime/event-recorder.ts';
import { objectsIn } from '../testing/golden-objects.ts';
import { aSessionWorld, SESSION_POLICY } from '../testing/session-worlds.ts';
import { decideSessionJob } from './decide.ts';
import { FINALIZER } from './deletion.ts';

/** What the Apache operator wrote for session jobs whose cluster never came up. */

const area = goldenArea('apache-operator');
const cases = area.files
  .filter((file) => file.endsWith('/flinksessionjobs.yaml'))
  .map((file) => file.split('/')[0] ?? '');

const tally = { equal: 0, all: 0 };
afterAll(() => console.log(`session jobs of the Apache operator: ${tally.equal} of ${tally.all}`));

interface Write {
  readonly verb: string;
  readonly uri: string;
  readonly body: {
    readonly metadata?: { readonly name?: string };
    readonly involvedObject?: { readonly kind: string; readonly uid: string };
    readonly reason?: string;
  };
}

test.each(cases)('%s', (scenario) => {
  const objects = objectsIn(area.text(`${scenario}/flinksessionjobs.yaml`)) as unknown as FlinkSessionJob[];
  const inputs = objectsIn(area.text(`${scenario}/input.yaml`)).filter(
    (one) => one.kind === 'FlinkSessionJob',
  ) as unknown as FlinkSessionJob[];
  const writes = area
    .text(`${scenario}/writes.jsonl`)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Write);
  for (const object of objects) {
    tally.all += 1;
    const { uid, name, namespace } = object.metadata;
    const input = inputs.find((one) => one.metadata.name === name);
    if (input === undefined) throw new Error(`${name} is not in the input`);
    // While the cluster is not there, all that happens is the finalizer, and nothing is recorded.
    expect(object.metadata.finalizers).toEqual([FINALIZER]);
    expect(object.status).toBeUndefined();
    const { flink } = aSessionWorld(input);
    const plan = decideSessionJob(
      aSessionWorld(input, { cluster: known(undefined, 0), flink: { ...flink, jobs: undefined } }),
      SESSION_POLICY,
    );
    expect(plan.steps).toEqual([{ kind: 'add-finalizer' }]);
    expect(plan.status.reconciliationStatus?.lastReconciledSpec).toBeUndefined();
    expect(plan.status.jobStatus?.jobId).toBeUndefined();
    // A deletion says so under the name that the Apache operator's event has, and ends at once.
    const metadata = { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const removed = decideSessionJob(
      aSessionWorld({ ...object, metadata }, { cluster: known(undefined, 0) }),
      SESSION_POLICY,
    );
    expect(removed.steps).toEqual([{ kind: 'remove-finalizer' }]);
    const regarding = { apiVersion: object.apiVersion, kind: object.kind, metadata: { name, namespace, uid } };
    const names = removed.events.map((event) => eventName(regarding as never, event));
    const recorded = writes
      .filter(({ body }) => body.involvedObject?.uid === uid)
      .map(({ body }) => body.metadata?.name);
    expect(names).toEqual(recorded);
    tally.equal += 1;
  }
});
