import { describe, expect, test } from 'vitest';
import { buildDeploymentObjects, type DeploymentObjects } from '../effective/deployment-objects.ts';
import { ManifestError } from '../effective/errors.ts';
import { DEFAULT_OPERATOR_CONFIG } from '../effective/operator-defaults.ts';
import type { Container, PodSpec } from '../kubernetes/objects.ts';

const ON = 'kubernetes.taskmanager.stateful-set.enabled';
const SIZE = 'kubernetes.taskmanager.stateful-set.volume.size';
const CLASS = 'kubernetes.taskmanager.stateful-set.volume.storage-class';

interface Given {
  readonly spec?: Record<string, unknown>;
  readonly name?: string;
  readonly defaults?: Record<string, string>;
}

function build(flinkConfiguration: Record<string, string>, { spec, name = 'demo', defaults }: Given = {}) {
  return buildDeploymentObjects({
    deployment: {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: 'FlinkDeployment',
      metadata: { name, namespace: 'default', uid: 'f-uid' },
      spec: {
        mode: 'standalone',
        image: 'flink:1.20',
        flinkVersion: 'v1_20',
        flinkConfiguration,
        jobManager: { resource: { memory: '1g', cpu: 1 } },
        taskManager: { resource: { memory: '2g', cpu: 1 }, replicas: 3 },
        job: { jarURI: 'local:///opt/flink/usrlib/job.jar' },
        ...spec,
      },
    },
    operatorConfig: { ...DEFAULT_OPERATOR_CONFIG, ...defaults },
    decision: { jobId: 'a'.repeat(32), resultStoreId: 'b'.repeat(32) },
  });
}

type PodParts = PodSpec & { readonly containers: Container[] };
const podOf = ({ taskManagers }: DeploymentObjects): PodParts =>
  (taskManagers!.spec as { template: { spec: PodParts } }).template.spec;
const mainOf = (built: DeploymentObjects): Container => podOf(built).containers.at(-1)!;
const names = (built: DeploymentObjects): string[] => built.accompanying.map((one) => one.metadata.name);

