import { expect, test } from 'vitest';
import { validationContext } from './context.ts';

const { memoryDefined } = validationContext({});

test.each([
  ['jobmanager', { 'jobmanager.heap.mb': '100' }, true],
  ['jobmanager', { 'jobmanager.memory.process.size': '100m' }, false],
  ['taskmanager', { 'taskmanager.heap.size': '2g' }, false],
  ['taskmanager', { 'taskmanager.memory.process.size': '2g' }, true],
] as const)('The memory of a %s with %j: defined is %s', (role, configuration, defined) => {
  expect(memoryDefined(role, configuration)).toBe(defined);
});
