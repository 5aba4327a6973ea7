import type { ConfigMap, Container, Pod, Secret } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { ContainerConfigError, containerEnv, type EnvSources, expandVariables, podField } from './container-env.ts';
import { parseQuantity } from './quantity.ts';

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u-1', labels: { b: '2', a: 'x "y"' } },
  spec: { nodeName: 'drey', serviceAccountName: 'flink', containers: [] },
};
const sources: EnvSources = {
  podAddress: '127.64.0.1',
  hostAddress: '127.0.0.1',
  configMaps: new Map([
    [
      'settings',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { LEVEL: 'info', mode: 'x' } } as ConfigMap,
    ],
  ]),
  secrets: new Map([
    ['login', { apiVersion: 'v1', kind: 'Secret', metadata: {}, data: { user: 'YW5uYQ==' } } as Secret],
  ]),
  defaults: { PATH: '/bin', KUBERNETES_SERVICE_PORT: '6443' },
  nodeAllocatable: { cpu: '8', memory: '16Gi' },
};
const env = (container: Partial<Container>) => containerEnv(pod, { name: 'c', ...container }, sources);

describe('container environment', () => {
  it('takes values from fields, resources, ConfigMaps and Secrets', () => {
    expect(
      env({
        resources: { limits: { memory: '1600Mi', cpu: '1500m' } },
        env: [
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['b']" } } },
          { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'settings', key: 'LEVEL' } } },
          { name: 'USER', valueFrom: { secretKeyRef: { name: 'login', key: 'user' } } },
          { name: 'NONE', valueFrom: { secretKeyRef: { name: 'other', key: 'user', optional: true } } },
        ],
      }),
    ).toEqual({
      PATH: '/bin',
      KUBERNETES_SERVICE_PORT: '6443',
      IP: '127.64.0.1',
      NODE: 'drey',
      LABEL: '2',
      MEM: '1600',
      CPU: '2',
      LEVEL: 'info',
      USER: 'anna',
    });
  });

  it('lets the last entry of a name win, and env win over envFrom', () => {
    const result = env({
      envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'login' } }],
      env: [
        { name: 'S_mode', value: 'own' },
        { name: 'A', value: '1' },
        { name: 'A', value: '$(A)$(B)$$(A)' },
      ],
    });
    expect(result).toMatchObject({ S_LEVEL: 'info', S_mode: 'own', user: 'anna', A: '1$(B)$(A)' });
  });

  it('says what is missing in the words of the kubelet', () => {
    const config = (valueFrom: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>) => () =>
      env({ env: [{ name: 'X', valueFrom }] });
    expect(config({ configMapKeyRef: { name: 'no', key: 'k' } })).toThrow('configmap "no" not found');
    expect(config({ secretKeyRef: { name: 'no', key: 'k' } })).toThrow('secret "no" not found');
    expect(config({ configMapKeyRef: { name: 'settings', key: 'k' } })).toThrow(
      "couldn't find key k in ConfigMap ns/settings",
    );
    expect(config({ fieldRef: { fieldPath: 'spec.nonsense' } })).toThrow(ContainerConfigError);
    expect(() => env({ envFrom: [{ configMapRef: { name: 'no' } }] })).toThrow('configmap "no" not found');
  });

  it('expands variables in commands and leaves unknown ones alone', () => {
    expect(expandVariables('run $(A) $(B) $$(A) $A', { A: 'x' })).toBe('run x $(B) $(A) $A');
  });

  it('writes whole label maps as sorted quoted lines', () => {
    expect(podField(pod, 'metadata.labels', sources)).toBe('a="x \\"y\\""\nb="2"');
  });
});

it('reads quantities', () => {
  expect(['1', '500m', '1.5Gi', '1e3', '.5', '100k', '1600Mi', 2].map(parseQuantity)).toEqual([
    1, 0.5, 1610612736, 1000, 0.5, 100000, 1677721600, 2,
  ]);
  expect(['', 'x', '1GB', '1 Gi', undefined].map(parseQuantity)).toEqual(Array(5).fill(undefined));
});
