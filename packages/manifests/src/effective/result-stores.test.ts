import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlinkConfig } from '@drey/flink';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Container, Pod } from '../kubernetes/objects.ts';
import { buildDeploymentObjects, type DeploymentObjectsInput } from './deployment-objects.ts';
import { DEFAULT_OPERATOR_CONFIG } from './operator-defaults.ts';
import { mountedResultStores } from './result-stores.ts';

const ID = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e';

describe('A directory of results', () => {
  const found = (uri: string, storageDir = 'file:///ha', more: Record<string, string> = {}) =>
    mountedResultStores(FlinkConfig.of({ 'high-availability.storageDir': storageDir, ...more }), 'app', [uri]);

  test.each([
    ['file:///ha', `file:///ha/job-result-store/app/${ID}`],
    ['file:///ha', `file:/ha/job-result-store/app/${UUID}`],
    ['file:/ha', `/ha/job-result-store/app/${ID}/`],
    ['/ha', `/ha/application-result-store/app/${ID}`],
    ['file:///ha/', `file:///ha//job-result-store/app/${ID}`],
    ["/flink's data/ha", `/flink's data/ha/job-result-store/app/${ID}`],
  ])('is one below %s when it is %s', (storageDir, uri) => {
    const [path] = found(uri, storageDir);
    expect(path).toMatch(/^\/[^:]*\/(?:job|application)-result-store\/app\/[0-9a-f-]+$/);
  });

  test.each([
    ['another cluster', `file:///ha/job-result-store/other/${ID}`],
    ['all starts', 'file:///ha/job-result-store/app'],
    ['no id of a start', 'file:///ha/job-result-store/app/results'],
    ['a folder below', `file:///ha/job-result-store/app/${ID}/x`],
    ['another folder of the HA directory', `file:///ha/app/${ID}`],
    ['somewhere else', `file:///data/job-result-store/app/${ID}`],
    ['a way out', `file:///ha/job-result-store/app/../app/${ID}`],
    ['another host', `file://host/ha/job-result-store/app/${ID}`],
    ['an object store', `s3://ha/job-result-store/app/${ID}`],
    ['nothing', ''],
  ])('is not: %s', (_, uri) => {
    expect(found(uri)).toEqual([]);
  });

  test.each([
    ['s3://ha', {}],
    ['hdfs:///ha', {}],
    ['file:///ha/$HOME', {}],
    ['file:///ha/..', {}],
    ['file:///', {}],
    ['//ha', {}],
    ['/ha', { 'fs.default-scheme': 'hdfs://name-node' }],
  ])('is none below the HA directory %s %o', (storageDir, more) => {
    expect(found(`${storageDir}/job-result-store/app/${ID}`, storageDir, more)).toEqual([]);
  });

  test('needs an HA directory', () => {
    expect(mountedResultStores(FlinkConfig.of({}), 'app', [`/ha/job-result-store/app/${ID}`])).toEqual([]);
  });
});

