import { describe, expect, test } from 'vitest';
import type { FlinkException } from '../runtime/ports.ts';
import { withExceptions } from './exceptions.ts';
import type { JobResourceStatus } from './resource.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const STACK = [
  'java.lang.RuntimeException: boom',
  '\tat a',
  '\tat b',
  'Caused by: java.io.IOException: disk',
  '\tat c',
];

function exception(changes: Partial<FlinkException> = {}): FlinkException {
  return {
    exception: 'java.lang.RuntimeException',
    stackTrace: STACK.join('\n'),
    time: NOW - 1_000,
    task: 'map (1/2)',
    endpoint: '10.0.0.1:6122',
    taskManagerId: 'tm-1',
    labels: { type: 'user' },
    ...changes,
  };
}

function told(exceptions: readonly FlinkException[], status: JobResourceStatus = { jobStatus: { jobId: 'j' } }) {
  return withExceptions({
    status,
    exceptions: { kind: 'ok', value: exceptions },
    now: NOW,
    limits: { perPass: 2, stackLines: 2, fieldLength: 100 },
    clean: (text) => text.replaceAll('disk', '******'),
  });
}

describe('12.1 item 15: failures of a job', () => {
  test('are events with the first lines of the stack and where it happened', () => {
    expect(told([exception()]).events).toEqual([
      {
        type: 'Warning',
        reason: 'JobException',
        component: 'Job',
        message: 'java.lang.RuntimeException: boom\n\tat a\n... (3 more lines)',
        key: expect.stringMatching(/^jobmanager-exception-[0-9a-f]+$/),
        annotations: {
          'exception-timestamp': '2026-01-01T11:59:59.000Z',
          'task-name': 'map (1/2)',
          endpoint: '10.0.0.1:6122',
          'tm-id': 'tm-1',
          'failure-label-type': 'user',
        },
      },
    ]);
  });

  test('are summed up in the status: the newest, without its stack and without secrets', () => {
    expect(told([exception(), exception({ time: NOW - 5_000 })]).status.jobStatus?.lastFailure).toEqual({
      jobId: 'j',
      time: '2026-01-01T11:59:59.000Z',
      exception: 'java.lang.RuntimeException',
      message: 'java.lang.RuntimeException: boom (cause: java.io.IOException: ******)',
      task: 'map (1/2)',
      taskManager: '10.0.0.1:6122',
    });
  });

  test('are told once, the oldest first, whoever told the others', () => {
    const first = told([exception({ time: NOW - 5_000 })]);
    const later = told([exception({ task: 'new' }), exception({ time: NOW - 5_000 })], first.status);
    expect(later.events.map((event) => event.annotations?.['task-name'])).toEqual(['new']);
    expect(told([exception({ task: 'new' })], later.status).events).toEqual([]);
    const both = told([exception({ task: 'second' }), exception({ task: 'first', time: NOW - 2_000 })]);
    expect(both.events.map((event) => event.annotations?.['task-name'])).toEqual(['first', 'second']);
  });

  test('are not told without end: a few in a pass, none that are old news', () => {
    expect(told([exception(), exception(), exception()]).events).toHaveLength(2);
    expect(told([exception({ time: NOW - 31 * 60_000 })]).events).toEqual([]);
  });

  test('of another job do not hide those of this one', () => {
    const other = { jobId: 'x', time: '2026-01-01T12:00:00.000Z', exception: 'e', message: 'm' };
    expect(told([exception()], { jobStatus: { jobId: 'j', lastFailure: other } }).events).toHaveLength(1);
  });
});
