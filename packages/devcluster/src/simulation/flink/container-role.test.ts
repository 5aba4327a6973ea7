import type { Container } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { containerRole } from './container-role.ts';

const container = (...args: string[]): Container => ({
  name: 'flink-main-container',
  command: ['/docker-entrypoint.sh'],
  args,
});

describe('The role of a container', () => {
  it('is that of a native JobManager of either target', () => {
    expect(containerRole(container('bash', '-c', 'kubernetes-jobmanager.sh kubernetes-application '))).toMatchObject({
      ...{ process: 'jobmanager', target: 'application', native: true },
    });
    expect(containerRole(container('bash', '-c', 'kubernetes-jobmanager.sh kubernetes-session '))).toMatchObject({
      ...{ process: 'jobmanager', target: 'session', native: true },
    });
  });

  it('is that of a native TaskManager, with what it is told on its command line', () => {
    const command = 'kubernetes-taskmanager.sh -Dtaskmanager.resource-id=tm-1 -D taskmanager.numberOfTaskSlots=3';
    expect(containerRole(container('bash', '-c', command))).toEqual({
      process: 'taskmanager',
      properties: { 'taskmanager.resource-id': 'tm-1', 'taskmanager.numberOfTaskSlots': '3' },
    });
  });

  it('is that of a standalone job: options up to the first unknown word, then the arguments of the program', () => {
    const words = ['--job-classname', 'org.example.Job', '--allowNonRestoredState', '--fromSavepoint', 'file:///sp/1'];
    expect(containerRole(container('standalone-job', ...words, '-D', 'a=b', 'word', '-s', 'mine'))).toEqual({
      ...{ process: 'jobmanager', target: 'application', native: false },
      properties: {
        '$internal.application.main': 'org.example.Job',
        'execution.state-recovery.path': 'file:///sp/1',
        a: 'b',
      },
      programArgs: ['word', '-s', 'mine'],
    });
  });

  it('is that of a standalone session cluster and its TaskManagers', () => {
    expect(containerRole(container('jobmanager'))).toMatchObject({ target: 'session', native: false });
    expect(containerRole(container('taskmanager'))).toEqual({ process: 'taskmanager', properties: {} });
  });

  it('is none for what is not Flink', () => {
    expect(containerRole({ name: 'sidecar', command: ['sh', '-c', 'sleep 1'] })).toBeUndefined();
    expect(containerRole({ name: 'sidecar' })).toBeUndefined();
  });
});
