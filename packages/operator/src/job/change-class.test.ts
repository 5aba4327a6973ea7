import type { FlinkDeploymentSpec } from '@drey/api';
import { describe, expect, test } from 'vitest';
import {
  ADAPTIVE,
  classify,
  DEAF,
  type Given,
  job,
  LOUD,
  log,
  OVERRIDES,
  REACTIVE,
  replicas,
  SCANNED,
  session,
  spec,
  standalone,
  WATCHED,
} from '../testing/change-specs.ts';
import { CHANGE_CLASSES, type ChangeClass } from './change-class.ts';

type Row = readonly [
  name: string,
  left: FlinkDeploymentSpec,
  right: FlinkDeploymentSpec,
  is: ChangeClass,
  given?: Given,
];

const rows: readonly Row[] = [
  ['the same spec is nothing', spec(), spec(), 'nothing'],
  [
    'nested and flat configuration of the same meaning is nothing',
    spec({}, { a: { b: 'c' } }),
    spec({}, { 'a.b': 'c' }),
    'nothing',
  ],
  [
    'an option of the operator is the operator’s',
    spec(),
    spec({}, { 'kubernetes.operator.job.restart.failed': 'true' }),
    'operator-only',
  ],
  [
    'an option of the autoscaler is the operator’s',
    spec(),
    spec({}, { 'job.autoscaler.enabled': 'true' }),
    'operator-only',
  ],
  [
    'parallelism.default is the operator’s, since the job says its own',
    spec(),
    spec({}, { 'parallelism.default': '3' }),
    'operator-only',
  ],
  [
    'another upgrade mode counts at the next upgrade',
    spec(),
    spec(job({ upgradeMode: 'last-state' })),
    'operator-only',
  ],
  [
    'another initialSavepointPath counts at the next redeployment',
    spec(),
    spec(job({ initialSavepointPath: 's3://sp' })),
    'operator-only',
  ],
  ['a savepoint nonce restarts nothing', spec(), spec(job({ savepointTriggerNonce: 7 })), 'operator-only'],
  [
    'a savepoint path in the configuration is overwritten at each start',
    spec(),
    spec({}, { 'execution.savepoint.path': 's3://sp' }),
    'operator-only',
  ],
  ['its newer name is, too', spec(), spec({}, { 'execution.state-recovery.path': 's3://sp' }), 'operator-only'],
  [
    'of a session cluster it is an upgrade, since jobs may start by it',
    spec(session),
    spec(session, { 'execution.savepoint.path': 's3://sp' }),
    'upgrade',
  ],
  ['a new ingress concerns no process', spec(), spec({ ingress: { template: 'a.b' } }), 'service'],
  [
    'an annotation of the ingress concerns no process',
    spec({ ingress: { template: 'a.b' } }),
    spec({ ingress: { template: 'a.b', annotations: { x: 'y' } } }),
    'service',
  ],
  ['an ingress that goes concerns no process', spec({ ingress: { template: 'a.b' } }), spec(), 'service'],
  [
    'annotations of the REST Service concern no process',
    spec(),
    spec({}, { 'kubernetes.rest-service.annotations': 'a:b' }),
    'service',
  ],
  [
    'annotations in the spread-out form do neither',
    spec(),
    spec({}, { kubernetes: { 'rest-service': { annotations: { a: 'b' } } } }),
    'service',
  ],
  [
    'labels of the REST Service concern no process',
    spec(),
    spec({}, { 'kubernetes.rest-service.labels': 'a:b' }),
    'service',
  ],
  [
    'annotations of the internal Service concern no process',
    spec(),
    spec({}, { 'kubernetes.internal-service.annotations': 'a:b' }),
    'service',
  ],
  [
    'labels of the internal Service concern no process',
    spec(),
    spec({}, { 'kubernetes.internal-service.labels': 'a:b' }),
    'service',
  ],
  [
    'annotations of the JobManager’s pod are an upgrade',
    spec(),
    spec({}, { 'kubernetes.jobmanager.annotations': 'a:b' }),
    'upgrade',
  ],
  ['a log level is read again where log4j watches its file', spec(log(WATCHED)), spec(log(LOUD)), 'logging'],
  ['a log level is an upgrade where log4j does not watch its file', spec(log(DEAF)), spec(log(LOUD)), 'upgrade'],
  ['the interval that counts is that of the file in use', spec(log(WATCHED)), spec(log(DEAF)), 'logging'],
  ['an interval of 0 watches nothing', spec(log('monitorInterval=0\n')), spec(log(LOUD)), 'upgrade'],
  [
    'logback reads again what it scans',
    spec(log(SCANNED, 'logback-console.xml')),
    spec(log('<configuration/>', 'logback-console.xml')),
    'logging',
  ],
  [
    'logback without scan does not',
    spec(log('<configuration/>', 'logback-console.xml')),
    spec(log(SCANNED, 'logback-console.xml')),
    'upgrade',
  ],
  ['a first own logging file takes the place of the default', spec(), spec(log(LOUD)), 'logging'],
  ['leaving it out goes back to the default', spec(log(LOUD)), spec(), 'logging'],
  [
    'where the default is not known it is an upgrade',
    spec(),
    spec(log(LOUD)),
    'upgrade',
    { defaultLogging: undefined },
  ],
  [
    'another logging file is an upgrade, since the pods mount it by name',
    spec(log(WATCHED)),
    spec(log(SCANNED, 'logback-console.xml')),
    'upgrade',
  ],
  [
    'another parallelism of a vertex rescales an adaptive job',
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:1' }),
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'rescale',
  ],
  ['a first override rescales, too', spec({}, ADAPTIVE), spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }), 'rescale'],
  [
    'an override that is taken away is an upgrade',
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:1,b:1' }),
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:1' }),
    'upgrade',
  ],
  ['without the adaptive scheduler it is an upgrade', spec(), spec({}, { [OVERRIDES]: 'a:2' }), 'upgrade'],
  [
    'before Flink 1.18 it is an upgrade',
    spec({ flinkVersion: 'v1_17' }, ADAPTIVE),
    spec({ flinkVersion: 'v1_17' }, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'upgrade',
  ],
  [
    'where in-place scaling is off it is an upgrade',
    spec({}, ADAPTIVE),
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:2', 'kubernetes.operator.job.upgrade.inplace-scaling.enabled': 'false' }),
    'upgrade',
  ],
  [
    'of a job that does not run it is an upgrade',
    spec({}, ADAPTIVE),
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'upgrade',
    { jobRuns: false },
  ],
  [
    'in standalone mode an adaptive job rescales, too',
    spec(standalone, ADAPTIVE),
    spec(standalone, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'rescale',
  ],
  [
    'a reactive job takes no parallelisms',
    spec(standalone, REACTIVE),
    spec(standalone, { ...REACTIVE, [OVERRIDES]: 'a:2' }),
    'upgrade',
  ],
  [
    'a session job rescales on a cluster with the adaptive scheduler',
    spec({}, ADAPTIVE),
    spec({}, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'rescale',
    { kind: 'FlinkSessionJob', target: 'session-job' },
  ],
  [
    'a session cluster has no job to rescale',
    spec(session, ADAPTIVE),
    spec(session, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'upgrade',
  ],
  ['parallelism in native mode is an upgrade', spec(), spec(job({ parallelism: 3 })), 'upgrade'],
  [
    'parallelism in standalone mode is an upgrade',
    spec(standalone),
    spec({ ...standalone, ...job({ parallelism: 3 }) }),
    'upgrade',
  ],
  [
    'parallelism of a reactive job is a number of TaskManagers',
    spec(standalone, REACTIVE),
    spec({ ...standalone, ...job({ parallelism: 3 }) }, REACTIVE),
    'scale-task-managers',
  ],
  [
    'replicas of a reactive job are scaled',
    spec({ ...standalone, ...replicas(1) }, REACTIVE),
    spec({ ...standalone, ...replicas(2) }, REACTIVE),
    'scale-task-managers',
  ],
  [
    'replicas of a standalone session cluster are scaled',
    spec({ ...standalone, ...session, ...replicas(1) }),
    spec({ ...standalone, ...session, ...replicas(2) }),
    'scale-task-managers',
  ],
  [
    'replicas of a standalone job are an upgrade',
    spec({ ...standalone, ...replicas(1) }),
    spec({ ...standalone, ...replicas(2) }),
    'upgrade',
  ],
  ...['enabled', 'volume.size', 'volume.storage-class'].map(
    (name): Row => [
      `the option ${name} of a StatefulSet is an upgrade`,
      spec(standalone),
      spec(standalone, { [`kubernetes.taskmanager.stateful-set.${name}`]: 'true' }),
      'upgrade',
    ],
  ),
  ['replicas in native mode are an upgrade', spec(replicas(1)), spec(replicas(2)), 'upgrade'],
  ['another image is an upgrade', spec(), spec({ image: 'flink:x' }), 'upgrade'],
  ['another option of Flink is an upgrade', spec(), spec({}, { 'state.backend.type': 'rocksdb' }), 'upgrade'],
  ['a restart nonce is an upgrade', spec(), spec({ restartNonce: 1 }), 'upgrade'],
  ['a suspension is an upgrade', spec(), spec(job({ state: 'suspended' })), 'upgrade'],
  ['a pod template is an upgrade', spec(), spec({ podTemplate: { metadata: { labels: { a: 'b' } } } }), 'upgrade'],
  [
    'a redeployment nonce redeploys',
    spec(),
    spec(job({ savepointRedeployNonce: 1, initialSavepointPath: 's3://sp' })),
    'redeploy',
  ],
  [
    'the strongest of several differences counts',
    spec(),
    spec({ ingress: { template: 'a.b' }, image: 'flink:x' }),
    'upgrade',
  ],
  [
    'mild differences stay mild together',
    spec({}, ADAPTIVE),
    spec({ ingress: { template: 'a.b' }, ...log(LOUD) }, { ...ADAPTIVE, [OVERRIDES]: 'a:2' }),
    'rescale',
  ],
];

describe('What a change takes', () => {
  test.each(rows.map((row) => [row[0], row] as const))('%s', (_name, [, left, right, expected, given]) => {
    expect(classify(left, right, given).class).toBe(expected);
  });

  test('Every class has a row', () => {
    expect(new Set(rows.map((row) => row[3]))).toEqual(new Set(CHANGE_CLASSES));
  });

  test('Every difference says why, and no reason repeats a value', () => {
    const { differences } = classify(spec(), spec({ image: 'registry/secret' }, { 'a.password': 'hunter2' }));
    expect(differences.map((one) => [one.field, one.because])).toEqual([
      ['image', 'Flink reads it when it starts'],
      ['flinkConfiguration.a.password', 'Flink reads it when it starts'],
    ]);
  });
});
