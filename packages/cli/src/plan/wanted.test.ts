import type { FlinkDeployment } from '@drey/api';
import { expect, test } from 'vitest';
import { appliedTo, created } from './wanted.ts';

function object(spec: Record<string, unknown>, applied?: Record<string, unknown>): FlinkDeployment {
  const annotations =
    applied === undefined
      ? {}
      : { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: applied }) };
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name: 'a', namespace: 'ns', generation: 4, uid: 'u', annotations },
    spec,
  } as FlinkDeployment;
}

const specAfter = (live: FlinkDeployment, file: Record<string, unknown>) => appliedTo(live, object(file)).spec;

test('A member that the last applied file had and this one has not goes', () => {
  const live = object(
    { image: 'a', flinkConfiguration: { x: '1', y: '2' } },
    { flinkConfiguration: { x: '1', y: '2' } },
  );
  expect(specAfter(live, { flinkConfiguration: { x: '1' } })).toEqual({ image: 'a', flinkConfiguration: { x: '1' } });
});

test('What an autoscaler wrote stays', () => {
  const live = object({ taskManager: { replicas: 7 } }, { taskManager: {} });
  expect(specAfter(live, { taskManager: { resource: { memory: '1g' } } })).toEqual({
    taskManager: { replicas: 7, resource: { memory: '1g' } },
  });
});

test('A list is replaced whole, and null removes', () => {
  const live = object({ job: { args: ['a', 'b'], jarURI: 'x' } }, { job: { args: ['a', 'b'], jarURI: 'x' } });
  expect(specAfter(live, { job: { args: ['c'], jarURI: null } })).toEqual({ job: { args: ['c'] } });
});

test('Without a record of kubectl the spec of the file counts', () => {
  expect(specAfter(object({ image: 'a', restartNonce: 1 }), { image: 'b' })).toEqual({ image: 'b' });
});

test('A change is a new generation, the same spec is the same one; all else stays as it is on the cluster', () => {
  const live = object({ image: 'a' });
  expect(appliedTo(live, object({ image: 'b' })).metadata).toEqual({ ...live.metadata, generation: 5 });
  expect(appliedTo(live, object({ image: 'a' })).metadata.generation).toBe(4);
});

test('A new object has no status of its own', () => {
  const file = { ...object({ image: 'a' }), status: { lifecycleState: 'STABLE' as const } };
  expect(created(file, 'other')).toMatchObject({ metadata: { namespace: 'other', generation: 1 } });
  expect(created(file, 'other').status).toBeUndefined();
});

test('A spec of a wrong form is a new generation, for the decision to refuse', () => {
  const job = { state: 'sleeping' };
  expect(appliedTo(object({ image: 'a' }), object({ image: 'a', job })).metadata.generation).toBe(5);
});
