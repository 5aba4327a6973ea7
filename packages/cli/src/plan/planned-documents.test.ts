import { expect, test } from 'vitest';
import { plannedDocuments } from './planned-documents.ts';

const document = (kind: string, name = 'a') => ({ value: { kind, metadata: { name } } });

test('Clusters and session jobs are planned in the order of the file, also out of lists', () => {
  const list = { value: { kind: 'List', items: [document('FlinkDeployment', 'b').value] } };
  const { planned, leftOut } = plannedDocuments([document('FlinkSessionJob'), list, document('FlinkDeployment', 'c')]);
  expect(planned.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
  expect(leftOut).toEqual([]);
});

test('What else is of Flink is left out, and said to be; what is not, is not mentioned', () => {
  const others = ['FlinkStateSnapshot', 'FlinkBlueGreenDeployment', 'ConfigMap'].map((kind) => document(kind));
  const { planned, leftOut } = plannedDocuments([...others, { value: null }]);
  expect(planned).toEqual([]);
  expect(leftOut.map(({ kind }) => kind)).toEqual(['FlinkStateSnapshot', 'FlinkBlueGreenDeployment']);
});
