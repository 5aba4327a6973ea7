/** A way in which Drey does something else on purpose. Everything that is not named is compared nevertheless. */
export interface FlowDifference {
  /** The flows in which it shows, by their names. */
  readonly flows: RegExp;
  readonly reason: string;
  /** Members of the status that differ, texts of `SpecChanged`, or all that comes of the flow. */
  readonly differs: readonly string[] | 'text of the change' | 'whole flow';
}

/** Differences from the recorded flows, with their reasons. */
export const FLOW_DIFFERENCES: readonly FlowDifference[] = [
  {
    flows: /^flow-initial-savepoint-stateless$/,
    differs: 'whole flow',
    reason:
      'A stateless start forgets the path that the job was not started from: kept, it could be taken for the state of this job later.',
  },
  {
    flows: /^flow-suspend-change-resume-/,
    differs: 'whole flow',
    reason:
      'A change of a suspended job is told when it takes effect, and counts as observed, so that tools which wait for it do not wait for ever.',
  },
  {
    flows: /^flow-upgrade-cancelled-job-/,
    differs: 'text of the change',
    reason:
      'The job is seen to be cancelled first, and recorded as suspended by that; the Apache operator does so too, but in these vectors its observer does not run.',
  },
  {
    flows: /^flow-upgrade-jm-error-no-ha-(savepoint|last-state)$/,
    differs: 'whole flow',
    reason:
      'The JobManager cannot be asked and there is no HA metadata, so nothing is known to start from: the job is left alone with an error, where the Apache operator goes on by the state it saw last.',
  },
  {
    flows: /^flow-(savepoint|checkpoint)-trigger/,
    differs: ['lastReconciledSpecStable', 'lifecycleState'],
    reason:
      'After the snapshot is asked for, the job is seen to run in the next pass, which makes the spec stable again; the Apache operator does so too, but in these vectors its observer does not run.',
  },
];
