import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigMap,
  CoreEvent,
  createKubeClient,
  type KubeClient,
  loadKubeconfig,
  Pod,
  systemClock,
  systemRandom,
  UndiciTransport,
} from '@drey/kube';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { root } from '../scripts/process.ts';
import { type Ended, openWorkshop, type Running, type Workshop } from './support/command.ts';

/** What users get wrong, through the real command line: a code, what happened, what to do next, and nothing broken. */
const exit = { failed: 1, usage: 2, notFound: 3, conflict: 4, notAllowed: 5, invalid: 6, unreachable: 9 } as const;

let workshop: Workshop;
beforeAll(() => {
  workshop = openWorkshop();
});
afterAll(() => workshop.close());

/** The command failed with this code in two lines, without a stack, and printed no data. */
function expectRefused(ended: Ended, code: string, exitCode: number, says: string | RegExp = ''): void {
  expect(ended.stderr).toMatch(new RegExp(`^error: .* \\[${code}\\]\\n {2}next: \\S.*$`, 'm'));
  expect(ended.stderr).toMatch(says);
  expect(ended.stderr).not.toMatch(/^ +at |unexpected error/m);
  expect(ended.stdout).toBe('');
  expect(ended.code).toBe(exitCode);
}

interface Example {
  metadata: { name: string };
  spec: { flinkVersion: string; image: string; taskManager: { resource: { memory: string } } };
}

/** A file with the example after a change. */
function exampleFile(name: string, change: (object: Example) => void): string {
  const object = parse(readFileSync(`${root}/examples/state-machine.yaml`, 'utf8')) as Example;
  change(object);
  return textFile(name, stringify(object));
}

function textFile(name: string, text: string | Uint8Array): string {
  const path = workshop.path(name);
  writeFileSync(path, text);
  return path;
}

/** The smallest whole zip archive: an empty one. */
const emptyJar = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]);

async function connect(kubeconfig: string): Promise<{ client: KubeClient; transport: UndiciTransport }> {
  const { access } = await loadKubeconfig({ path: kubeconfig });
  const transport = new UndiciTransport(access);
  return { client: createKubeClient({ transport, clock: systemClock, random: systemRandom }), transport };
}

interface SmallDisk {
  readonly path: string;
  unmount(): void;
}

/** A file system of 2 MiB; undefined where this user may not make one. */
function mountSmallDisk(): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'drey-small-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  const unmount = (): void => {
    spawnSync('umount', ['--lazy', path]);
    rmSync(path, { recursive: true, force: true });
  };
  if (mounted.status === 0) return { path, unmount };
  unmount();
  console.log('full disk: skipped, only root may mount a small disk here');
  return undefined;
}

describe('a file', () => {
  it('that is no YAML is refused with line and column', async () => {
    const file = textFile('broken.yaml', 'kind: FlinkDeployment\nspec:\n  job:\n   jarURI: [local:///a.jar\n');
    expectRefused(await workshop.drey('render', '-f', file), 'E_YAML', exit.invalid, 'broken.yaml:5:1: ');
    const twice = textFile('twice.yaml', 'kind: A\nspec: 1\nkind: B\n');
    expectRefused(await workshop.drey('render', '-f', twice), 'E_YAML', exit.invalid, 'twice.yaml:3:1: ');
  });

  it('that is not there is named', async () => {
    expectRefused(await workshop.drey('render', '-f', 'none.yaml'), 'E_FILE', exit.notFound, 'none.yaml');
  });

  it('without a FlinkDeployment says so', async () => {
    const file = textFile('other.yaml', 'kind: ConfigMap\n');
    expectRefused(await workshop.drey('render', '-f', file), 'E_RENDER_NOTHING', exit.invalid);
  });

  it('with a memory size that is none is refused', async () => {
    const file = exampleFile('memory.yaml', ({ spec }) => (spec.taskManager.resource.memory = 'plenty'));
    expectRefused(
      await workshop.drey('render', '-f', file),
      'E_VALIDATION_TASK_MANAGER',
      exit.invalid,
      'TaskManager resource memory',
    );
    const config = textFile('config.yaml', 'taskmanager.memory.process.size: lots\n');
    const shown = await workshop.drey('flink', 'config', '--flink-version', '2.0', '--config', config);
    expect(shown.stdout).toMatch(
      /^TaskManager: .*'taskmanager\.memory\.process\.size'.* \[E_FLINK_CONFIG_VALUE\]\n {2}next: /m,
    );
  });

  it('with a Flink version that nobody supports is refused', async () => {
    const file = exampleFile('version.yaml', ({ spec }) => (spec.flinkVersion = 'v9_9'));
    expectRefused(await workshop.drey('render', '-f', file), 'E_VALIDATION_FORMAT', exit.invalid, 'v9_9');
    expectRefused(await workshop.drey('flink', 'install', '9.9'), 'E_FLINK_VERSION', exit.invalid, '1.20');
    expectRefused(await workshop.drey('flink', 'path', 'newest'), 'E_FLINK_VERSION', exit.invalid);
  });

  it('with a name of more than 45 characters is refused', async () => {
    const file = exampleFile('name.yaml', ({ metadata }) => (metadata.name = 'n'.repeat(46)));
    expectRefused(await workshop.drey('render', '-f', file), 'E_VALIDATION_NAME', exit.invalid, '45 characters');
  });
});

