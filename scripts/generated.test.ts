import { expect, it } from 'vitest';
import { drift } from './generate.ts';

it('generated files are what npm run generate makes of the sources', async () => {
  expect(await drift()).toEqual([]);
});
