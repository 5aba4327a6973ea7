import { FlinkConfig } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { buildDeployConfig } from './deploy-config.ts';
import { buildDeploymentObjects, withOwner } from './deployment-objects.ts';
import { ManifestError } from './errors.ts';
import { buildIngress } from './ingress.ts';
import { standaloneJarUri } from './jar-uri.ts';
import { DEFAULT_OPERATOR_CONFIG } from './operator-defaults.ts';
import type { DeploymentInput } from './spec-view.ts';

function deployment(spec: Record<string, unknown> = {}): DeploymentInput {
  return {
    metadata: { name: 'demo', namespace: 'shop', uid: 'cr-uid', generation: 7 },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      jobManager: { resource: { memory: '1g', cpu: 1 } },
      taskManager: { resource: { memory: '1g', cpu: 1 } },
      job: { jarURI: 'local:///x.jar', parallelism: 2 },
      ...spec,
    },
  };
}

function build(spec: Record<string, unknown> = {}, savepointPath?: string) {
  return buildDeploymentObjects({
    deployment: deployment(spec),
    operatorConfig: DEFAULT_OPERATOR_CONFIG,
    decision: { jobId: 'a'.repeat(32), resultStoreId: 'r', ...(savepointPath ? { savepointPath } : {}) },
  });
}

function configFile(objects: readonly ManifestObject[]): string {
  const data = objects.find(({ metadata }) => metadata.name === 'flink-config-demo')!.data as Record<string, string>;
  return data['flink-conf.yaml']!;
}

describe('Objects of a deployment', () => {
  test('The resource owns the Deployment, the Deployment owns the rest, and the generation is marked', () => {
    const [first, ...rest] = withOwner(build(), 'jm-uid');
    expect(first?.metadata).toMatchObject({
      namespace: 'shop',
      annotations: { 'flinkdeployment.flink.apache.org/generation': '7' },
      ownerReferences: [{ kind: 'FlinkDeployment', uid: 'cr-uid', controller: false, blockOwnerDeletion: true }],
    });
    for (const { metadata } of rest) {
      expect(metadata).toMatchObject({ namespace: 'shop', ownerReferences: [{ kind: 'Deployment', uid: 'jm-uid' }] });
    }
  });

  test('The same spec always gives the same objects', () => {
    expect(build()).toEqual(build());
  });

  test('An Ingress without a template is not built', () => {
    const deployment = { metadata: { name: 'a', namespace: 'n' }, spec: { ingress: { className: 'nginx' } } };
    expect(() => buildIngress(deployment, FlinkConfig.of([]))).toThrow('Ingress template must be defined');
  });

  test('The REST Service is exposed as the configuration says, also behind an Ingress', () => {
    const spec = { flinkConfiguration: { 'kubernetes.rest-service.exposed.type': 'NodePort' } };
    const type = (more: Record<string, unknown>) =>
      build({ ...spec, ...more }).accompanying.find(({ metadata }) => metadata.name === 'demo-rest')?.spec;
    expect(type({})).toMatchObject({ type: 'NodePort' });
    expect(type({ ingress: { template: '{{name}}.example.com' } })).toMatchObject({ type: 'NodePort' });
  });

  test('No replicas at all are no setting of their number', () => {
    const none = { jobManager: { replicas: 0 }, taskManager: { replicas: 0 } };
    const { config } = buildDeployConfig({ deployment: deployment(none), operatorConfig: DEFAULT_OPERATOR_CONFIG });
    expect(config.raw('kubernetes.jobmanager.replicas')).toBeUndefined();
    expect(config.raw('kubernetes.internal.taskmanager.replicas')).toBeUndefined();
  });

  test.each([
    ['local:///opt/a%20b.jar', 'file:///opt/a%20b.jar'],
    ['local:/a.jar', 'file:///a.jar'],
    ['local:///u\u0308.jar', 'file:///%C3%BC.jar'],
    ['local://a%2Fb/c%2Fd', 'file://a%2Fb/c/d'],
    ['LOCAL:///a.jar', 'LOCAL:///a.jar'],
    ['https://h/ä?x#y', 'https://h/%C3%A4?x#y'],
  ])('The jar %s of a standalone job is %s on its class path', (uri, classpath) => {
    expect(standaloneJarUri(uri)).toBe(classpath);
  });

  test.each(['local:a.jar', 'local:///a b.jar', 'a.jar', 'local://'])(
    'The jar %s of a standalone job is refused',
    (uri) => {
      expect(() => standaloneJarUri(uri)).toThrow(ManifestError);
    },
  );

  test('A user’s own savepoint path is dropped unless one was decided', () => {
    const spec = { flinkConfiguration: { 'execution.savepoint.path': 's3://mine' } };
    expect(configFile(build(spec).accompanying)).not.toContain('savepoint.path');
    expect(configFile(build(spec, 's3://decided').accompanying)).toContain('execution.savepoint.path: s3://decided\n');
  });

  test.each([
    ['in the clear', {}, { httpGet: { path: '/config', port: 'rest' } }],
    [
      'over TLS',
      { 'security.ssl.rest.enabled': 'true' },
      { httpGet: { path: '/config', port: 'rest', scheme: 'HTTPS' } },
    ],
    [
      'over TLS to those with a certificate',
      { 'security.ssl.rest.enabled': 'true', 'security.ssl.rest.authentication-enabled': 'true' },
      { tcpSocket: { port: 'rest' } },
    ],
  ])('The JobManager is ready when its REST endpoint answers %s', (_, flinkConfiguration, probe) => {
    const { deployment: made } = build({ flinkConfiguration });
    const template = (made.spec as { template: { spec: { containers: { startupProbe?: object }[] } } }).template;
    expect(template.spec.containers[0]?.startupProbe).toEqual({
      ...probe,
      ...{ periodSeconds: 1, failureThreshold: 2_147_483_647 },
    });
  });

  test('With high availability each deployment has its own job result store', () => {
    const spec = {
      flinkConfiguration: { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 's3://ha' },
    };
    expect(configFile(build(spec).accompanying)).toContain(
      'job-result-store.storage-path: s3://ha/job-result-store/demo/r\n',
    );
    expect(configFile(build(spec).accompanying)).not.toContain('application-result-store');
  });

  test('12.1 item 4: from Flink 2.3 on each deployment has its own application result store as well', () => {
    const spec = {
      flinkVersion: 'v2_3',
      flinkConfiguration: { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 's3://ha' },
    };
    expect(JSON.stringify(build(spec).accompanying)).toContain('storage-path: s3://ha/application-result-store/demo/r');
  });

  test('Logging is Drey’s own unless the spec brings some', () => {
    const logging = (spec?: Record<string, unknown>) => build(spec).accompanying.at(-1)?.data as Record<string, string>;
    expect(logging()['log4j-console.properties']).toContain('rootLogger.level = INFO');
    expect(logging({ logConfiguration: { 'logback-console.xml': '<x/>' } })).toMatchObject({
      'logback-console.xml': '<x/>',
    });
  });
});

