import { expect, it } from 'vitest';
import { drift } from './generate.ts';

it('generated files are what npm run generate makes of the sources', () => {
  expect(drift()).toEqual([]);
});
