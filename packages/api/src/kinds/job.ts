import Type, { type Static } from 'typebox';
import { flag, integer, list, object, oneOf, optional, text, withDefault } from '../schema/fields.ts';

/** How state is carried from one version of a job to the next. */
export const UPGRADE_MODES = ['savepoint', 'last-state', 'stateless'] as const;
/** How state is carried from one version of a job to the next. */
export type UpgradeMode = (typeof UPGRADE_MODES)[number];

/** What a user may want of a job. */
export const DESIRED_JOB_STATES = ['running', 'suspended'] as const;
/** What a user may want of a job. */
export type DesiredJobState = (typeof DESIRED_JOB_STATES)[number];

const nonce = (description: string) => Type.Integer({ format: 'int64', description });

/** Schema of `spec.job`. */
export const jobSpec = object('The job to run. Without it the deployment is a session cluster.', {
  jarURI: optional(text('The jar of the job, for example local:///opt/flink/usrlib/job.jar.')),
  parallelism: optional(integer('Default parallelism of the job.')),
  entryClass: optional(text('Main class; empty means the one in the manifest of the jar.')),
  args: optional(list(text('One argument.'), 'Arguments of the main method.')),
  state: optional(withDefault(oneOf(DESIRED_JOB_STATES, 'Whether the job shall run.'), 'running')),
  savepointTriggerNonce: optional(nonce('A new value takes a savepoint. Deprecated, use a FlinkStateSnapshot.')),
  initialSavepointPath: optional(text('State that the very first start, or a savepoint redeployment, begins from.')),
  checkpointTriggerNonce: optional(nonce('A new value takes a checkpoint. Deprecated, use a FlinkStateSnapshot.')),
  upgradeMode: optional(withDefault(oneOf(UPGRADE_MODES, 'How state is carried through an upgrade.'), 'stateless')),
  allowNonRestoredState: optional(flag('Start although the state has parts that no operator of the job takes.')),
  savepointRedeployNonce: optional(nonce('A new value starts the job anew from initialSavepointPath.')),
  autoscalerResetNonce: optional(nonce('A new value makes the autoscaler forget what it learnt.')),
});

/** What to run, and how its state is carried. */
export type JobSpec = Static<typeof jobSpec>;
