export { type Admission, type AdmissionEnv, type AdmissionOptions, startAdmission } from './admission/admission.ts';
export {
  MutatingWebhookConfigurations,
  ValidatingWebhookConfigurations,
  type WebhookConfiguration,
  type WebhookTarget,
  webhookConfigurations,
} from './admission/configurations.ts';
export { type AdmissionRules, admissionRules } from './admission/decisions.ts';
export type { ArtifactFetcher, ArtifactRequest } from './artifact/artifact.ts';
export type { DecideConfig } from './deployment/context.ts';
export { decide } from './deployment/decide.ts';
export { foresee } from './deployment/foresee.ts';
export type { Plan, Step } from './deployment/plan.ts';
export type { World } from './deployment/world.ts';
export { type ChangeClass, type ClassifiedDifference, isInPlace } from './job/change-class.ts';
export type {
  ForeseenChange,
  ForeseenInterruption,
  ForeseenState,
  ForeseenUpgrade,
  Foresight,
} from './job/foresight.ts';
export type { PlannedEvent } from './job/planned.ts';
export { readOperatorConfig } from './runtime/config-directory.ts';
export { type DecisionFile, FORMAT as DECISION_FORMAT } from './runtime/decision-export.ts';
export { serviceEndpoint } from './runtime/endpoints.ts';
export { serveHealth } from './runtime/health.ts';
export {
  type Leadership,
  type LeadershipEnd,
  LeadershipError,
  leadershipOf,
  runElected,
} from './runtime/leadership.ts';
export { operatorLogger } from './runtime/log.ts';
export { type Look, type LookEnv, lookInto } from './runtime/look.ts';
export { type OperatorMetrics, operatorMetrics } from './runtime/metrics.ts';
export {
  createOperator,
  type Operator,
  type OperatorEnd,
  type OperatorEnv,
  type OperatorOptions,
  type OperatorSettings,
} from './runtime/operator.ts';
export {
  type OperatorProcessOptions,
  type ProcessEnd,
  runOperatorProcess,
  type WebhookOptions,
} from './runtime/operator-process.ts';
export { operatorPolicy } from './runtime/policy.ts';
export type { EndpointResolver, EndpointTarget, FlinkCluster, FlinkPort } from './runtime/ports.ts';
export { type PlanDifference, type Replayed, replayDecisions } from './runtime/replay.ts';
export { shardOf } from './runtime/shards.ts';
export { foreseeSessionJob } from './sessionjob/foresee.ts';
export { foreseeSessionCluster } from './sessionjob/foresee-cluster.ts';
export { sessionJobPolicy } from './sessionjob/policy.ts';
