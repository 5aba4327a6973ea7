import { type ConfigEntries, parseFlinkVersion, readConfigFile } from '@drey/flink';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { goldenArea } from '../../../../golden/golden.ts';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { podTemplateFrom } from '../kubernetes/pod-template.ts';
import type { ClientFiles, ClusterInput } from './input.ts';
import { buildNativeCluster } from './jobmanager-factory.ts';
import { buildTaskManagerPod } from './taskmanager-factory.ts';

const area = goldenArea('flink-native');
const cases = [...new Set(area.files.filter((f) => f.endsWith('/input.properties')).map((f) => f.slice(0, -17)))];
let passed = 0;

test('Every case names a version of Flink and a target', () => {
  for (const name of cases) expect(name).toMatch(/^\d+\.\d+\.\d+\/.+/);
});

test.each(cases)('Flink’s own objects: %s', (name) => {
  const input = inputOf(name);
  const { deployment, accompanying } = buildNativeCluster(input);
  expect(plain(deployment)).toEqual(area.json(`${name}/jm-deployment.json`));
  const expected = resourceFiles(name);
  expect(accompanying.map((o) => `${o.kind}-${o.metadata.name}`)).toEqual(expected.map(({ id }) => id));
  expected.forEach(({ file }, i) => {
    expect(comparable(accompanying[i]!, input)).toEqual(comparable(area.json(`${name}/${file}`), input));
  });
  expect(pod(buildTaskManagerPod(input))).toEqual(pod(area.json(`${name}/tm-pod.json`)));
  if (area.files.includes(`${name}/cm-config-sorted.json`)) {
    const config = accompanying.find((o) => o.metadata.name === `flink-config-${input.clusterId}`)!;
    expect(configOf(config, input)).toEqual(area.json(`${name}/cm-config-sorted.json`));
  }
  passed += 1;
});

afterAll(() => console.log(`flink-native: ${passed} of ${cases.length}`));

function inputOf(name: string): ClusterInput {
  const [version = '', id = ''] = name.split('/');
  const target = id.startsWith('session') ? 'session' : 'application';
  const configuration = properties(area.text(`${name}/input.properties`));
  return {
    flinkVersion: parseFlinkVersion(version),
    target,
    clusterId: `my-${target}`,
    configuration,
    files: filesOf(configuration),
  };
}

function properties(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) out[line.slice(0, at)] = line.slice(at + 1);
  }
  return out;
}

function filesOf(configuration: ConfigEntries): ClientFiles {
  const read = (path: string | undefined): string | undefined => {
    return path === undefined ? undefined : area.text(path.replace('/golden/', ''));
  };
  const common = configuration['kubernetes.pod-template-file.default'] ?? configuration['kubernetes.pod-template-file'];
  const jobManager = read(configuration['kubernetes.pod-template-file.jobmanager'] ?? common);
  const taskManager = read(configuration['kubernetes.pod-template-file.taskmanager'] ?? common);
  const dir = configuration['$internal.deployment.config-dir']?.replace('/golden/', '');
  const logging = area.files.filter((f) => dir !== undefined && f.startsWith(`${dir}/`));
  return {
    ...(jobManager ? { jobManagerTemplate: podTemplateFrom(parse(jobManager)) } : {}),
    ...(taskManager ? { taskManagerTemplate: { text: taskManager, pod: podTemplateFrom(parse(taskManager)) } } : {}),
    logging: Object.fromEntries(logging.map((f) => [f.slice(f.lastIndexOf('/') + 1), area.text(f)])),
  };
}

function resourceFiles(name: string): { id: string; file: string }[] {
  return area.files
    .filter((f) => f.startsWith(`${name}/jm-res-`))
    .map((f) => f.slice(name.length + 1))
    .sort((a, b) => Number(a.split('-')[2]) - Number(b.split('-')[2]))
    .map((file) => ({ file, id: file.replace(/^jm-res-\d+-/, '').replace(/\.json$/, '') }));
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function comparable(object: ManifestObject, input: ClusterInput): unknown {
  if (object.metadata.name !== `flink-config-${input.clusterId}`) return plain(object);
  const data = object.data as Record<string, string>;
  const config = Object.keys(data).find((key) => key === 'config.yaml' || key === 'flink-conf.yaml')!;
  return { ...object, data: { ...data, [config]: configOf(object, input) } };
}

function configOf(object: ManifestObject, input: ClusterInput): Record<string, string> {
  const data = object.data as Record<string, string>;
  const file = 'config.yaml' in data ? 'config.yaml' : 'flink-conf.yaml';
  return readConfigFile(data[file]!, file, input.flinkVersion).toRecord();
}

/** The pod with the words of its command line as a set: their order is hash order. */
function pod(object: ManifestObject): unknown {
  const copy = plain(object) as { spec: { containers: { name: string; args?: string[] }[] } };
  const main = copy.spec.containers.find((container) => container.name === 'flink-main-container')!;
  const line = main.args![2]!;
  const words = line.match(/^\S+|-D\S+='[^']*'|-D \S+|\S+/g) ?? [];
  return {
    ...copy,
    args: [...words].sort(),
    main: { ...main, args: main.args!.slice(0, 2), end: line.endsWith(' ') },
    spec: { ...copy.spec, containers: copy.spec.containers.map((c) => (c === main ? {} : c)) },
  };
}
