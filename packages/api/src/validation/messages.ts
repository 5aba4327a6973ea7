/**
 * What is refused, in the words of the Apache operator: people and scripts know them. Shared by the validation of whole resources
 * and by the rules inside the definitions of the kinds, so that both say the same.
 */
export const MESSAGES = {
  versionMissing: 'Flink Version must be defined.',
  serviceAccountMissing:
    'spec.serviceAccount must be defined. If you use helm, its value should be the same with the name of jobServiceAccount.',
  parallelism: 'Job parallelism must be larger than 0',
  taskManagerReplicas: 'TaskManager replicas must be larger than 0',
  /** Said of a cluster without a job, whose TaskManagers are looked at later. */
  sessionTaskManagerReplicas: 'TaskManager replicas should not be configured less than one.',
  jobManagerReplicas: 'JobManager replicas should not be configured less than one.',
  ingressTemplateMissing: 'Ingress template must be defined',
  sessionToJob: 'Cannot switch from session to job cluster',
  jobToSession: 'Cannot switch from job to session cluster',
  nativeToStandalone: 'Cannot switch from native kubernetes to standalone kubernetes cluster',
  standaloneToNative: 'Cannot switch from standalone kubernetes to native kubernetes cluster',
  redeployWithoutPath: 'InitialSavepointPath must not be empty for savepoint redeployment',
  deploymentNameMissing: 'The deploymentName must be defined',
  deploymentNameChanged: "The deploymentName can't be changed",
  jobMissing: 'The job spec should not be empty',
  snapshotKind: 'Exactly one of checkpoint or savepoint configurations has to be set.',
  snapshotReference: 'Job reference must be supplied for this snapshot',
} as const;

/** The message about a name, in two parts: the name stands between them. */
export const INVALID_NAME = [
  'The FlinkDeployment name: ',
  " is invalid, must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'), and the length must be no more than 45 characters.",
] as const;

/** What names of deployments match. */
export const NAME_PATTERN = '^[a-z]([-a-z0-9]{0,43}[a-z0-9])?$';

/** Files that `spec.logConfiguration` may hold. */
export const LOGGING_FILES = ['log4j-console.properties', 'logback-console.xml'] as const;

/** The message about another key of it; the key stands between the parts. */
export const INVALID_LOGGING_KEY = [
  'Invalid log config key: ',
  `. Allowed keys are [${LOGGING_FILES.join(', ')}]`,
] as const;
