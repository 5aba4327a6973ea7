import { type ConfigEntries, FlinkError, parseFlinkVersion } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import type { Container, PodSpec } from '../kubernetes/objects.ts';
import type { ClientFiles } from './input.ts';
import { buildNativeCluster, ownedBy } from './jobmanager-factory.ts';
import { buildTaskManagerPod, UNKNOWN_JOB_MANAGER } from './taskmanager-factory.ts';

const MEMORY = { 'jobmanager.memory.process.size': '1g', 'taskmanager.memory.process.size': '2g' };

function build(configuration: ConfigEntries = {}, version = '1.20.5', files: ClientFiles = {}) {
  return buildNativeCluster({
    flinkVersion: parseFlinkVersion(version),
    target: 'session',
    clusterId: 'demo',
    configuration: { ...MEMORY, ...configuration },
    files,
  });
}

function podOf({ deployment }: ReturnType<typeof build>): PodSpec & { containers: Container[] } {
  const { template } = deployment.spec as { template: { spec: PodSpec & { containers: Container[] } } };
  return template.spec;
}

const mainOf = (cluster: ReturnType<typeof build>): Container => podOf(cluster).containers.at(-1)!;

describe('What wins between configuration and pod template', () => {
  const files: ClientFiles = {
    jobManagerTemplate: {
      spec: {
        serviceAccountName: 'template',
        dnsPolicy: 'None',
        containers: [{ name: 'side' }, { name: 'flink-main-container', image: 'template:1', command: ['x'] }],
      },
    },
  };

  test('The template stands where the configuration says nothing', () => {
    const cluster = build({}, '1.20.5', files);
    expect(podOf(cluster)).toMatchObject({ serviceAccountName: 'template', dnsPolicy: 'None' });
    expect(mainOf(cluster)).toMatchObject({ image: 'template:1', command: ['/docker-entrypoint.sh'] });
  });

  test('What the configuration says explicitly wins', () => {
    const cluster = build(
      { 'kubernetes.container.image.ref': 'c:2', 'kubernetes.service-account': 'c' },
      '1.20.5',
      files,
    );
    expect(podOf(cluster)).toMatchObject({ serviceAccountName: 'c', serviceAccount: 'c' });
    expect(mainOf(cluster).image).toBe('c:2');
  });

  test('Without either, the image is Flink’s own of that version', () => {
    expect(mainOf(build({}, '2.0.2')).image).toBe('apache/flink:2.0.2-scala_2.12');
  });
});

describe('What differs between versions', () => {
  test('Before 1.15 there is no host network setting, and REST has a load balancer', () => {
    const cluster = build({}, '1.14.6');
    expect(podOf(cluster)).not.toHaveProperty('hostNetwork');
    expect(cluster.accompanying[1]).toMatchObject({ spec: { type: 'LoadBalancer' } });
    expect(mainOf(cluster).args?.[2]).toBe('kubernetes-jobmanager.sh kubernetes-session');
  });

  test('The configuration file is flink-conf.yaml up to 1.18 and config.yaml afterwards', () => {
    const files = (version: string) => Object.keys(build({}, version).accompanying.at(-1)?.data as object);
    expect([files('1.18.1'), files('1.19.3')]).toEqual([['flink-conf.yaml'], ['config.yaml']]);
  });

  test('Claims of volumes are mounted from 2.3 on', () => {
    const claims = { 'kubernetes.persistent-volume-claims': 'my.claim:/data' };
    expect(podOf(build(claims, '2.2.1')).volumes).not.toContainEqual(expect.objectContaining({ name: 'my-claim-pvc' }));
    expect(podOf(build(claims, '2.3.0')).volumes).toContainEqual({
      name: 'my-claim-pvc',
      persistentVolumeClaim: { claimName: 'my.claim', readOnly: false },
    });
  });
});

