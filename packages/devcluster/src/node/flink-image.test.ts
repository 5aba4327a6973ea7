import type { Container, Pod } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import {
  addressSettings,
  builtInPlugins,
  entrypointSettings,
  flinkComponent,
  registrationSettings,
  withSettings,
} from './flink-image.ts';

const pod = (component?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', ...(component === undefined ? {} : { labels: { component } }) },
});
const native = (script: string): Container => ({
  name: 'flink-main-container',
  command: ['/docker-entrypoint.sh'],
  args: ['bash', '-c', script],
});

describe('Flink image', () => {
  it('knows the component by its command', () => {
    expect(flinkComponent(pod(), native('kubernetes-jobmanager.sh kubernetes-application '))).toBe('jobmanager');
    expect(flinkComponent(pod(), native('kubernetes-taskmanager.sh -Djobmanager.memory.x=1'))).toBe('taskmanager');
    expect(flinkComponent(pod(), { name: 'c', args: ['standalone-job', '-c', 'X'] })).toBe('jobmanager');
    expect(flinkComponent(pod(), { name: 'c', args: ['taskmanager'] })).toBe('taskmanager');
    expect(flinkComponent(pod('jobmanager'), { name: 'c', command: ['cp', 'a', 'b'] })).toBeUndefined();
  });

  it('adds settings at the end of either format and removes flat lines of the same keys', () => {
    const text = 'rest.bind-address: 0.0.0.0\njobmanager:\n  bind-host: localhost\nrest.bind-address-x: 1\n\n';
    expect(withSettings(text, addressSettings('jobmanager', '127.64.0.3'))).toBe(
      'jobmanager:\n  bind-host: localhost\nrest.bind-address-x: 1\njobmanager.bind-host: 127.64.0.3\nrest.bind-address: 127.64.0.3\n',
    );
    expect(withSettings('a: b', {})).toBe('a: b');
  });

  it('takes settings from the variables that the image knows', () => {
    expect(
      entrypointSettings(
        { FLINK_PROPERTIES: '\n  parallelism.default: 2\n# x: y\nrest.address: a:b\n', JOB_MANAGER_RPC_ADDRESS: 'jm' },
        'host',
      ),
    ).toEqual({
      'jobmanager.rpc.address': 'jm',
      'blob.server.port': '6124',
      'query.server.port': '6125',
      'parallelism.default': '2',
      'rest.address': 'a:b',
    });
    expect(entrypointSettings({ TASK_MANAGER_NUMBER_OF_TASK_SLOTS: '4' }, 'host')).toMatchObject({
      'jobmanager.rpc.address': 'host',
      'taskmanager.numberOfTaskSlots': '4',
    });
  });

  it('shortens the pause before a component that is not there yet is asked again, unless the user chose one', () => {
    expect(registrationSettings('a: b', '1.20.5')).toEqual({ 'cluster.registration.error-delay': '500 ms' });
    expect(registrationSettings('a: b', '2.3.0')).toEqual({ 'cluster.registration.error-delay': '500 ms' });
    expect(registrationSettings('a: b', '1.17.2')).toEqual({ 'cluster.registration.error-delay': '500' });
    expect(registrationSettings('cluster:\n  registration:\n    error-delay: 3 s\n', '1.20.5')).toEqual({});
    expect(registrationSettings('cluster.registration.error-delay: 3 s', '1.20.5')).toEqual({});
  });

  it('reads the list of built-in plugins, and nothing that leaves its directory', () => {
    expect(builtInPlugins({ ENABLE_BUILT_IN_PLUGINS: 'flink-s3-fs-hadoop-1.20.5.jar;../x.jar; a.jar' })).toEqual([
      { jar: 'flink-s3-fs-hadoop-1.20.5.jar', directory: 'flink-s3-fs-hadoop-1.20.5' },
      { jar: 'a.jar', directory: 'a' },
    ]);
  });
});