describe('a jar', () => {
  it('that is not there, or is none, is refused before anything else is looked at', async () => {
    expectRefused(await workshop.drey('run', 'none.jar'), 'E_CLI_JAR', exit.notFound, 'none.jar');
    expectRefused(await workshop.drey('run', workshop.folder), 'E_CLI_JAR', exit.notFound);
    const text = textFile('text.jar', 'not a zip archive');
    expectRefused(await workshop.drey('run', text), 'E_CLI_JAR', exit.invalid, 'text.jar');
    const half = textFile('half.jar', Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(1000)]));
    expectRefused(await workshop.drey('run', half), 'E_CLI_JAR', exit.invalid, 'half.jar');
  });

  it('needs a cluster to run on', async () => {
    const jar = textFile('empty.jar', emptyJar);
    expectRefused(await workshop.drey('run', jar), 'E_CLI_NO_CLUSTER', exit.notFound, 'drey up');
  });
});

describe('without a cluster', () => {
  it.each([['get'], ['logs', 'job'], ['down']])('drey %s says how to start one', async (...words) => {
    expectRefused(await workshop.drey(...words), 'E_CLI_NO_CLUSTER', exit.notFound);
  });

  it('a kubeconfig that is missing, broken or leads nowhere is told apart', async () => {
    const get = (file: string): Promise<Ended> => workshop.drey('get', '--kubeconfig', file);
    expectRefused(await get('none'), 'E_KUBECONFIG_NOT_FOUND', exit.notFound, 'none');
    expectRefused(await get(textFile('broken', 'clusters: [')), 'E_KUBECONFIG_INVALID', exit.invalid);
    expectRefused(await get(textFile('empty', 'kind: Config\n')), 'E_KUBECONFIG_CONTEXT', exit.invalid);
    const nowhere = {
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'secret-of-the-test' } }],
    };
    const unreachable = await get(textFile('nowhere', stringify(nowhere)));
    expectRefused(unreachable, 'E_KUBE_UNREACHABLE', exit.unreachable);
    expect(unreachable.stderr).not.toContain('secret-of-the-test');
  });
});

describe('a cluster cannot start', () => {
  it('on a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const command of [['up', '--memory'], ['apiserver']]) {
      const ended = await workshop.drey(...command, '--port', String(port));
      expectRefused(ended, 'E_APISERVER_PORT_TAKEN', exit.conflict, String(port));
    }
    const detached = await workshop.drey('up', '--detach', '--memory', '--port', String(port));
    expectRefused(detached, 'E_APISERVER_PORT_TAKEN', exit.conflict, String(port));
    expectRefused(await workshop.drey('up', '--port', 'ssh'), 'E_CLI_PORT', exit.usage, 'ssh');
    server.close();
    expect((await workshop.drey('status')).stdout).toContain('no cluster is running');
  });

  it('in a data directory that cannot be one', async () => {
    const file = textFile('file', '');
    const up = await workshop.drey('up', '--name', 'nowhere', '--data-dir', `${file}/data`);
    expectRefused(up, 'E_STORE_UNAVAILABLE', exit.failed, `${file}/data`);
    expectRefused(await workshop.drey('apiserver', '--data-dir', '/proc/drey'), 'E_STORE_UNAVAILABLE', exit.failed);
  });

  it('in a data directory that another instance uses', async () => {
    const data = workshop.path('shared');
    const first = workshop.start('apiserver', '--port', '0', '--data-dir', data);
    await first.said(/Ctrl-C/);
    const before = readFileSync(`${data}/kubeconfig`, 'utf8');
    expectRefused(
      await workshop.drey('up', '--name', 'second', '--data-dir', data),
      'E_STORE_LOCKED',
      exit.conflict,
      data,
    );
    expectRefused(await workshop.drey('apiserver', '--port', '0', '--data-dir', data), 'E_STORE_LOCKED', exit.conflict);
    expect(readFileSync(`${data}/kubeconfig`, 'utf8')).toBe(before);
    expect((await first.end()).code).toBe(0);
  });
});

