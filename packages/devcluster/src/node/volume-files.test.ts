import type { ConfigMap, Pod, Secret, Volume } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { tokenKey, VolumeError, type VolumeSources, volumeFiles, volumeReferences } from './volume-files.ts';

const meta = { apiVersion: 'v1', metadata: {} };
const sources: VolumeSources = {
  podAddress: '127.64.0.1',
  hostAddress: '127.0.0.1',
  nodeAllocatable: { cpu: '4', memory: '8Gi' },
  configMaps: new Map([
    [
      'conf',
      {
        ...meta,
        kind: 'ConfigMap',
        data: { 'config.yaml': 'a: b', other: 'x' },
        binaryData: { bin: 'AAE=' },
      } as ConfigMap,
    ],
    ['kube-root-ca.crt', { ...meta, kind: 'ConfigMap', data: { 'ca.crt': 'PEM' } } as ConfigMap],
  ]),
  secrets: new Map([['key', { ...meta, kind: 'Secret', data: { file: 'c2VjcmV0' } } as Secret]]),
  tokens: new Map([[tokenKey({ audience: undefined, expirationSeconds: 3607 }), 'jwt']]),
};
const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [{ name: 'c', resources: { limits: { memory: '1Gi' } } }] },
};
const files = (volume: Omit<Volume, 'name'>) =>
  volumeFiles(pod, { name: 'v', ...volume }, sources)?.map(
    (f) => `${f.path} ${f.mode.toString(8)} ${Buffer.from(f.data).toString('latin1')}`,
  );

describe('volume files', () => {
  it('come from ConfigMaps and Secrets, whole or by items', () => {
    expect(files({ configMap: { name: 'conf' } })).toEqual(['config.yaml 644 a: b', 'other 644 x', 'bin 644 \0\x01']);
    expect(
      files({ configMap: { name: 'conf', defaultMode: 0o400, items: [{ key: 'other', path: 'd/o', mode: 0o777 }] } }),
    ).toEqual(['d/o 777 x']);
    expect(files({ secret: { secretName: 'key' } })).toEqual(['file 644 secret']);
  });

  it('make the service account volume of every pod', () => {
    expect(
      files({
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      }),
    ).toEqual(['token 600 jwt', 'ca.crt 644 PEM', 'namespace 644 ns']);
  });

  it('say what is missing in the words of the kubelet', () => {
    expect(() => files({ configMap: { name: 'no' } })).toThrow(
      'MountVolume.SetUp failed for volume "v" : configmap "no" not found',
    );
    expect(() => files({ configMap: { name: 'conf', items: [{ key: 'no', path: 'x' }] } })).toThrow(
      'configmap ns/conf references non-existent config key: no',
    );
    expect(() => files({ secret: { secretName: 'no' } })).toThrow(VolumeError);
    expect(files({ secret: { secretName: 'no', optional: true } })).toEqual([]);
    expect(files({ emptyDir: {} })).toBeUndefined();
  });

  it('write resources of a named container', () => {
    const item = { path: 'mem', resourceFieldRef: { containerName: 'c', resource: 'limits.memory', divisor: '1Mi' } };
    expect(files({ downwardAPI: { items: [item] } })).toEqual(['mem 644 1024']);
  });

  it('name what they need', () => {
    expect(
      volumeReferences({
        name: 'v',
        projected: { sources: [{ secret: { name: 's' } }, { serviceAccountToken: { path: 't', audience: 'a' } }] },
      }),
    ).toEqual({ configMaps: [], secrets: ['s'], tokens: [{ audience: 'a', expirationSeconds: 3600 }] });
  });
});
