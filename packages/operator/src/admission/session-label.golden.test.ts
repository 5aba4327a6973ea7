import { expect } from 'vitest';
import { compareCalls } from '../../../../golden/recorded-calls.ts';
import { sessionLabels } from './decisions.ts';
import type { ReviewedObject } from './review.ts';

compareCalls<{ readonly object: ReviewedObject }, Readonly<Record<string, string>>>(
  'sessionLabel',
  'A session job carries the name of its cluster as a label, as the Apache operator puts it',
  ({ object }, result) => expect(sessionLabels(object) ?? object.metadata.labels ?? {}).toEqual(result),
);
