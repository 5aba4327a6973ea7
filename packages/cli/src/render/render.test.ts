import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { register as registerCrds } from '../commands/crds.ts';
import { register as registerRender } from '../commands/render.ts';
import { parseProperties } from './properties.ts';
import { parseYamlDocuments } from './yaml-documents.ts';

const JOB = `apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: demo, namespace: shop}
spec:
  image: flink:1.20
  flinkVersion: v1_20
  serviceAccount: flink
  jobManager: {resource: {memory: 1g, cpu: 1}}
  taskManager: {resource: {memory: 1g, cpu: 1}}
  job: {jarURI: local:///opt/job.jar, parallelism: 2}
`;

let folder = '';
let out = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'render-'));
  out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function drey(
  ...args: string[]
): Promise<{ kind: string; items: { kind: string; metadata: { name: string } }[] }> {
  const program = new Command('drey').exitOverride();
  registerRender(program);
  registerCrds(program);
  await program.parseAsync(args, { from: 'user' });
  return parse(out);
}

test('A standalone cluster is printed with its TaskManagers, after what their pods mount', async () => {
  const standalone = JOB.replace('spec:', 'spec:\n  mode: standalone\n  ingress: {template: "{{name}}.example.com"}');
  const list = await drey('render', '-f', file('standalone.yaml', standalone));
  expect(list.items.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
    'Deployment/demo',
    'Service/demo',
    'Service/demo-rest',
    'ConfigMap/flink-config-demo',
    'Deployment/demo-taskmanager',
    'Ingress/demo',
  ]);
});

test('A session cluster is printed as one', async () => {
  const session = JOB.replace(/^ {2}job: .*$/m, '');
  const list = await drey('render', '-f', file('session.yaml', session));
  expect(JSON.stringify(list.items[0])).toContain('kubernetes-jobmanager.sh kubernetes-session');
});

test('A FlinkDeployment is printed as one List in the order of creation', async () => {
  const list = await drey('render', '-f', file('job.yaml', JOB));
  expect(list.items.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
    'Deployment/demo',
    'Service/demo',
    'Service/demo-rest',
    'ConfigMap/flink-config-demo',
  ]);
});

test('The FlinkDeployments of a List are printed, other kinds are not', async () => {
  const indented = JOB.trimEnd().replace(/^/gm, '    ').replace('    apiVersion', '  - apiVersion');
  const list = await drey(
    'render',
    '-f',
    file('list.yaml', `apiVersion: v1\nkind: List\nitems:\n${indented}\n  - kind: Pod\n`),
  );
  expect(list.items).toHaveLength(4);
});

test('The operator configuration given goes into the objects', async () => {
  const config = file('config.yaml', 'rest:\n  port: 9999\n');
  await drey('render', '-f', file('job.yaml', JOB), '--operator-config', config, '-o', 'json');
  expect(out).toContain('"port": 9999');
});

test('A deployment that is suspended from the start makes no objects', async () => {
  const suspended = JOB.replace('parallelism: 2', 'parallelism: 2, state: suspended');
  expect((await drey('render', '-f', file('job.yaml', suspended))).items).toEqual([]);
});

test('Broken YAML is refused with line and column', () => {
  expect(() => parseYamlDocuments('a: 1\nb: [1\nc: 2\n', 'job.yaml')).toThrow(/^job\.yaml:3:1: /);
});

test('Large integers keep all their digits', () => {
  const [document] = parseYamlDocuments('nonce: 1763724000123456789', 'job.yaml');
  expect(document?.value).toMatchObject({ nonce: { text: '1763724000123456789' } });
});

test('A memory size that is none is refused with what to write instead', async () => {
  const path = file('job.yaml', JOB.replace('memory: 1g', 'memory: lots'));
  await expect(drey('render', '-f', path)).rejects.toMatchObject({ code: 'E_VALIDATION_JOB_MANAGER', exit: 'invalid' });
});

test('A file without a FlinkDeployment, and one that is not there, are refused', async () => {
  await expect(drey('render', '-f', file('a.yaml', 'kind: Pod'))).rejects.toMatchObject({ code: 'E_RENDER_NOTHING' });
  await expect(drey('render', '-f', join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'E_FILE' });
});

test('The native client’s objects come from a flat configuration, with the TaskManager pod on request', async () => {
  const config = file(
    'flink.properties',
    'jobmanager.memory.process.size=1g\ntaskmanager.memory.process.size=2g\nkubernetes.container.image.ref=flink:X',
  );
  const args = [
    'render',
    'native',
    '--flink-version',
    '2.0',
    '--target',
    'session',
    '--cluster-id',
    'demo',
    '--config',
    config,
  ];
  expect((await drey(...args)).items[0]).toMatchObject({ kind: 'Deployment', metadata: { name: 'demo' } });
  out = '';
  expect(await drey(...args, '--taskmanager', '-o', 'json')).toMatchObject({
    kind: 'Pod',
    metadata: { name: 'demo-taskmanager-1-1' },
  });
  expect(out.startsWith('{')).toBe(true);
});

test('A value of a properties file may hold equals signs', () => {
  expect(parseProperties('# comment\nenv.java.opts.all=-Da=b\n\n')).toEqual({ 'env.java.opts.all': '-Da=b' });
});

test('The definitions are printed with FlinkDeployment first', async () => {
  const list = await drey('crds', '-o', 'json');
  expect(list.items[0]?.metadata.name).toBe('flinkdeployments.flink.apache.org');
  expect(list.items).toHaveLength(4);
});
