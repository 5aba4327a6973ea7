import Type, { type Static } from 'typebox';
import { integer, list, object, oneOf, optional, text, textMap } from '../schema/fields.ts';
import { condition, ingressSpec, podTemplate, resourceRequirements } from '../schema/kubernetes.ts';
import { commonStatus } from './common-status.ts';
import { jobSpec } from './job.ts';
import type { ObjectMeta } from './metadata.ts';

/** Versions of Flink that the API knows. Those before v1_15 are accepted by the schema and refused by validation. */
export const FLINK_VERSIONS = [
  'v1_13',
  'v1_14',
  'v1_15',
  'v1_16',
  'v1_17',
  'v1_18',
  'v1_19',
  'v1_20',
  'v2_0',
  'v2_1',
  'v2_2',
  'v2_3',
  'v2_4',
] as const;
/** A version of Flink as the API names it. */
export type FlinkVersion = (typeof FLINK_VERSIONS)[number];

/** Who creates the TaskManagers: Flink itself, or the operator. */
export const DEPLOYMENT_MODES = ['native', 'standalone'] as const;
/** Who creates the TaskManagers: Flink itself, or the operator. */
export type DeploymentMode = (typeof DEPLOYMENT_MODES)[number];

/** States of the JobManager Deployment. */
export const JOB_MANAGER_DEPLOYMENT_STATES = ['READY', 'DEPLOYED_NOT_READY', 'DEPLOYING', 'MISSING', 'ERROR'] as const;
/** States of the JobManager Deployment. */
export type JobManagerDeploymentStatus = (typeof JOB_MANAGER_DEPLOYMENT_STATES)[number];

const resource = object('CPU and memory. Superseded by resources.', {
  cpu: optional(Type.Number({ description: 'Cores; fractions are allowed.' })),
  memory: optional(text('Memory of the whole process, in Flink’s form (2048m) or Kubernetes’ (2Gi).')),
  ephemeralStorage: optional(text('Local storage, as a Kubernetes quantity.')),
});

/** CPU, memory and storage in the older, short form. */
export type Resource = Static<typeof resource>;

const jobManager = object('The JobManager.', {
  resource: optional(resource),
  resources: optional(resourceRequirements('Requests and limits of the JobManager’s container.')),
  replicas: optional(integer('Number of JobManagers. 1 when absent; more need high availability.')),
  podTemplate: optional(podTemplate('Template of the JobManager’s pod; it goes before spec.podTemplate.')),
});

const taskManager = object('The TaskManagers.', {
  resource: optional(resource),
  resources: optional(resourceRequirements('Requests and limits of a TaskManager’s container.')),
  replicas: optional(integer('Number of TaskManagers. Absent means as many as the parallelism needs.')),
  podTemplate: optional(podTemplate('Template of the TaskManagers’ pods; it goes before spec.podTemplate.')),
});

/** The JobManager part of a spec. */
export type JobManagerSpec = Static<typeof jobManager>;
/** The TaskManager part of a spec. */
export type TaskManagerSpec = Static<typeof taskManager>;

/** What users write under `flinkConfiguration`: flat keys or nested maps, values of any kind. */
export type FlinkConfigurationSpec = Record<string, unknown>;

/** Schema of `flinkConfiguration`; every key is kept. */
export const flinkConfiguration = Type.Unsafe<FlinkConfigurationSpec>({
  type: 'object',
  description: 'Flink configuration, as flat keys or nested.',
  'x-kubernetes-preserve-unknown-fields': true,
});

/** Keys that the schema takes; which of them are files is for the rules to say, whose cost this bounds. */
const MAX_LOGGING_FILES = 32;

/** Schema of a FlinkDeployment’s `spec`. The order of members is the one of the recorded specs. */
export const flinkDeploymentSpec = object('What the deployment shall be.', {
  job: optional(jobSpec),
  restartNonce: optional(
    Type.Integer({ format: 'int64', description: 'A new value restarts the deployment with its state.' }),
  ),
  flinkConfiguration: optional(flinkConfiguration),
  image: optional(text('Image of the JobManager and the TaskManagers.')),
  imagePullPolicy: optional(text('Always, IfNotPresent or Never.')),
  serviceAccount: optional(text('Service account of the pods. The JobManager creates TaskManagers with it.')),
  flinkVersion: optional(oneOf(FLINK_VERSIONS, 'Version of Flink in the image.')),
  ingress: optional(ingressSpec('Ingress to the REST endpoint.')),
  podTemplate: optional(podTemplate('Template of all pods.')),
  jobManager: optional(jobManager),
  taskManager: optional(taskManager),
  logConfiguration: optional(
    textMap('Logging files: log4j-console.properties, logback-console.xml.', MAX_LOGGING_FILES),
  ),
  mode: optional(oneOf(DEPLOYMENT_MODES, 'Who creates the TaskManagers. native when absent.')),
});

/** What a FlinkDeployment shall be. */
export type FlinkDeploymentSpec = Static<typeof flinkDeploymentSpec>;

const taskManagerInfo = object('TaskManagers, for autoscalers of pods.', {
  labelSelector: optional(text('Selector of the TaskManagers’ pods.')),
  replicas: optional(integer('Number of TaskManagers that the parallelism needs.')),
});

const startResults = object('Where one start of the job keeps results.', {
  start: text('Id of the start: of the operation that made it, else of its JobManager’s Deployment.'),
  directories: list(text('A directory, as Flink’s configuration names it.'), 'Directories of results.'),
});

/** Where one start of a job keeps results. */
export type StartResults = Static<typeof startResults>;

/** Schema of a FlinkDeployment’s `status`. */
export const flinkDeploymentStatus = object('What was last seen and done.', {
  ...commonStatus,
  clusterInfo: optional(textMap('Facts about the cluster: Flink’s version and revision, total CPU and memory.')),
  jobManagerDeploymentStatus: optional(oneOf(JOB_MANAGER_DEPLOYMENT_STATES, 'State of the JobManager Deployment.')),
  taskManager: optional(taskManagerInfo),
  resultStores: optional(
    list(startResults, 'Starts whose results may still be there, newest first. Recorded where they are to be deleted.'),
  ),
  conditions: optional(list(condition, 'What is currently true of the deployment.')),
});

/** What was last seen and done. */
export type FlinkDeploymentStatus = Static<typeof flinkDeploymentStatus>;

/** A Flink cluster on Kubernetes: one application, or a session cluster. */
export interface FlinkDeployment {
  apiVersion: 'flink.apache.org/v1beta1';
  kind: 'FlinkDeployment';
  metadata: ObjectMeta;
  spec: FlinkDeploymentSpec;
  status?: FlinkDeploymentStatus;
}
