import { type ConfigEntries, FlinkError, parseFlinkVersion } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import type { Container, ManifestObject, PodSpec } from '../kubernetes/objects.ts';
import type { ClientFiles, ClusterTarget } from '../native/input.ts';
import { buildStandaloneCluster } from './cluster.ts';

const MEMORY = { 'jobmanager.memory.process.size': '1g', 'taskmanager.memory.process.size': '2g' };
const HA = { 'high-availability.type': 'zookeeper', 'high-availability.storageDir': 'file:///ha' };
const ADDRESS = ['-D', 'jobmanager.rpc.address=$(_POD_IP_ADDRESS)'];

function build(configuration: ConfigEntries = {}, target: ClusterTarget = 'application', files: ClientFiles = {}) {
  return buildStandaloneCluster({
    flinkVersion: parseFlinkVersion('1.20.4'),
    target,
    clusterId: 'demo',
    configuration: { ...MEMORY, ...configuration },
    files,
  });
}

function podOf(deployment: ManifestObject): PodSpec & { containers: Container[] } {
  const { template } = deployment.spec as { template: { spec: PodSpec & { containers: Container[] } } };
  return template.spec;
}
const mainOf = (deployment: ManifestObject): Container => podOf(deployment).containers.at(-1)!;
const args = (configuration: ConfigEntries, target?: ClusterTarget): string[] | undefined =>
  mainOf(build(configuration, target).deployment).args;

describe('What the JobManager is told on its command line', () => {
  test('is nothing but its role where the file says the rest', () => {
    expect(args({})).toEqual(['standalone-job']);
    expect(args({}, 'session')).toEqual(['jobmanager']);
  });

  test('is what Flink would not take from the file: class, state and whether some of it may be left', () => {
    const configuration = {
      '$internal.application.main': 'com.example.Job',
      'execution.savepoint.path': 'file:///sp/1',
      'execution.savepoint.ignore-unclaimed-state': 'true',
    };
    expect(args(configuration)).toEqual([
      ...['standalone-job', '--job-classname', 'com.example.Job'],
      ...['--allowNonRestoredState', '--fromSavepoint', 'file:///sp/1'],
    ]);
  });

  test('is its own address with high availability, as two words, before the arguments of the program', () => {
    expect(args(HA, 'session')).toEqual(['jobmanager', ...ADDRESS]);
    const program = { '$internal.application.program-args': '--input;a b' };
    expect(args({ ...HA, ...program })).toEqual(['standalone-job', ...ADDRESS, '--input', 'a b']);
  });
});

describe('A standalone cluster', () => {
  test('has a Service for its JobManager also with high availability, and no template for TaskManagers', () => {
    for (const configuration of [{}, HA]) {
      const { accompanying, config } = build(configuration);
      expect(accompanying.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
        'Service/demo',
        'Service/demo-rest',
        'ConfigMap/flink-config-demo',
      ]);
      expect(config.raw('jobmanager.rpc.address')).toBe('demo.default');
    }
  });

  test('carries labels of its own, by which nothing native is selected', () => {
    const { deployment, accompanying, taskManagers } = build();
    for (const object of [deployment, taskManagers, ...accompanying]) {
      expect(object.metadata.labels?.type).toBe('flink-standalone-kubernetes');
    }
    expect(taskManagers.spec).toMatchObject({
      selector: { matchLabels: { app: 'demo', component: 'taskmanager', type: 'flink-standalone-kubernetes' } },
    });
  });

  test('has as many TaskManagers as are asked for, each with a core for each slot where no cores are given', () => {
    const { taskManagers } = build({
      'kubernetes.internal.taskmanager.replicas': '3',
      'taskmanager.numberOfTaskSlots': '2',
    });
    expect(taskManagers.spec).toMatchObject({ replicas: 3 });
    expect(mainOf(taskManagers).resources?.requests).toEqual({ cpu: '2.0', memory: '2048Mi' });
    const none = (): unknown => build({ 'kubernetes.internal.taskmanager.replicas': '0' });
    expect(none).toThrow(FlinkError);
  });

  test('may have standby JobManagers with high availability only', () => {
    expect(build({ ...HA, 'kubernetes.jobmanager.replicas': '2' }).deployment.spec).toMatchObject({ replicas: 2 });
    expect(() => build({ 'kubernetes.jobmanager.replicas': '2' })).toThrow(FlinkError);
  });

  test('offers an empty folder for jars unless the template mounts one, and only where jars are named', () => {
    const jar = { 'pipeline.classpaths': 'file:///opt/flink/usrlib/job.jar' };
    const folder = (deployment: ManifestObject) =>
      mainOf(deployment).volumeMounts?.find((one) => one.name === 'user-lib-dir');
    expect(folder(build(jar).deployment)).toEqual({ name: 'user-lib-dir', mountPath: '/opt/flink/usrlib' });
    expect(folder(build({}).deployment)).toBeUndefined();
    expect(folder(build(jar, 'session').deployment)).toBeUndefined();
    const volumeMounts = [{ name: 'jars', mountPath: '/opt/flink/usrlib/jars' }];
    const jobManagerTemplate = { spec: { containers: [{ name: 'flink-main-container', volumeMounts }] } };
    expect(folder(build(jar, 'application', { jobManagerTemplate }).deployment)).toBeUndefined();
  });

  test('gives TaskManagers image and account of the configuration, and all else of their template', () => {
    const pod = {
      spec: {
        serviceAccountName: 'template',
        dnsPolicy: 'None',
        containers: [{ name: 'flink-main-container', image: 'template:1', env: [{ name: 'A', value: '1' }] }],
      },
    };
    const { taskManagers } = build(
      { 'kubernetes.container.image.ref': 'flink:1.20', 'containerized.taskmanager.env.B': '2' },
      'application',
      { taskManagerTemplate: { pod, text: '' } },
    );
    expect(podOf(taskManagers)).toMatchObject({ serviceAccountName: 'default', dnsPolicy: 'None' });
    expect(mainOf(taskManagers)).toMatchObject({
      image: 'flink:1.20',
      args: ['taskmanager'],
      ports: [{ name: 'taskmanager-rpc', containerPort: 6122 }],
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    });
  });
});
