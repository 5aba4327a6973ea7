import type { AnyObject } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { builtinResources } from '../registry/builtins.ts';
import { humanDuration } from './age.ts';
import { printedKinds, renderTable } from './renderer.ts';

const now = Date.UTC(2026, 0, 1, 0, 10);
const created = '2026-01-01T00:00:00Z';
const resources = builtinResources();

function definitionOf(kind: string) {
  const found = resources.find((resource) => `${resource.group}/${resource.kind}` === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
}

function cells(kind: string, object: Record<string, unknown>): unknown[] {
  const full = { apiVersion: 'v1', kind: 'x', metadata: { name: 'n', creationTimestamp: created }, ...object };
  const { rows } = renderTable(definitionOf(kind), [full as AnyObject], { includeObject: 'None', now });
  return rows[0]!.cells as unknown[];
}

function pod(status: object, spec: object = {}): unknown[] {
  return cells('/Pod', { spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec }, status }).slice(1, 4);
}

const running = { running: {} };
const ended = (reason: string, exitCode: number) => ({ terminated: { reason, exitCode } });

describe('tables', () => {
  it.each(printedKinds)('have a cell for every column of %s, also for an empty object', (kind) => {
    const definition = definitionOf(kind);
    const empty = { apiVersion: 'v1', kind: definition.kind, metadata: {} };
    const table = renderTable(definition, [empty], { includeObject: 'None', now });
    // The age of IP addresses has no column, as in the real server.
    const extra = kind === 'networking.k8s.io/IPAddress' ? 1 : 0;
    expect((table.rows[0]!.cells as unknown[]).length).toBe(table.columnDefinitions.length + extra);
  });

  it('show the state of a pod as kubectl users know it', () => {
    expect(pod({ phase: 'Pending' })).toEqual(['0/2', 'Pending', '0']);
    const mixed = [
      { name: 'a', ready: true, restartCount: 2, state: running },
      {
        name: 'b',
        restartCount: 1,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { finishedAt: '2026-01-01T00:09:00Z' } },
      },
    ];
    expect(pod({ phase: 'Running', containerStatuses: mixed })).toEqual(['1/2', 'CrashLoopBackOff', '3 (60s ago)']);
    const completed = [
      { name: 'a', ready: true, state: running },
      { name: 'b', state: ended('Completed', 0) },
    ];
    expect(pod({ phase: 'Running', containerStatuses: completed })).toEqual(['1/2', 'NotReady', '0']);
    const init = [{ name: 'i', state: ended('', 3) }];
    expect(pod({ phase: 'Pending', initContainerStatuses: init }, { initContainers: [{ name: 'i' }] })).toEqual([
      '0/2',
      'Init:ExitCode:3',
      '0',
    ]);
    const waiting = [{ name: 'i', state: { waiting: { reason: 'PodInitializing' } } }];
    expect(pod({ phase: 'Pending', initContainerStatuses: waiting }, { initContainers: [{ name: 'i' }] })).toEqual([
      '0/2',
      'Init:0/1',
      '0',
    ]);
  });

  it('show pods that go away as Terminating, and name nodes and addresses', () => {
    const going = cells('/Pod', {
      metadata: { name: 'p', creationTimestamp: created, deletionTimestamp: created },
      spec: { containers: [{ name: 'a' }], nodeName: 'node-1' },
      status: { phase: 'Running', podIPs: [{ ip: '127.9.0.1' }] },
    });
    expect(going).toEqual(['p', '0/1', 'Terminating', '0', '10m', '127.9.0.1', 'node-1', '<none>', '<none>']);
  });

  it('show services, deployments and jobs', () => {
    const ports = [
      { port: 80, protocol: 'TCP' },
      { port: 81, nodePort: 30001, protocol: 'UDP' },
    ];
    const spec = { type: 'ClusterIP', clusterIPs: ['10.0.0.1'], ports, selector: { b: '2', a: '1' } };
    expect(cells('/Service', { spec })).toEqual([
      'n',
      'ClusterIP',
      '10.0.0.1',
      '<none>',
      '80/TCP,81:30001/UDP',
      '10m',
      'a=1,b=2',
    ]);
    const template = {
      spec: {
        containers: [
          { name: 'x', image: 'i:1' },
          { name: 'y', image: 'i:2' },
        ],
      },
    };
    const selector = {
      matchLabels: { app: 'd' },
      matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }],
    };
    expect(
      cells('apps/Deployment', { spec: { replicas: 3, selector, template }, status: { readyReplicas: 1 } }),
    ).toEqual(['n', '1/3', 0, 0, '10m', 'x,y', 'i:1,i:2', 'app=d,tier in (a,b)']);
    const status = {
      succeeded: 1,
      startTime: created,
      completionTime: '2026-01-01T00:02:30Z',
      conditions: [{ type: 'Complete', status: 'True' }],
    };
    expect(cells('batch/Job', { spec: { completions: 1, template }, status })).toEqual([
      'n',
      'Complete',
      '1/1',
      '2m30s',
      '10m',
      'x,y',
      'i:1,i:2',
      '<none>',
    ]);
  });

  it('write durations with at most two units', () => {
    const minute = 60_000;
    const day = 1440 * minute;
    const shown = [
      -5000,
      0,
      119_000,
      3 * minute,
      9 * minute + 1000,
      179 * minute,
      181 * minute,
      47 * 60 * minute,
      3 * day + 120 * minute,
      9 * day,
      3 * 365 * day + day,
    ];
    expect(shown.map(humanDuration)).toEqual([
      '<invalid>',
      '0s',
      '119s',
      '3m',
      '9m1s',
      '179m',
      '3h1m',
      '47h',
      '3d2h',
      '9d',
      '3y1d',
    ]);
  });
});
