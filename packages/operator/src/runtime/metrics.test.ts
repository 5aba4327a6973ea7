import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operatorMetrics } from './metrics.ts';

test('The page about metrics lists every metric that is served, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
  const served = operatorMetrics()
    .registry.getMetricsAsArray()
    .map(({ name }) => name);
  expect(listed.sort()).toEqual(served.sort());
});