describe('High availability', () => {
  const ha = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 's3://x' };

  test('There is no internal Service, and the configuration says who the cluster is', () => {
    const { accompanying, config } = build(ha);
    expect(accompanying.map(({ metadata }) => metadata.name)).toEqual(['demo-rest', 'flink-config-demo']);
    expect(config.raw('high-availability.cluster-id')).toBe('demo');
    expect(config.raw('high-availability.jobmanager.port')).toBe('6123');
  });

  test('Standby JobManagers need it', () => {
    expect(() => build({ 'kubernetes.jobmanager.replicas': '2' })).toThrow(FlinkError);
    expect(build({ ...ha, 'kubernetes.jobmanager.replicas': '2' }).deployment).toMatchObject({ spec: { replicas: 2 } });
  });
});

test('A key that is also the beginning of another is written with flat keys, so that none is lost', () => {
  const { accompanying } = build({ 'state.backend': 'hashmap', 'state.backend.incremental': 'true' });
  const text = (accompanying.at(-1)!.data as Record<string, string>)['config.yaml'];
  expect(text).toContain('state.backend: hashmap\n');
  expect(text).toContain("state.backend.incremental: 'true'\n");
});

test.each([
  ['1.20.5', 'application', '', 'program-args: []'],
  ['1.20.5', 'application', 'a;b', 'program-args:\n    - a\n    - b'],
  ['2.3.0', 'application', '', "program-args: ''"],
  ['2.3.0', 'session', 'a;b', 'program-args: a;b'],
] as const)('Arguments of a program in %s, %s cluster, "%s"', (version, target, args, expected) => {
  const { accompanying } = buildNativeCluster({
    flinkVersion: parseFlinkVersion(version),
    target,
    clusterId: 'demo',
    configuration: { ...MEMORY, '$internal.application.program-args': args },
  });
  expect((accompanying.at(-1)!.data as Record<string, string>)['config.yaml']).toContain(expected);
});

test('A toleration lasts a whole number of seconds', () => {
  const tolerations = (seconds: string) =>
    podOf(build({ 'kubernetes.jobmanager.tolerations': `key:a,operator:Exists,tolerationSeconds:${seconds}` }))
      .tolerations;
  expect(tolerations('60')).toEqual([{ key: 'a', operator: 'Exists', tolerationSeconds: 60 }]);
  expect(() => tolerations('long')).toThrow('kubernetes.jobmanager.tolerations has "long" for tolerationSeconds');
});

test('A login by Kerberos takes a keytab and a principal, under their old names too', () => {
  const keytab = { name: 'user.keytab', base64: 'S2V5' };
  const names = (configuration: ConfigEntries) =>
    build(configuration, '1.20.5', { keytab }).accompanying.map(({ metadata }) => metadata.name);
  const given = { 'security.keytab': '/k/user.keytab', 'security.principal': 'user@REALM' };
  expect(names(given)).toContain('kerberos-keytab-demo');
  expect(() => names({ 'security.principal': 'user@REALM' })).toThrow(
    'security.kerberos.login.principal is set without security.kerberos.login.keytab',
  );
  expect(() => names({ ...given, 'security.principal': ' ' })).toThrow(/keytab is set without/);
});

test('Keys that speak of the client’s machine are not shipped', () => {
  const data = build({ 'kubernetes.config.file': '/home/me', 'rest.bind-address': 'localhost' }).accompanying.at(
    -1,
  )?.data;
  expect(JSON.stringify(data)).not.toMatch(/home|localhost/);
});

test.each([
  ['a range of ports', { 'blob.server.port': '50100-50200' }],
  ['a limit below the request', { 'kubernetes.jobmanager.cpu.limit-factor': '0.5' }],
  ['a claim on a relative path', { 'kubernetes.persistent-volume-claims': 'a:data' }],
])('%s is refused with what to do', (_what, configuration) => {
  expect(() => build(configuration, '2.3.0')).toThrow(
    expect.objectContaining({ code: 'E_FLINK_CONFIG_VALUE', nextStep: expect.any(String) }),
  );
});