/** The code with which a spec is refused, and what is said. */
function refusal(flinkConfiguration: Record<string, string>, given?: Given): string {
  try {
    build(flinkConfiguration, given);
  } catch (error) {
    if (error instanceof ManifestError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('TaskManagers as a StatefulSet', () => {
  test('have the same labels, owner, number and image as their Deployment would have', () => {
    const [set, deployment] = [build({ [ON]: 'true' }).taskManagers, build({}).taskManagers];
    expect(set).toMatchObject({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: deployment!.metadata });
    const { replicas, selector } = deployment!.spec as Record<string, unknown>;
    expect(set!.spec).toMatchObject({
      replicas,
      selector,
      serviceName: 'demo-taskmanager',
      podManagementPolicy: 'Parallel',
    });
    expect(mainOf(build({ [ON]: 'true' })).image).toBe('flink:1.20');
    expect(deployment!.kind).toBe('Deployment');
  });

  test('are told that they are who they were, and where their files are', () => {
    const built = build({ [ON]: 'true' });
    expect(mainOf(built)).toMatchObject({
      args: ['taskmanager', '-Dtaskmanager.resource-id=$(_POD_NAME)'],
      volumeMounts: expect.arrayContaining([{ name: 'flink-local-state', mountPath: '/opt/flink/local-state' }]),
    });
    expect(mainOf(built).env).toContainEqual({
      name: '_POD_NAME',
      valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } },
    });
    expect(built.config.raw('process.taskmanager.working-dir')).toBe('/opt/flink/local-state');
  });

  test('have a headless Service, which a Deployment has not', () => {
    const service = build({ [ON]: 'true' }).accompanying.find((one) => one.metadata.name === 'demo-taskmanager');
    expect(service).toMatchObject({
      kind: 'Service',
      spec: { clusterIP: 'None', selector: { app: 'demo', component: 'taskmanager' } },
    });
    expect(names(build({}))).not.toContain('demo-taskmanager');
  });

  test('may be the default of the operator', () => {
    expect(build({}, { defaults: { [ON]: 'true' } }).taskManagers?.kind).toBe('StatefulSet');
    expect(build({ [ON]: 'false' }, { defaults: { [ON]: 'true' } }).taskManagers?.kind).toBe('Deployment');
    const native = { spec: { mode: 'native' }, defaults: { [ON]: 'true' } };
    expect(build({}, native).taskManagers).toBeUndefined();
  });

  test('leave the objects of all others as they were', () => {
    const { taskManagers, accompanying, config } = build({ [SIZE]: '1Gi' });
    const plain = build({});
    expect(taskManagers).toEqual(plain.taskManagers);
    expect(names({ ...plain, accompanying })).toEqual(names(plain));
    expect(config.has('process.taskmanager.working-dir' as never)).toBe(false);
  });
});

describe('Local recovery', () => {
  const keys = [
    'state.backend.local-recovery',
    'execution.checkpointing.local-backup.enabled',
    'execution.state-recovery.from-local',
  ];
  const said = (configuration: Record<string, string>, flinkVersion = 'v1_20') => {
    const { config } = build({ [ON]: 'true', ...configuration }, { spec: { flinkVersion } });
    return keys.map((key) => config.raw(key));
  };

  test('is switched on by the names that the version of Flink has', () => {
    expect(said({})).toEqual([undefined, 'true', 'true']);
    expect(said({}, 'v2_0')).toEqual([undefined, 'true', 'true']);
    expect(said({}, 'v1_19')).toEqual(['true', undefined, undefined]);
  });

  test('is what the user says, by whichever name', () => {
    expect(said({ 'state.backend.local-recovery': 'false' })).toEqual(['false', undefined, undefined]);
    expect(said({ 'execution.state-recovery.from-local': 'false' })).toEqual([undefined, undefined, 'false']);
  });
});

describe('The volume of the working directory', () => {
  const spec = (built: DeploymentObjects) => built.taskManagers!.spec as { volumeClaimTemplates?: unknown[] };
  const template = (mountPath: string) => ({
    spec: {
      taskManager: {
        resource: { memory: '2g', cpu: 1 },
        replicas: 1,
        podTemplate: {
          spec: {
            containers: [{ name: 'flink-main-container', volumeMounts: [{ name: 'disk', mountPath }] }],
            volumes: [{ name: 'disk', hostPath: { path: '/mnt/disk' } }],
          },
        },
      },
    },
  });

  test('lasts as long as the pod unless a size is given', () => {
    const built = build({ [ON]: 'true' });
    expect(podOf(built).volumes).toContainEqual({ name: 'flink-local-state', emptyDir: {} });
    expect(spec(built).volumeClaimTemplates).toBeUndefined();
    expect(podOf(built).securityContext).toBeUndefined();
  });

  test('is a claim that goes with the FlinkDeployment, and not with the StatefulSet', () => {
    const built = build({ [ON]: 'true', [SIZE]: '10Gi', [CLASS]: 'fast' });
    expect(spec(built).volumeClaimTemplates).toMatchObject([
      {
        metadata: {
          name: 'flink-local-state',
          ownerReferences: [
            { kind: 'FlinkDeployment', name: 'demo', uid: 'f-uid', controller: false, blockOwnerDeletion: false },
          ],
        },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'fast',
          resources: { requests: { storage: '10Gi' } },
        },
      },
    ]);
    expect(spec(built)).not.toHaveProperty('persistentVolumeClaimRetentionPolicy');
    expect(podOf(built).volumes).not.toContainEqual(expect.objectContaining({ name: 'flink-local-state' }));
    expect(podOf(built).securityContext).toMatchObject({ fsGroup: 9999 });
  });

  test('is readable for whom the pod template names', () => {
    const podTemplate = { spec: { securityContext: { fsGroup: 1 } } };
    const built = build({ [ON]: 'true', [SIZE]: '1Gi' }, { spec: { podTemplate } });
    expect(podOf(built).securityContext).toEqual({ fsGroup: 1 });
    const empty = { spec: { podTemplate: { spec: { securityContext: {} } } } };
    expect(podOf(build({ [ON]: 'true', [SIZE]: '1Gi' }, empty)).securityContext).toEqual({});
  });

  test('may come from the pod template', () => {
    const built = build({ [ON]: 'true', 'process.taskmanager.working-dir': '/disk/flink' }, template('/disk'));
    expect(mainOf(built).volumeMounts).not.toContainEqual(expect.objectContaining({ name: 'flink-local-state' }));
    const beside = build({ [ON]: 'true', 'process.taskmanager.working-dir': '/disk-2' }, template('/disk'));
    expect(mainOf(beside).volumeMounts).toContainEqual({ name: 'flink-local-state', mountPath: '/disk-2' });
  });

  test('comes from one of the two, not both', () => {
    const both = refusal({ [ON]: 'true', [SIZE]: '1Gi' }, template('/opt/flink/local-state'));
    expect(both).toMatch(/^E_SPEC_STATEFUL_SET .*disk/);
  });
});

describe('A StatefulSet that cannot be', () => {
  test.each<[string, Record<string, string>, Given]>([
    ['in native mode', { [ON]: 'true' }, { spec: { mode: 'native' } }],
    ['with a size that is none', { [ON]: 'true', [SIZE]: 'ten' }, {}],
    ['with nothing for a size', { [ON]: 'true', [SIZE]: '0' }, {}],
    ['with a class that is none', { [ON]: 'true', [CLASS]: 'Fast One' }, {}],
    ['with a directory that is none', { [ON]: 'true', 'process.taskmanager.working-dir': 'here' }, {}],
    ['with a name that its pods cannot carry', { [ON]: 'true' }, { name: `a${'b'.repeat(40)}` }],
  ])('%s is refused', (_, configuration, given) => {
    expect(refusal(configuration, given)).toMatch(/^E_SPEC_STATEFUL_SET /);
  });

  test('is refused for a value that is no boolean, as every option is', () => {
    expect(() => build({ [ON]: 'perhaps' })).toThrow('perhaps');
  });

  test('has a name of forty characters at most', () => {
    expect(refusal({ [ON]: 'true' }, { name: `a${'b'.repeat(39)}` })).toBe('none');
  });
});
