import { expect, test } from 'vitest';
import type { ValidationContext } from './context.ts';
import { isCronExpression } from './cron.ts';
import { validateFlinkDeployment } from './deployment.ts';
import { durationMs } from './duration.ts';
import { validateFlinkSessionJob } from './session-job.ts';

const CONTEXT: ValidationContext = { defaults: () => ({}), memoryDefined: () => false };
const SPEC = {
  flinkVersion: 'v1_20',
  serviceAccount: 'flink',
  jobManager: { resource: { memory: '1g' } },
  taskManager: { resource: { memory: '1g' } },
  job: { parallelism: 1, jarURI: 'local:///x.jar' },
};

const validate = (spec: unknown, context = CONTEXT) =>
  validateFlinkDeployment({ metadata: { name: 'demo' }, spec }, context);

test('A good deployment has no problem', () => {
  expect(validate(SPEC)).toBeUndefined();
});

test('A value of the wrong form is a problem, not a fault', () => {
  expect(validate({ ...SPEC, job: { parallelism: 'many' } })).toMatchObject({ code: 'E_VALIDATION_FORMAT' });
  expect(validate(undefined)).toMatchObject({ code: 'E_VALIDATION_VERSION' });
});

test('An option that is neither true nor false is a problem that names it', () => {
  const flinkConfiguration = { 'kubernetes.operator.deployment.rollback.enabled': 'yes' };
  expect(validate({ ...SPEC, flinkConfiguration })).toMatchObject({
    code: 'E_VALIDATION_CONFIG',
    message: "Could not parse value 'yes' for key 'kubernetes.operator.deployment.rollback.enabled'.",
  });
});

test('The oldest name of the kind of high availability, and its old word for none, still count', () => {
  const standbys = (flinkConfiguration: Record<string, string>) =>
    validate({ ...SPEC, jobManager: { ...SPEC.jobManager, replicas: 2 }, flinkConfiguration })?.message;
  expect(standbys({ 'recovery.mode': 'standalone', 'high-availability': 'kubernetes' })).toMatch(/High availability/);
  expect(standbys({ 'recovery.mode': 'zookeeper' })).toBeUndefined();
});

test('A session job is checked with the defaults of its own namespace', () => {
  const context: ValidationContext = {
    ...CONTEXT,
    defaults: (namespace): Record<string, string> =>
      namespace === 'cluster' ? { 'kubernetes.operator.periodic.savepoint.interval': '1h' } : {},
  };
  const problem = (namespace: string) =>
    validateFlinkSessionJob(
      { metadata: { name: 'job', namespace }, spec: { deploymentName: 'session', job: { parallelism: 1 } } },
      { metadata: { name: 'session', namespace: 'cluster' }, spec: {} },
      context,
    )?.message;
  expect(problem('jobs')).toBeUndefined();
  expect(problem('cluster')).toMatch(/Periodic savepoints/);
});

test('Resources in Kubernetes’ form must be amounts, with requests within limits', () => {
  const resources = (requests: unknown, limits: unknown) =>
    validate({ ...SPEC, jobManager: { resources: { requests, limits } } })?.message;
  expect(resources({ memory: '1Gi', cpu: 1 }, { memory: '2Gi' })).toBeUndefined();
  expect(resources({ memory: '3Gi' }, { memory: '2Gi' })).toMatch(/request memory must not be larger than its limit/);
  expect(resources({ memory: '1Gi', cpu: 0 }, {})).toMatch(/request cpu must be larger than 0/);
  expect(resources({ memory: '1Gi', 'x.com/gpu': 'two' }, {})).toMatch(/request x.com\/gpu parse error/);
  expect(resources({ cpu: 1 }, {})).toMatch(/JobManager resource memory must be defined/);
});

test('A name may be a single letter', () => {
  const named = (name: string) => validateFlinkDeployment({ metadata: { name }, spec: SPEC }, CONTEXT)?.code;
  expect(['x', 'a1', 'x'.repeat(45)].map(named)).toEqual([undefined, undefined, undefined]);
  expect(['', 'X', '1', 'a-', 'x'.repeat(46)].map(named)).toEqual(Array(5).fill('E_VALIDATION_NAME'));
});

