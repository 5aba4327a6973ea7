import { INVALID_LOGGING_KEY, INVALID_NAME, LOGGING_FILES, MESSAGES, NAME_PATTERN } from '../validation/messages.ts';

/** One entry of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueRequired';
  /** Evaluated on creation, too, with an empty `oldSelf`. */
  readonly optionalOldSelf?: boolean;
}

/** The rules of a kind: for the whole object (`''`), and for members by their path below it. */
export type Rules = Readonly<Record<string, readonly Rule[]>>;

/*
 * What can be said about a resource without the operator's configuration and without parsing amounts, in the words of the
 * validation (../validation). Each rule refuses only what validation refuses; a test holds both together. Changes are compared
 * with the recorded spec, as validation compares them, since what is stored may itself be wrong and must stay correctable; and a
 * rule over the whole object says nothing while only the status is written, so that no status is ever refused for its spec.
 */

const RECORD = 'self.status.reconciliationStatus.lastReconciledSpec';
/** The record is JSON in one order of members: `job` comes first, the concrete class's own members last. */
const IS_RECORDED = `has(self.status) && has(self.status.reconciliationStatus) && has(${RECORD})`;
const BOTH_SPECS = 'has(self.spec) && has(oldSelf.spec)';
const RECORDED_SESSION = `${RECORD}.startsWith('{"spec":{"job":null,')`;
const IS_NEW_FORM = `${RECORD}.startsWith('{"spec":')`;
/** How a record of this form ends, after the last member of the spec. Ends are cheaper to compare than to look for texts. */
const ENDS = ['true', 'false'].map(
  (first) => `},"resource_metadata":{"apiVersion":"flink.apache.org/v1beta1","firstDeployment":${first}}}`,
);
const endsWith = (last: string): string =>
  `(${ENDS.map((end) => `${RECORD}.endsWith(${last} + '${end}')`).join(' || ')})`;
const HAS_KNOWN_END = `(${ENDS.map((end) => `${RECORD}.endsWith('${end}')`).join(' || ')})`;

const nameOnCreation: Rule = {
  rule: `oldSelf.hasValue() || !has(self.spec) || self.metadata.name.matches('${NAME_PATTERN}')`,
  messageExpression: `'${escaped(INVALID_NAME[0])}' + self.metadata.name + '${escaped(INVALID_NAME[1])}'`,
  message: INVALID_NAME.join('...'),
  optionalOldSelf: true,
};

/** Canaries have specs with nothing but a restartNonce; what has any of these is meant to be deployed. */
const IS_DEPLOYMENT = ['image', 'job', 'jobManager', 'taskManager', 'flinkVersion', 'serviceAccount']
  .map((member) => `has(self.${member})`)
  .join(' || ');

const RECORDED_STANDALONE = endsWith(`'"mode":"standalone"'`);

/** Rules of FlinkDeployment. */
export const flinkDeploymentRules: Rules = {
  '': [
    nameOnCreation,
    ...switchOfJob(MESSAGES.sessionToJob, true),
    ...switchOfJob(MESSAGES.jobToSession, false),
    ...switchOfMode(MESSAGES.nativeToStandalone, true),
    ...switchOfMode(MESSAGES.standaloneToNative, false),
    redeployment(),
  ],
  spec: [
    required(`has(self.flinkVersion) || !(${IS_DEPLOYMENT})`, MESSAGES.versionMissing),
    required(`has(self.serviceAccount) || !(${IS_DEPLOYMENT})`, MESSAGES.serviceAccountMissing),
    {
      rule: '!has(self.job) || (has(self.taskManager) && has(self.taskManager.replicas)) || (has(self.job.parallelism) && self.job.parallelism >= 1)',
      message: MESSAGES.parallelism,
      fieldPath: '.job',
    },
  ],
  'spec.ingress': [required('has(self.template)', MESSAGES.ingressTemplateMissing)],
  'spec.jobManager': [
    {
      rule: '!has(self.replicas) || self.replicas >= 1',
      message: MESSAGES.jobManagerReplicas,
      fieldPath: '.replicas',
    },
  ],
  'spec.taskManager': [
    {
      rule: '!has(self.replicas) || self.replicas >= 1',
      message: MESSAGES.taskManagerReplicas,
      fieldPath: '.replicas',
    },
  ],
  'spec.logConfiguration': [loggingKeys()],
};

