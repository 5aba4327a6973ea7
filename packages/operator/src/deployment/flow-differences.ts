const OBSERVED_CANCEL =
  'The job is seen to be cancelled first, and recorded as suspended by that; the Apache operator does so too, but in this vector its observer does not run. Only the text of the event differs.';
const NO_STATE_KNOWN =
  'The JobManager cannot be asked and there is no HA metadata, so nothing is known to start from: the job is left alone with an error, where the Apache operator goes on by the state it saw last.';
const SEEN_RUNNING =
  'After the snapshot is asked for, the job is seen to run in the next pass, which makes the spec stable again; the Apache operator does so too, but in this vector its observer does not run. The snapshot itself is the same.';

/** Flows in which Drey does something else on purpose, with the reason. */
export const FLOW_DIFFERENCES: Readonly<Record<string, string>> = {
  'flow-initial-savepoint-stateless':
    'A stateless start forgets the path that the job was not started from: kept, it could be taken for the state of this job later.',
  'flow-suspend-change-resume-last-state':
    'A change of a suspended job is told when it takes effect, and counts as observed, so that tools which wait for it do not wait for ever.',
  'flow-upgrade-cancelled-job-stateless': OBSERVED_CANCEL,
  'flow-upgrade-cancelled-job-savepoint': OBSERVED_CANCEL,
  'flow-upgrade-cancelled-job-last-state': OBSERVED_CANCEL,
  'flow-upgrade-jm-error-no-ha-savepoint': NO_STATE_KNOWN,
  'flow-upgrade-jm-error-no-ha-last-state': NO_STATE_KNOWN,
  'flow-savepoint-trigger-last-state': SEEN_RUNNING,
  'flow-checkpoint-trigger': SEEN_RUNNING,
};