describe('Effective configuration', () => {
  const config = (spec: Record<string, unknown>) =>
    buildDeployConfig({ deployment: deployment(spec), operatorConfig: {} }).config.toRecord();

  test('Resources in Kubernetes’ form set size, cores and how far the limit is from the request', () => {
    const jobManager = {
      resources: { requests: { cpu: '500m', memory: '1Gi', 'x.com/gpu': 1 }, limits: { cpu: 1, memory: '2Gi' } },
      resource: { memory: '9g' },
    };
    expect(config({ jobManager })).toMatchObject({
      'jobmanager.memory.process.size': '1073741824',
      'kubernetes.jobmanager.cpu.amount': '0.5',
      'kubernetes.jobmanager.cpu.limit-factor': '2.0',
      'kubernetes.jobmanager.memory.limit-factor': '2.0',
    });
    const { jobManagerTemplate } = buildDeployConfig({ deployment: deployment({ jobManager }), operatorConfig: {} });
    expect(jobManagerTemplate?.spec?.containers?.[0]?.resources).toEqual({ requests: { 'x.com/gpu': '1' } });
  });

  test('A memory text that is none, and a jar that is no URI, are refused with what to write', () => {
    const coded = (code: string) => expect.objectContaining({ code, nextStep: expect.any(String) });
    expect(() => config({ jobManager: { resource: { memory: 'lots' } } })).toThrow(coded('E_SPEC_MEMORY'));
    expect(() => config({ job: { jarURI: 'local:///a b.jar' } })).toThrow(coded('E_SPEC_JAR_URI'));
    expect(() => config({ imagePullPolicy: 'sometimes' })).toThrow(coded('E_SPEC_IMAGE_PULL_POLICY'));
    expect(() => config({ flinkVersion: null })).toThrow(coded('E_SPEC_VERSION'));
  });

  test('Keys of the operator and the autoscaler do not reach Flink', () => {
    const built = buildDeployConfig({
      deployment: deployment({ flinkConfiguration: { 'kubernetes.operator.x': 1, 'job.autoscaler.y': 2, z: 3 } }),
      operatorConfig: {},
    });
    expect([...built.flinkConfig.keys()].filter((key) => /operator|autoscaler/.test(key))).toEqual([]);
    expect(built.flinkConfig.raw('z')).toBe('3');
  });
});
