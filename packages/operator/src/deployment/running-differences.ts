/** Members of recorded statuses that Drey would write otherwise, with the reason. */
export const RUNNING_DIFFERENCES: readonly {
  /** End of the step's path. */
  readonly step: string;
  /** Beginning of the member's path. */
  readonly member: string;
  readonly reason: string;
}[] = [
  {
    step: 'step-02-deployed-not-ready/app',
    member: 'jobManagerDeploymentStatus',
    reason: 'There is no waiting time between a JobManager whose port is open and one that is asked.',
  },
  {
    step: 'step-09-deployment-recreated/app',
    member: 'jobManagerDeploymentStatus',
    reason: 'A Deployment that is there again is seen at once, not with the next look.',
  },
  ...['lifecycleState', 'reconciliationStatus.lastStableSpec'].map((member) => ({
    step: 'step-02-nonce-snapshot-created/app',
    member,
    reason: 'The record with the nonce is stable as soon as the job is seen running, which is at the next look there.',
  })),
];