describe('a full disk', () => {
  it('refuses writes, reads on, takes writes again once there is space, and a restart finds what was acknowledged', async ({
    skip,
  }) => {
    const disk = mountSmallDisk();
    if (disk === undefined) return skip('only root may mount a small disk here');
    onTestFinished(disk.unmount);
    const data = `${disk.path}/data`;
    const filler = `${disk.path}/filler`;
    writeFileSync(filler, Buffer.alloc(400_000));
    const serve = async (): Promise<{ running: Running; client: KubeClient; transport: UndiciTransport }> => {
      const running = workshop.start('apiserver', '--port', '0', '--data-dir', data);
      await running.said(/Ctrl-C/);
      return { running, ...(await connect(`${data}/kubeconfig`)) };
    };
    const first = await serve();
    const written: string[] = [];
    const write = async (client: KubeClient, name: string): Promise<void> => {
      const metadata = { name, namespace: 'default' };
      await client.create(ConfigMap, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata,
        data: { text: 'x'.repeat(60_000) },
      });
      written.push(name);
    };
    const names = async (client: KubeClient): Promise<string[]> => {
      const { items } = await client.list(ConfigMap, { namespace: 'default' });
      return items.map(({ metadata }) => metadata.name ?? '').filter((name) => name.startsWith('map-'));
    };
    const fill = async (): Promise<unknown> => {
      for (let i = 0; i < 200; i++) {
        try {
          await write(first.client, `map-${String(i).padStart(3, '0')}`);
        } catch (error) {
          return error;
        }
      }
      throw new Error('the disk never became full');
    };
    expect(await fill()).toMatchObject({
      code: 'E_KUBE_SERVER',
      status: 507,
      body: { reason: 'InsufficientStorage', message: expect.stringMatching(/E_STORE_FULL: .* Free some space/) },
    });
    expect(written.length).toBeGreaterThan(0);
    expect(await names(first.client)).toEqual(written);

    rmSync(filler);
    await write(first.client, 'map-after');
    expect(await names(first.client)).toEqual(written);
    await first.transport.close();
    await first.running.end('SIGKILL');

    const second = await serve();
    expect(await names(second.client)).toEqual(written);
    await second.transport.close();
    expect((await second.running.end()).code).toBe(0);
  });
});

describe('on a running cluster', () => {
  let up: Running;
  const kubeconfig = (): string => workshop.path('bad-input.kubeconfig');
  beforeAll(async () => {
    up = workshop.start('up', '--name', 'bad-input', '--memory', '--kubeconfig', kubeconfig());
    await up.said(/is ready at/);
  });
  afterAll(() => up.end());

  it('a second one of the same name is refused', async () => {
    const ended = await workshop.drey('up', '--name', 'bad-input');
    expectRefused(ended, 'E_CLI_CLUSTER_RUNS', exit.conflict, 'drey down --name bad-input');
  });

  it('a deployment that does not exist is not found', async () => {
    const name = ['--name', 'bad-input'];
    expectRefused(await workshop.drey('get', 'none', ...name), 'E_KUBE_NOT_FOUND', exit.notFound, '"none"');
    expectRefused(await workshop.drey('logs', 'none', ...name), 'E_KUBE_NOT_FOUND', exit.notFound, '"none"');
  });

  it('drey run refuses what the operator would refuse, and leaves nothing', async () => {
    const jar = textFile('job.jar', emptyJar);
    const run = (...words: string[]): Promise<Ended> => workshop.drey('run', '--name', 'bad-input', ...words, jar);
    expectRefused(await run('--deployment', 'n'.repeat(46)), 'E_VALIDATION_NAME', exit.invalid, '45 characters');
    expectRefused(await run('--flink', '9.9'), 'E_FLINK_VERSION', exit.invalid);
    expectRefused(await run('-p', 'many'), 'E_CLI_PARALLELISM', exit.usage);
    expectRefused(await run('-D', 'novalue'), 'E_CLI_DEFINITION', exit.usage);
    expect((await workshop.drey('get', '--name', 'bad-input', '-o', 'name')).stdout).toBe('');
  });

  it('a pod with an unknown image says how to map it, in its status and in an event', async () => {
    const { client, transport } = await connect(kubeconfig());
    const image = 'registry.example.com/team/job:3';
    await client.create(Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'unknown', namespace: 'default' },
      spec: { containers: [{ name: 'main', image }] },
    });
    const waiting = async (): Promise<string> => {
      const { status } = await client.get(Pod, 'default', 'unknown');
      const state = status?.containerStatuses?.[0]?.state?.waiting;
      return `${state?.reason}: ${state?.message}`;
    };
    const hint = `drey up --image '${image}=flink:1.20'`;
    await expect.poll(waiting, { timeout: 15_000 }).toMatch(/^(ErrImagePull|ImagePullBackOff): .*E_IMAGE_UNKNOWN/);
    expect(await waiting()).toContain(hint);
    await client.create(Pod, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'waiting', namespace: 'default', labels: { app: 'unknown', component: 'jobmanager' } },
      spec: { containers: [{ name: 'flink-main-container', image }] },
    });
    const log = async (): Promise<string> => (await workshop.drey('logs', 'unknown', '--name', 'bad-input')).stderr;
    await expect.poll(log, { timeout: 15_000 }).toMatch(/E_IMAGE_UNKNOWN.* \[E_CLI_NO_LOG\]/);
    const told = async (): Promise<string> =>
      (await client.list(CoreEvent, { namespace: 'default' })).items.map((one) => one.message ?? '').join('\n');
    await expect.poll(told, { timeout: 15_000 }).toContain(hint);
    await transport.close();
  });
});
