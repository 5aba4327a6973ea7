import { expect, expectTypeOf, test } from 'vitest';
import type { FlinkDeploymentSpec, FlinkVersion } from '../index.ts';

test('The types of the specs come from the schemas: optional, null where a recorded spec may hold null, enums as unions', () => {
  expectTypeOf<FlinkDeploymentSpec['flinkVersion']>().toEqualTypeOf<FlinkVersion | null | undefined>();
  expectTypeOf<NonNullable<FlinkDeploymentSpec['job']>['parallelism']>().toEqualTypeOf<number | null | undefined>();
  expectTypeOf<NonNullable<FlinkDeploymentSpec['job']>['args']>().toEqualTypeOf<string[] | null | undefined>();
  const spec: FlinkDeploymentSpec = { job: { upgradeMode: 'last-state', state: null }, jobManager: { replicas: 1 } };
  expect(spec.job?.upgradeMode).toBe('last-state');
});
