import type { FlinkDeploymentStatus } from '@drey/api';
import { withInitialParts } from '../job/status.ts';

/** The recorded status with everything present that a new FlinkDeployment has, in the shape the Apache operator gives it. */
export function statusOf(recorded: FlinkDeploymentStatus | undefined): FlinkDeploymentStatus {
  return withInitialParts({
    clusterInfo: {},
    conditions: [],
    jobManagerDeploymentStatus: 'MISSING',
    ...recorded,
  });
}
