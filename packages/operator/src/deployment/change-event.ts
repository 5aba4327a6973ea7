import { specChangedMessage } from '@drey/api';
import type { PlannedEvent } from '../job/planned.ts';
import type { Context } from './context.ts';

/** The event that names the change, once per generation. */
export function changeEvent({ change, generation }: Pick<Context, 'change' | 'generation'>): readonly PlannedEvent[] {
  const message = change === undefined ? null : specChangedMessage(change);
  if (message === null) return [];
  return [
    {
      type: 'Normal',
      reason: 'SpecChanged',
      message,
      component: 'JobManagerDeployment',
      key: `SpecChange: ${generation}`,
      once: true,
    },
  ];
}
