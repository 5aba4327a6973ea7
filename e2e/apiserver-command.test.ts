import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findKubectl, kubectlFor } from './kubectl-harness.ts';

const available = await findKubectl();
if (available === undefined) console.log('drey apiserver suite: skipped, there is no kubectl on this machine');

const MAIN = resolve(import.meta.dirname, '../packages/cli/src/main.ts');

interface Command {
  readonly output: () => string;
  readonly kubeconfig: () => Promise<string>;
  /** Ctrl-C; resolves with the exit code. */
  readonly interrupt: () => Promise<number | null>;
  readonly ended: Promise<number | null>;
}

const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drey-apiserver-test-'));
  folders.push(folder);
  return folder;
}

function start(...flags: string[]): Command {
  const child = spawn(process.execPath, [MAIN, 'apiserver', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  const ended = new Promise<number | null>((done) => child.on('exit', done));
  return {
    output: () => text,
    ended,
    async kubeconfig() {
      await expect.poll(() => text, { timeout: 20_000 }).toMatch(/--kubeconfig \S+/);
      return /--kubeconfig (\S+)/.exec(text)?.[1] ?? '';
    },
    interrupt() {
      child.kill('SIGINT');
      return ended;
    },
  };
}

describe.skipIf(available === undefined)('drey apiserver', () => {
  it('serves in memory until Ctrl-C, and leaves nothing behind', async () => {
    const command = start('--port', '0');
    const file = await command.kubeconfig();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const kubectl = kubectlFor(readFileSync(file, 'utf8'));
    expect(await kubectl.ok('get namespaces -o name')).toContain('namespace/default\n');
    const watch = kubectl.start('get namespaces -w');
    await expect.poll(watch.output, { timeout: 10_000 }).toContain('default');
    expect(await command.interrupt()).toBe(0);
    await watch.stop();
    expect(existsSync(file)).toBe(false);
    kubectl.close();
  });

  it('keeps objects, custom resources and credentials in its data directory', async () => {
    const folder = newFolder();
    const flags = ['--port', '0', '--data-dir', folder, '--ca-file', join(folder, 'ca.crt'), '--token', 'sesame'];
    const first = start(...flags);
    const before = kubectlFor(readFileSync(await first.kubeconfig(), 'utf8'));
    await before.ok('create configmap kept --from-literal=a=b');
    await before.ok('create serviceaccount robot');
    await before.ok('apply -f -', definition);
    await before.ok('wait crd/nuts.example.com --for=condition=Established --timeout=10s');
    await before.ok('create -f -', { apiVersion: 'example.com/v1', kind: 'Nut', metadata: { name: 'hazel' } });
    const token = (await before.ok('create token robot')).trim();
    const authority = readFileSync(join(folder, 'ca.crt'), 'utf8');
    expect(await first.interrupt()).toBe(0);
    before.close();

    const second = start(...flags);
    const after = kubectlFor(readFileSync(await second.kubeconfig(), 'utf8'));
    expect(await after.ok('get configmap kept -o jsonpath={.data.a}')).toBe('b');
    expect(await after.ok('get nuts -o name')).toBe('nut.example.com/hazel\n');
    expect(readFileSync(join(folder, 'ca.crt'), 'utf8')).toBe(authority);
    expect(await after.ok(`auth whoami --token=${token} -o jsonpath={.status.userInfo.username}`)).toBe(
      'system:serviceaccount:default:robot',
    );
    expect(await second.interrupt()).toBe(0);
    after.close();
  });

  it('says which port is taken, and that a folder is in use', async () => {
    const folder = newFolder();
    const first = start('--port', '0', '--data-dir', folder);
    await first.kubeconfig();
    const port = /:(\d+)\n/.exec(first.output())?.[1] ?? '';
    const taken = start('--port', port);
    expect(await taken.ended).not.toBe(0);
    expect(taken.output()).toContain('E_APISERVER_PORT_TAKEN');
    const locked = start('--port', '0', '--data-dir', folder);
    expect(await locked.ended).not.toBe(0);
    expect(locked.output()).toContain('E_STORE_LOCKED');
    expect(await first.interrupt()).toBe(0);
  });
});

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'nuts.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'nuts', singular: 'nut', kind: 'Nut' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