test('A name that Flink could not use is refused', () => {
  const input = { flinkVersion: parseFlinkVersion('1.20'), target: 'session', configuration: MEMORY } as const;
  for (const clusterId of ['', 'Demo', '1demo', 'demo-', 'x'.repeat(46)]) {
    expect(() => buildNativeCluster({ ...input, clusterId })).toThrow(/cannot be the id of a cluster/);
  }
});

test('The TaskManager pod takes the cores that its deployment gives, and belongs to it', () => {
  const pod = buildTaskManagerPod(
    {
      flinkVersion: parseFlinkVersion('1.20'),
      target: 'session',
      clusterId: 'demo',
      configuration: { ...MEMORY, 'taskmanager.numberOfTaskSlots': '4', 'kubernetes.taskmanager.cpu.amount': '0.5' },
    },
    { ...UNKNOWN_JOB_MANAGER, workerCpu: 'deployment', index: 3, deployment: { name: 'demo', uid: 'u' } },
  );
  expect(pod.metadata).toMatchObject({
    name: 'demo-taskmanager-1-3',
    ownerReferences: [{ kind: 'Deployment', uid: 'u' }],
  });
  expect((pod.spec as PodSpec).containers?.[0]?.resources?.requests).toEqual({ cpu: '0.5', memory: '2048Mi' });
});

test('An account under the old name of the field wins within a template', () => {
  const jobManagerTemplate = { spec: { serviceAccount: 'old', serviceAccountName: 'new' } };
  expect(podOf(build({}, '1.20.5', { jobManagerTemplate }))).toMatchObject({
    serviceAccountName: 'old',
    serviceAccount: 'old',
  });
});

test('Secrets under a key each come in the order of the configuration’s hash map', () => {
  const mounts = (configuration: ConfigEntries) =>
    mainOf(build(configuration)).volumeMounts?.flatMap(({ name }) => (/-volume$/.test(name) ? [name] : []));
  const names = ['Aa', 'my-secret', 'a', 'sec2'];
  const spread = Object.fromEntries(names.map((name) => [`kubernetes.secrets.${name}`, `/etc/${name}`]));
  expect(mounts(spread)?.filter((name) => !/^user|^flink/.test(name))).toEqual([
    'Aa-volume',
    'a-volume',
    'sec2-volume',
    'my-secret-volume',
  ]);
});

test('A TaskManager of the legacy format lacks variables without a value: the JobManager’s file cannot hold them', () => {
  const names = (version: string) =>
    (
      buildTaskManagerPod({
        flinkVersion: parseFlinkVersion(version),
        target: 'session',
        clusterId: 'demo',
        configuration: { ...MEMORY, 'containerized.taskmanager.env.EMPTY': '' },
      }).spec as PodSpec
    ).containers?.[0]?.env?.map(({ name }) => name);
  expect(names('1.20.5')).toContain('EMPTY');
  expect(names('1.17.2')).not.toContain('EMPTY');
});

test('The address of the JobManager comes too late to change the order of variables', () => {
  const spare = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`x.${i}`, '']));
  const env = { 'containerized.master.env.A': '1', 'containerized.master.env.http_proxy': '2' };
  const order = (more: ConfigEntries) =>
    mainOf(build({ ...spare, ...env, ...more }, '2.3.0')).env?.map(({ name }) => name);
  expect(order({})?.slice(0, 2)).toEqual(['A', 'http_proxy']);
  expect(order({ 'x.last': '' })?.slice(0, 2)).toEqual(['http_proxy', 'A']);
});

test('Accompanying objects go when their Deployment goes', () => {
  const [service] = build().accompanying;
  expect(ownedBy(service!, { name: 'demo', uid: 'u' }).metadata.ownerReferences).toEqual([
    { apiVersion: 'apps/v1', kind: 'Deployment', name: 'demo', uid: 'u', controller: true, blockOwnerDeletion: true },
  ]);
});