test('A memory without text is refused where Flink could derive the size from configuration', () => {
  const jobManager = { resource: { memory: '' } };
  const message = (memoryDefined: boolean) =>
    validate({ ...SPEC, jobManager }, { ...CONTEXT, memoryDefined: () => memoryDefined })?.message;
  expect(message(false)).toMatch(/^JobManager resource memory must be defined/);
  expect(message(true)).toBe('JobManager resource memory parse error: Invalid quantity string format passed.');
});

test('A cluster that gives up its suspended job is not asked to keep its version', () => {
  const before = {
    ...SPEC,
    job: { ...SPEC.job, state: 'suspended', upgradeMode: 'last-state' },
    flinkVersion: 'v1_19',
  };
  const status = {
    reconciliationStatus: { lastReconciledSpec: JSON.stringify({ spec: before, resource_metadata: {} }) },
  };
  const flinkConfiguration = { 'state.checkpoints.dir': 's3://b' };
  const change = (job: unknown) =>
    validateFlinkDeployment({ metadata: { name: 'demo' }, spec: { ...SPEC, job, flinkConfiguration }, status }, CONTEXT)
      ?.message;
  expect(change({ ...SPEC.job, upgradeMode: 'last-state' })).toMatch(/^Changing flinkVersion/);
  expect(change(undefined)).toBe('Cannot switch from job to session cluster');
});

test('A blank directory counts as none', () => {
  const job = { ...SPEC.job, upgradeMode: 'savepoint' };
  const flinkConfiguration = { 'state.checkpoints.dir': ' ', 'state.savepoints.dir': 's3://b' };
  expect(validate({ ...SPEC, job, flinkConfiguration })?.message).toMatch(/^Checkpoint directory/);
});

test('The number of TaskManagers of a cluster without a job is refused in words of its own', () => {
  const taskManager = { ...SPEC.taskManager, replicas: 0 };
  expect(validate({ ...SPEC, taskManager })?.message).toBe('TaskManager replicas must be larger than 0');
  expect(validate({ ...SPEC, taskManager, job: undefined })?.message).toBe(
    'TaskManager replicas should not be configured less than one.',
  );
});

test('Defaults of the operator count as the user’s own configuration', () => {
  const context = { ...CONTEXT, defaults: () => ({ 'kubernetes.operator.deployment.rollback.enabled': 'true' }) };
  expect(validate(SPEC, context)?.message).toBe('HA must be enabled for rollback support.');
});

test('A session job’s jar is not fetched from addresses inside', () => {
  const check = (jarURI: string, addresses?: readonly string[]) =>
    validateFlinkSessionJob(
      { metadata: { name: 'j' }, spec: { deploymentName: 'demo', job: { jarURI, parallelism: 1 } } },
      undefined,
      { ...CONTEXT, resolveHost: () => addresses },
    )?.message;
  expect(check('https://example.com/a.jar', ['93.184.215.14'])).toBeUndefined();
  expect(check('https://inside.example.com/a.jar', ['10.1.2.3'])).toMatch(/restricted address/);
  expect(check('https://[::ffff:127.0.0.1]/a.jar')).toMatch(/restricted address/);
  expect(check('https://127.1/a.jar')).toMatch(/must include a host/);
  expect(check('https://2130706433/a.jar')).toMatch(/restricted address/);
  expect(check('https://[fe80::1]/a.jar')).toMatch(/restricted address/);
});

test('Cron expressions have seconds and exactly one open day field', () => {
  expect(['0 0 12 ? * MON-FRI', '0 0 0 L * ?', '0 0 12 ? * 6#3'].map(isCronExpression)).toEqual([true, true, true]);
  expect(['*/5 * * * *', '0 0 12 * * *', '0 61 0 * * ?', ''].map(isCronExpression)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('Durations are read in Flink’s units', () => {
  expect(['10 s', '5 min', '500', '1h', 'soon'].map(durationMs)).toEqual([10_000, 300_000, 500, 3_600_000, undefined]);
});
