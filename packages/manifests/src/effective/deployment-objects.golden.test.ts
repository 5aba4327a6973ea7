import { type ConfigFileName, readConfigFile } from '@drey/flink';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { goldenArea } from '../../../../golden/golden.ts';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { CLIENT_VERSION } from './deploy-config.ts';
import { buildDeploymentObjects, withOwner } from './deployment-objects.ts';
import type { DeploymentInput } from './spec-view.ts';

interface Write {
  readonly verb: string;
  readonly body: ManifestObject;
}

const area = goldenArea('apache-operator');
const JAVA_OPTIONS = javaOptions();
const OPERATOR_CONFIG = {
  'taskmanager.numberOfTaskSlots': '1',
  'parallelism.default': '1',
  'kubernetes.operator.default-configuration.flink-version.v1_18.env.java.opts.all': JAVA_OPTIONS,
  'kubernetes.operator.default-configuration.flink-version.v1_19+.env.java.default-opts.all': JAVA_OPTIONS,
};
const KINDS = ['Deployment', 'Service', 'ConfigMap', 'Ingress'];
const cases = [...new Set(area.files.filter((file) => file.endsWith('/input.yaml')).map((file) => file.split('/')[0]!))]
  .filter((name) => hasDeployment(name) && created(name).length > 0)
  .sort();
let passed = 0;

describe('Objects are those that the Apache operator created', () => {
  test('Every case creates a Deployment first', () => {
    for (const name of cases) expect(created(name)[0]?.kind, name).toBe('Deployment');
  });

  test.each(cases)('%s', (name) => {
    const expected = created(name);
    const input = inputOf(name);
    const jobId = configOf(expected)?.['$internal.pipeline.job-id'] ?? '';
    const built = withOwner(
      buildDeploymentObjects({
        deployment: {
          ...input,
          metadata: { ...input.metadata, uid: expected[0]!.metadata.ownerReferences![0]!.uid, generation: 1 },
        },
        operatorConfig: OPERATOR_CONFIG,
        decision: { jobId, resultStoreId: 'x', ...savepointOf(input) },
      }),
      expected[1]!.metadata.ownerReferences![0]!.uid,
    );
    expect(built.map((object) => `${object.kind}/${object.metadata.name}`)).toEqual(
      expected.map((object) => `${object.kind}/${object.metadata.name}`),
    );
    for (const [i, object] of built.entries()) expect(comparable(object)).toEqual(comparable(expected[i]!));
    passed += 1;
  });
});

afterAll(() => console.log(`apache-operator objects: ${passed} of ${cases.length}`));

function documents(name: string): DeploymentInput[] {
  return area
    .text(`${name}/input.yaml`)
    .split(/^---$/m)
    .map((text) => parse(text) as DeploymentInput)
    .filter((document) => document?.kind === 'FlinkDeployment');
}

function inputOf(name: string): DeploymentInput {
  return documents(name)[0]!;
}

function hasDeployment(name: string): boolean {
  return documents(name).length > 0 && area.files.includes(`${name}/writes.jsonl`);
}

function created(name: string): ManifestObject[] {
  const id = inputOf(name).metadata.name;
  const out: ManifestObject[] = [];
  for (const line of area.text(`${name}/writes.jsonl`).split('\n').filter(Boolean)) {
    const { verb, body } = JSON.parse(line) as Write;
    const mine =
      body?.metadata?.name === id ||
      body?.metadata?.name?.replace(/^(flink-config|pod-template)-|-(rest|taskmanager)$/g, '') === id;
    if (verb === 'create' && KINDS.includes(body?.kind) && mine) out.push(body);
  }
  return out;
}

function savepointOf({ spec }: DeploymentInput): { savepointPath?: string } {
  const path = (spec as { job?: { initialSavepointPath?: string } }).job?.initialSavepointPath;
  return path ? { savepointPath: path } : {};
}

function configOf(objects: readonly ManifestObject[]): Record<string, string> | undefined {
  const data = objects.find((object) => object.metadata.name.startsWith('flink-config-'))?.data as
    | Record<string, string>
    | undefined;
  const file =
    data && (Object.keys(data).find((key) => key === 'config.yaml' || key === 'flink-conf.yaml') as ConfigFileName);
  return file && data ? readConfigFile(data[file]!, file, CLIENT_VERSION).toRecord() : undefined;
}

function javaOptions(): string {
  const file = area.files.find((path) => path.endsWith('/writes.jsonl') && area.text(path).includes('--add-exports'));
  if (file === undefined) return '';
  const found = /--add-exports[^"\\]*/.exec(area.text(file));
  return found![0];
}

/** What was sent and what the recorder filled in, made equal: defaults of the API server, random parts, our own logging. */
function comparable(object: ManifestObject): unknown {
  const copy = JSON.parse(JSON.stringify(object)) as Record<string, never>;
  const { status: _, ...rest } = copy as Record<string, unknown>;
  const metadata = rest.metadata as Record<string, unknown>;
  const { namespace: __, ...named } = metadata;
  const data = rest.data as Record<string, string> | undefined;
  const config = configOf([object]);
  return strip({
    ...rest,
    metadata: named,
    ...(data && {
      data: Object.fromEntries(
        Object.entries(data).map(([key, text]) => {
          if (key.startsWith('log')) return [key, ''];
          if (key === 'taskmanager-pod-template.yaml') return [key, parse(text)];
          return [key, config ? randomless(config) : text];
        }),
      ),
    }),
  });
}

function randomless(config: Record<string, string>): unknown {
  const { 'kubernetes.jobmanager.owner.reference': owner = '', ...rest } = config;
  const text = JSON.stringify(rest)
    .replace(/podTemplate_\d+/g, 'podTemplate_N')
    .replace(/(job-result-store\/[^/"]+\/)[^"/]+/g, '$1ID');
  return { ...(JSON.parse(text) as object), owner: owner.split(',').sort() };
}

const DEFAULTS: Record<string, unknown> = {
  protocol: 'TCP',
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  resources: {},
  schedulerName: 'default-scheduler',
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  revisionHistoryLimit: 10,
  progressDeadlineSeconds: 600,
  sessionAffinity: 'None',
  internalTrafficPolicy: 'Cluster',
  scheme: 'HTTP',
  timeoutSeconds: 1,
  successThreshold: 1,
  defaultMode: 420,
};

/** Leaves out what the API server fills in, and writes quantities in one way. */
function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => strip(item));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    if (name === 'strategy' || (name in DEFAULTS && JSON.stringify(DEFAULTS[name]) === JSON.stringify(item))) continue;
    if (name === 'imagePullPolicy' && item === 'IfNotPresent') continue;
    if (name === 'requests' || name === 'limits') out[name] = quantities(item as Record<string, string>);
    else if (name === 'targetPort' && item === (value as { port?: unknown }).port) continue;
    else if (name === 'type' && item === 'ClusterIP') continue;
    else if (name === 'hostNetwork' && item === false) continue;
    else out[name] = strip(item);
  }
  return out;
}

function quantities(map: Record<string, string>): unknown {
  const bytes = (text: string): number => {
    const [, number = '', unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(text) ?? [];
    return Number(number) * ({ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, m: 0.001, '': 1 }[unit] ?? Number.NaN);
  };
  return Object.fromEntries(Object.entries(map).map(([name, text]) => [name, bytes(text)]));
}
