import { type Json, podTemplateNormalForm } from '@drey/api';
import type { Pod } from './objects.ts';

/** A pod template that a user wrote, as the client library reads it: quantities as texts, nulls and empty lists gone. */
export function podTemplateFrom(value: unknown): Pod {
  return podTemplateNormalForm(value as Json) as unknown as Pod;
}
