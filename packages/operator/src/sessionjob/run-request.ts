import type { FlinkSessionJob } from '@drey/api';
import { type FlinkConfig, type JarRun, optionalOption, stringType } from '@drey/flink';
import { withoutOperatorKeys } from '@drey/manifests';
import { jobOf } from './context.ts';

/** Who owns the state that a job is started from. The name is the newest one; older ones are understood. */
const claimMode = optionalOption('execution.state-recovery.claim-mode', stringType, {
  aliases: ['execution.savepoint-restore-mode'],
});

const CLAIM_MODES = ['CLAIM', 'NO_CLAIM', 'LEGACY'] as const;

/**
 * How a job's jar is run: as the Apache operator asks for it, with the configuration of the cluster and the job together.
 * Fields that the version of Flink does not know are left out by the client.
 */
export function runRequest(
  sessionJob: FlinkSessionJob,
  options: FlinkConfig,
  start: { readonly jobId: string; readonly savepointPath: string | undefined },
): JarRun {
  const { entryClass, args, parallelism, allowNonRestoredState } = jobOf(sessionJob.spec);
  const mode = options.get(claimMode)?.toUpperCase();
  return {
    jobId: start.jobId,
    ...(entryClass ? { entryClass } : {}),
    ...(args ? { programArgs: args } : {}),
    ...(parallelism !== undefined && parallelism !== null && parallelism > 0 ? { parallelism } : {}),
    ...(typeof allowNonRestoredState === 'boolean' ? { allowNonRestoredState } : {}),
    ...(start.savepointPath === undefined ? {} : { savepointPath: start.savepointPath }),
    claimMode: CLAIM_MODES.find((one) => one === mode) ?? 'NO_CLAIM',
    flinkConfiguration: withoutOperatorKeys(options).toRecord(),
  };
}
