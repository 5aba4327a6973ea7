import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigMap, type KubeClient, KubeError, type Pod } from '@drey/kube';
import { VirtualClock } from '@drey/kube/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refreshVolumes } from './volume-refresh.ts';

let directory: string;
let stop: AbortController;
let settings: ConfigMap | KubeError;
const clock = new VirtualClock();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drey-refresh-'));
  stop = new AbortController();
  settings = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: { log: 'quiet', 'config.yaml': 'a: 1' },
  };
  for (const place of ['volumes/conf', 'containers/main/conf']) {
    mkdirSync(join(directory, place), { recursive: true });
    writeFileSync(join(directory, place, 'log'), 'quiet');
    writeFileSync(join(directory, place, 'config.yaml'), place.startsWith('volumes') ? 'a: 1' : 'a: 1\nown: true');
  }
});

afterEach(() => {
  stop.abort(new Error('over'));
  rmSync(directory, { recursive: true, force: true });
});

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns' },
  spec: {
    containers: [{ name: 'main', volumeMounts: [{ name: 'conf', mountPath: '/opt/flink/conf' }] }],
    volumes: [
      { name: 'conf', configMap: { name: 'settings' } },
      { name: 'work', emptyDir: {} },
    ],
  },
};

const client = {
  get: async () => {
    if (settings instanceof KubeError) throw settings;
    return settings;
  },
} as never as KubeClient;

function start(): void {
  const places = { podAddress: '127.0.0.2', hostAddress: '127.0.0.1', nodeAllocatable: {} } as never;
  refreshVolumes({ clock, client, pod, directory, places, signal: stop.signal }).catch(() => undefined);
}

const content = (place: string, file: string): string => readFileSync(join(directory, place, file), 'utf8');

test('A file that changes in the object changes under the running process, in its own copy of a Flink configuration too', async () => {
  start();
  settings = { ...(settings as ConfigMap), data: { log: 'loud', 'config.yaml': 'a: 2' } };
  await clock.advance(20_000);
  await expect.poll(() => content('containers/main/conf', 'log')).toBe('loud');
  expect(content('volumes/conf', 'log')).toBe('loud');
  expect(content('volumes/conf', 'config.yaml')).toBe('a: 2');
  // It was changed for the pod, and is read at the start only.
  expect(content('containers/main/conf', 'config.yaml')).toBe('a: 1\nown: true');
  expect(readdirSync(join(directory, 'volumes/conf')).sort()).toEqual(['config.yaml', 'log']);
});

test('An object that is gone, or a server that does not answer, leaves what is there', async () => {
  start();
  settings = new KubeError('E_KUBE_NOT_FOUND', 'gone', { status: 404 });
  await clock.advance(20_000);
  settings = new KubeError('E_KUBE_UNREACHABLE', 'no answer', {});
  await clock.advance(20_000);
  expect(content('volumes/conf', 'log')).toBe('quiet');
  settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { log: 'back' } };
  await clock.advance(20_000);
  await expect.poll(() => content('volumes/conf', 'log')).toBe('back');
});
