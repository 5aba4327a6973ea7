import Type, { type Static } from 'typebox';
import { list, object, oneOf, optional, text, textMap } from '../schema/fields.ts';
import { condition, ingressSpec } from '../schema/kubernetes.ts';
import { flinkDeploymentSpec } from './flink-deployment.ts';
import { jobStatus } from './job-status.ts';
import type { ObjectMeta } from './metadata.ts';

/** States of a blue/green pair. */
export const BLUE_GREEN_STATES = [
  'INITIALIZING_BLUE',
  'ACTIVE_BLUE',
  'ACTIVE_GREEN',
  'TRANSITIONING_TO_BLUE',
  'TRANSITIONING_TO_GREEN',
  'SAVEPOINTING_BLUE',
  'SAVEPOINTING_GREEN',
] as const;
/** States of a blue/green pair. */
export type BlueGreenState = (typeof BLUE_GREEN_STATES)[number];

/** Schema of a FlinkBlueGreenDeployment’s `spec`. */
export const flinkBlueGreenDeploymentSpec = object('What the pair shall be.', {
  configuration: optional(textMap('Options of the transition itself (kubernetes.operator.bluegreen.*).')),
  ingress: optional(ingressSpec('Ingress that points at the active colour.')),
  template: optional(
    object('What both colours are made from.', {
      metadata: optional(
        Type.Unsafe<Record<string, unknown>>({
          type: 'object',
          description: 'Metadata of the children.',
          'x-kubernetes-preserve-unknown-fields': true,
        }),
      ),
      spec: optional(flinkDeploymentSpec),
    }),
  ),
});

/** What a blue/green pair shall be. */
export type FlinkBlueGreenDeploymentSpec = Static<typeof flinkBlueGreenDeploymentSpec>;

/** Schema of a FlinkBlueGreenDeployment’s `status`. */
export const flinkBlueGreenDeploymentStatus = object('Which colour is active, and what is under way.', {
  jobStatus: optional(jobStatus),
  blueGreenState: optional(oneOf(BLUE_GREEN_STATES, 'State of the pair.')),
  lastReconciledSpec: optional(text('The spec that was last acted on, as JSON.')),
  lastReconciledTimestamp: optional(text('When the status was last written, RFC 3339.')),
  abortTimestamp: optional(text('When the transition is given up, RFC 3339.')),
  deploymentReadyTimestamp: optional(text('When the new colour became ready, RFC 3339.')),
  savepointTriggerId: optional(text('Flink’s id of the savepoint that the transition waits for.')),
  error: optional(text('The last error.')),
  conditions: optional(list(condition, 'What is currently true of the pair.')),
});

/** Which colour is active, and what is under way. */
export type FlinkBlueGreenDeploymentStatus = Static<typeof flinkBlueGreenDeploymentStatus>;

/** Two FlinkDeployments of which one serves. */
export interface FlinkBlueGreenDeployment {
  apiVersion: 'flink.apache.org/v1beta1';
  kind: 'FlinkBlueGreenDeployment';
  metadata: ObjectMeta;
  spec: FlinkBlueGreenDeploymentSpec;
  status?: FlinkBlueGreenDeploymentStatus;
}
