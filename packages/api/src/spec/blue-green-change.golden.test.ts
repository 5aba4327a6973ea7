import { expect } from 'vitest';
import { compareCalls } from '../../../../golden/recorded-calls.ts';
import type { FlinkBlueGreenDeployment } from '../kinds/flink-blue-green-deployment.ts';
import { type BlueGreenChange, blueGreenChange } from './blue-green-change.ts';

compareCalls<{ readonly left: FlinkBlueGreenDeployment; readonly right: FlinkBlueGreenDeployment }, BlueGreenChange>(
  'bluegreenDiff',
  'Changes of a blue/green pair are of the kind that the Apache operator says',
  ({ left, right }, result) => expect(blueGreenChange(left.spec, right.spec)).toBe(result),
);
