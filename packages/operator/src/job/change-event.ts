import { type SpecDiff, specChangedMessage } from '@drey/api';
import type { PlannedEvent } from './planned.ts';

/** The event that names the change, once per generation. */
export function changeEvent({
  change,
  generation,
}: {
  readonly change: SpecDiff | undefined;
  readonly generation: number;
}): readonly PlannedEvent[] {
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