/** Rules of FlinkSessionJob. */
export const flinkSessionJobRules: Rules = {
  '': [
    {
      rule: `!(${BOTH_SPECS} && ${IS_RECORDED}) || !has(self.spec.deploymentName) || !has(oldSelf.spec.deploymentName) || self.spec.deploymentName == oldSelf.spec.deploymentName || !${HAS_KNOWN_END} || ${endsWith(`'"deploymentName":"' + self.spec.deploymentName + '"'`)}`,
      message: MESSAGES.deploymentNameChanged,
      fieldPath: '.spec.deploymentName',
    },
  ],
  spec: [
    required('has(self.deploymentName) || !has(self.job)', MESSAGES.deploymentNameMissing),
    {
      rule: `!has(self.deploymentName) || self.deploymentName.matches('${NAME_PATTERN}')`,
      messageExpression: `'${escaped(INVALID_NAME[0])}' + self.deploymentName + '${escaped(INVALID_NAME[1])}'`,
      message: INVALID_NAME.join('...'),
      fieldPath: '.deploymentName',
    },
    required('has(self.job) || !has(self.deploymentName)', MESSAGES.jobMissing),
  ],
};

/** Rules of FlinkStateSnapshot. */
export const flinkStateSnapshotRules: Rules = {
  spec: [
    { rule: 'has(self.savepoint) != has(self.checkpoint)', message: MESSAGES.snapshotKind },
    {
      rule: 'has(self.jobReference) || (has(self.savepoint) && has(self.savepoint.alreadyExists) && self.savepoint.alreadyExists) || has(self.savepoint) == has(self.checkpoint)',
      message: MESSAGES.snapshotReference,
      reason: 'FieldValueRequired',
    },
  ],
};

function required(rule: string, message: string): Rule {
  return { rule, message, reason: 'FieldValueRequired' };
}

/** A deployment that is recorded as a session cluster gets no job, and the other way round. */
function switchOfJob(message: string, toJob: boolean): Rule[] {
  const [now, before] = [`has(self.spec.job)`, `has(oldSelf.spec.job)`];
  const turned = toJob ? `${now} && !${before}` : `!${now} && ${before}`;
  const recordedOtherwise = toJob ? RECORDED_SESSION : `!${RECORDED_SESSION}`;
  return [
    {
      rule: `!(${BOTH_SPECS} && ${IS_RECORDED} && ${IS_NEW_FORM}) || !(${turned} && ${recordedOtherwise})`,
      message,
      fieldPath: '.spec',
    },
  ];
}

function switchOfMode(message: string, toStandalone: boolean): Rule[] {
  const standalone = (self: string): string => `(has(${self}.spec.mode) && ${self}.spec.mode == 'standalone')`;
  const [now, before] = [standalone('self'), standalone('oldSelf')];
  const turned = toStandalone ? `${now} && !${before}` : `!${now} && ${before}`;
  const recordedOtherwise = toStandalone ? `!${RECORDED_STANDALONE}` : RECORDED_STANDALONE;
  return [
    {
      rule: `!(${BOTH_SPECS} && ${IS_RECORDED} && ${HAS_KNOWN_END}) || !(${turned} && ${recordedOtherwise})`,
      message,
      fieldPath: '.spec',
    },
  ];
}

/** A first savepointRedeployNonce needs a path to start from; a second one is for validation, as its text costs too much here. */
function redeployment(): Rule {
  const nonce = 'has(self.spec.job) && has(self.spec.job.savepointRedeployNonce)';
  const recordedNone = `${RECORD}.contains('"savepointRedeployNonce":null,')`;
  const path = 'self.spec.job.initialSavepointPath';
  return {
    rule: `!(${BOTH_SPECS} && ${IS_RECORDED} && ${nonce}) || !${recordedNone} || !has(oldSelf.spec.job) || has(oldSelf.spec.job.savepointRedeployNonce) || (has(${path}) && ${path}.matches('\\\\S'))`,
    message: MESSAGES.redeployWithoutPath,
    fieldPath: '.spec.job',
  };
}

function loggingKeys(): Rule {
  const known = `[${LOGGING_FILES.map((name) => `'${name}'`).join(', ')}]`;
  return {
    rule: `self.all(key, key in ${known})`,
    message: INVALID_LOGGING_KEY.join('...'),
  };
}

/** A text as it stands between single quotes in an expression. */
function escaped(text: string): string {
  return text.replaceAll("'", "\\'");
}