/** The objects of a deployment with its HA directory, and results of earlier starts. */
function built(
  formerResultStores: readonly string[],
  { storageDir = 'file:///ha', spec = {} }: { storageDir?: string; spec?: Record<string, unknown> } = {},
) {
  const input: DeploymentObjectsInput = {
    deployment: {
      metadata: { name: 'app', namespace: 'shop', uid: 'cr-uid', generation: 7 },
      spec: {
        image: 'flink:1.20',
        flinkVersion: 'v1_20',
        serviceAccount: 'flink',
        jobManager: { resource: { memory: '1g', cpu: 1 } },
        taskManager: { resource: { memory: '1g', cpu: 1 } },
        job: { jarURI: 'local:///a.jar', parallelism: 2, upgradeMode: 'last-state' },
        flinkConfiguration: { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': storageDir },
        ...spec,
      } as never,
    },
    operatorConfig: DEFAULT_OPERATOR_CONFIG,
    decision: { jobId: OTHER, resultStoreId: ID, formerResultStores },
  };
  return buildDeploymentObjects(input);
}

/** What Flink's container does when it starts. */
function hookOf(objects: ReturnType<typeof built>, role: 'deployment' | 'taskManagers' = 'deployment') {
  const { template } = (objects[role]?.spec ?? {}) as { template: Pod };
  const lifecycle = (template.spec?.containers ?? []).map(({ lifecycle: one }: Container) => one);
  return (lifecycle[0] as { postStart?: { exec: { command: string[] } } } | undefined)?.postStart?.exec.command;
}

describe('A JobManager that deletes results of earlier starts', () => {
  test('is told their directories, and nothing else of it differs', () => {
    const objects = built([`file:///ha/job-result-store/app/${OTHER}`]);
    expect(hookOf(objects)?.slice(3)).toEqual(['result-cleanup', `/ha/job-result-store/app/${OTHER}`]);
    const { deployment, ...others } = built([]);
    expect(JSON.parse(JSON.stringify(objects), (key, value) => (key === 'lifecycle' ? undefined : value))).toEqual(
      JSON.parse(JSON.stringify({ deployment, ...others })),
    );
    expect(hookOf({ deployment, ...others })).toBeUndefined();
  });

  test('is so in standalone clusters too, and no TaskManager is', () => {
    const objects = built([`/ha/job-result-store/app/${OTHER}`], { spec: { mode: 'standalone' } });
    expect(hookOf(objects)).toHaveLength(5);
    expect(hookOf(objects, 'taskManagers')).toBeUndefined();
  });

  test('is never told its own directory, nor what is no directory of results', () => {
    const wrong = [`/ha/job-result-store/app/${ID}`, '/ha', '/ha/job-result-store/app', `s3://ha/app/${OTHER}`];
    expect(hookOf(built(wrong))).toBeUndefined();
    expect(hookOf(built([`/ha/job-result-store/app/${OTHER}`], { storageDir: 's3://ha' }))).toBeUndefined();
  });

  test('keeps what its user has it do, and has nothing besides', () => {
    const withHooks = (lifecycle: object) => ({
      podTemplate: { spec: { containers: [{ name: 'flink-main-container', lifecycle }] } },
    });
    const own = { postStart: { exec: { command: ['true'] } } };
    const former = [`/ha/job-result-store/app/${OTHER}`];
    expect(hookOf(built(former, { spec: withHooks(own) }))).toEqual(['true']);
    const preStop = { preStop: { exec: { command: ['true'] } } };
    const { template } = built(former, { spec: withHooks(preStop) }).deployment.spec as { template: Pod };
    expect(template.spec?.containers?.[0]?.lifecycle).toMatchObject({ ...preStop, postStart: { exec: {} } });
  });
});

describe('The deletion itself', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "drey-it's $results "));
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  /** Runs the hook of a JobManager with these directories. */
  function run(directories: readonly string[]): number | null {
    const [shell = '', ...args] = hookOf(built([`/ha/job-result-store/app/${OTHER}`])) ?? [];
    const { status, stdout, stderr } = spawnSync(shell, [...args.slice(0, 3), ...directories], { encoding: 'utf8' });
    expect(stdout + stderr).toBe('');
    return status;
  }

  function directory(name: string, ...files: string[]): string {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    for (const file of files) writeFileSync(join(path, file), '{}');
    return path;
  }

  test('removes results and their directories, whatever their names, and nothing beside them', () => {
    const gone = directory('store/one', `${ID}.json`, `${OTHER}_DIRTY.json`);
    const empty = directory('store/*');
    directory('store/three', `${ID}.json`);
    expect(run([gone, empty])).toBe(0);
    expect(readdirSync(join(root, 'store'))).toEqual(['three']);
    expect(readdirSync(join(root, 'store/three'))).toEqual([`${ID}.json`]);
  });

  test('leaves everything that is no result, and the directory with it', () => {
    const mixed = directory('mixed', `${ID}.json`, 'completedCheckpoint1234');
    directory('mixed/folder', 'a.json');
    expect(run([mixed])).toBe(0);
    expect(readdirSync(mixed).sort()).toEqual(['completedCheckpoint1234', 'folder']);
    expect(readdirSync(join(mixed, 'folder'))).toEqual(['a.json']);
  });

  test('follows no link, and succeeds where there is nothing', () => {
    const target = directory('target', `${ID}.json`);
    symlinkSync(target, join(root, 'link'));
    expect(run([join(root, 'link'), join(root, 'missing'), ''])).toBe(0);
    expect(existsSync(join(target, `${ID}.json`))).toBe(true);
  });
});
