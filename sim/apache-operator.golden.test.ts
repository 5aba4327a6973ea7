import { type ConfigFileName, readConfigFile } from '@drey/flink';
import type { AnyObject } from '@drey/kube';
import { CLIENT_VERSION } from '@drey/manifests';
import { createOperator } from '@drey/operator';
import { afterAll, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { goldenArea } from '../golden/golden.ts';
import { type OperatorWorld, operatorWorld } from './operator-world.ts';

/**
 * The whole operator on an API server without a kubelet, on the custom resources that the Apache operator was given: the
 * objects it makes and the status it leaves at rest are the Apache operator's.
 */
const area = goldenArea('apache-operator');

/** Files of objects at rest, each kind of them with its API group. */
const CHILDREN = [
  ['deployments', 'apps'],
  ['services', ''],
  ['configmaps', ''],
  ['ingresses', 'networking.k8s.io'],
] as const;
const PRIMARIES = ['flinkdeployments', 'flinksessionjobs', 'flinkstatesnapshots'] as const;

/** Objects that are not compared, and why. */
const NOT_MADE: readonly { readonly matches: RegExp; readonly because: string }[] = [
  { matches: /^ConfigMap\/autoscaler-/, because: 'an empty ConfigMap of the autoscaler, which is off' },
  { matches: /^ConfigMap\/kube-root-ca\.crt$/, because: 'made by Kubernetes' },
  { matches: /^Service\/kubernetes$/, because: 'made by Kubernetes' },
];

/** Annotations that only one side has, and why. */
const ANNOTATIONS: Readonly<Record<string, string>> = {
  'deployment.kubernetes.io/revision': 'made by Kubernetes',
  'flinkdeployment.flink.apache.org/operation': 'by it a repeated creation knows its own work',
};

/** Members of a status that the Apache operator does not have, and why Drey does. */
const ADDED_TO_STATUS: Readonly<Record<string, string>> = {
  conditions: 'Ready, Reconciling and others beside Running; each says of which generation it speaks',
  summary: 'one line for people',
  lifecycleState: 'also of what has not been started yet',
};
/** As {@link ADDED_TO_STATUS}, of a resource that the Apache operator leaves without any status. */
const ADDED_TO_NOTHING = ['clusterInfo', 'jobManagerDeploymentStatus', 'jobStatus', 'reconciliationStatus'];

const cases = [
  ...new Set(area.files.filter((file) => file.endsWith('/input.yaml')).map((file) => file.split('/')[0] ?? '')),
]
  .filter((name) => !area.text(`${name}/input.yaml`).includes('FlinkBlueGreenDeployment'))
  .sort();
let passed = 0;
afterAll(() => console.log(`apache-operator at rest: ${passed} of ${cases.length}`));

test.each(cases)('%s', async (name) => {
  const expected = recorded(name);
  const actual = await made(documents(area.text(`${name}/input.yaml`)));
  expect(actual.children).toEqual(expected.children);
  expect(actual.events).toEqual(expected.events);
  expect([...actual.statuses.keys()]).toEqual([...expected.statuses.keys()]);
  for (const [id, status] of expected.statuses) expectStatus(actual.statuses.get(id) ?? {}, status, id);
  passed += 1;
});

interface Outcome {
  /** One line for each event of an operator. */
  readonly events: readonly string[];
  readonly children: Readonly<Record<string, unknown>>;
  readonly statuses: ReadonlyMap<string, Record<string, unknown>>;
}

function documents(text: string): AnyObject[] {
  const all = parseAllDocuments(text).map((document) => document.toJS() as AnyObject & { items?: AnyObject[] });
  return all.filter((one) => one !== null).flatMap((one) => one.items ?? [one]);
}

function recorded(name: string): Outcome {
  const read = (plural: string): AnyObject[] =>
    area.files.includes(`${name}/${plural}.yaml`) ? documents(area.text(`${name}/${plural}.yaml`)) : [];
  return comparable(
    PRIMARIES.flatMap(read),
    CHILDREN.flatMap(([plural]) => read(plural)),
    read('events'),
  );
}

/** Lets the operator work until nothing changes any more. */
async function made(input: readonly AnyObject[]): Promise<Outcome> {
  const sim = await operatorWorld([], { workloads: false });
  await withoutRules(sim);
  for (const object of input) await sim.drive(sim.admin.raw('POST', collectionOf(object), sorted(object)));
  const operator = createOperator(sim.env('operator'), { config: OPERATOR_CONFIG });
  await sim.drive(operator.start());
  await sim.until(() => false, 30_000);
  // A snapshot of a job that is only starting is given up later than there, and then with the same words.
  await sim.until(() => snapshotsEnded(sim), SNAPSHOT_PATIENCE_MS);
  await sim.drive(operator.stop());
  const { reader } = sim.world.server.server;
  const outcome = comparable(
    PRIMARIES.flatMap((plural) => reader.list('flink.apache.org', plural, 'default')),
    CHILDREN.flatMap(([plural, group]) => reader.list(group, plural, 'default')),
    reader.list('', 'events', 'default'),
  );
  sim.world.stop();
  return outcome;
}

/** Longer than a job may take to run. */
const SNAPSHOT_PATIENCE_MS = 6 * 60_000;

function snapshotsEnded({ world }: OperatorWorld): boolean {
  const snapshots = world.server.server.reader.list('flink.apache.org', 'flinkstatesnapshots', 'default');
  return snapshots.every((one) => {
    const { state } = (one.status ?? {}) as { state?: string };
    return state === 'COMPLETED' || state === 'FAILED' || state === 'ABANDONED';
  });
}

/** The rules in Drey's CustomResourceDefinitions would refuse what the Apache operator's let pass; here the loop is asked. */
async function withoutRules(sim: OperatorWorld): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const { items } = await sim.drive(sim.admin.raw<{ items: AnyObject[] }>('GET', path));
  for (const crd of items) {
    const bare = JSON.parse(JSON.stringify(crd), (key, value: unknown) =>
      key === 'x-kubernetes-validations' ? undefined : value,
    ) as AnyObject;
    await sim.drive(sim.admin.raw('PUT', `${path}/${crd.metadata.name}`, bare));
  }
}

/** Kubernetes keeps the members of custom resources in the order of their names. */
function sorted<T>(value: T): T {
  if (Array.isArray(value)) return value.map(sorted) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)])) as T;
}

function collectionOf({ kind }: AnyObject): string {
  return `/apis/flink.apache.org/v1beta1/namespaces/default/${kind.toLowerCase()}s`;
}

const JAVA_OPTIONS = javaOptions();
const OPERATOR_CONFIG: Readonly<Record<string, string>> = {
  'taskmanager.numberOfTaskSlots': '1',
  'parallelism.default': '1',
  'kubernetes.operator.default-configuration.flink-version.v1_18.env.java.opts.all': JAVA_OPTIONS,
  'kubernetes.operator.default-configuration.flink-version.v1_19+.env.java.default-opts.all': JAVA_OPTIONS,
};

/** The Java options that the recorded operator was configured with. */
function javaOptions(): string {
  const file = area.files.find(
    (path) => path.endsWith('/configmaps.yaml') && area.text(path).includes('--add-exports'),
  );
  if (file === undefined) return '';
  return /--add-exports=[^'"\n]*/.exec(JSON.stringify(documents(area.text(file))))?.[0].split('\\n')[0] ?? '';
}

function comparable(
  primaries: readonly AnyObject[],
  children: readonly AnyObject[],
  events: readonly AnyObject[],
): Outcome {
  const names = new Map([...primaries, ...children].map((one) => [one.metadata.uid ?? '', identity(one)]));
  const jobIds = primaries.map(jobIdOf).filter((id) => id !== undefined);
  const named = (text: string): string => {
    let out = text;
    for (const [uid, name] of names) out = out.replaceAll(uid, `uid of ${name}`);
    for (const id of jobIds) out = out.replaceAll(id, 'JOBID');
    return out;
  };
  const kept = children.filter((one) => !NOT_MADE.some(({ matches }) => matches.test(identity(one))));
  const entries = kept.map(
    (one) => [identity(one), normalised(JSON.parse(named(JSON.stringify(one))) as AnyObject)] as const,
  );
  const statuses = primaries.map(
    (one) => [identity(one), JSON.parse(named(JSON.stringify(one.status ?? {}))) as Record<string, unknown>] as const,
  );
  return {
    children: Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1))),
    events: events.filter(isOfOperator).map(line).sort(),
    statuses: new Map(statuses.sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

interface RecordedEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component: string };
  readonly involvedObject: { readonly apiVersion?: string; readonly kind: string; readonly name: string };
}

function line(event: AnyObject): string {
  const { type, reason, message, source, involvedObject } = event as unknown as RecordedEvent;
  return `${involvedObject.kind}/${involvedObject.name}: ${type} ${source.component} ${reason}: ${message}`;
}

function isOfOperator(event: AnyObject): boolean {
  return (event as unknown as RecordedEvent).involvedObject.apiVersion?.startsWith('flink.') === true;
}

function identity({ kind, metadata }: AnyObject): string {
  return `${kind}/${metadata.name}`;
}

function jobIdOf({ status }: AnyObject): string | undefined {
  return (status as { jobStatus?: { jobId?: string } } | undefined)?.jobStatus?.jobId;
}

/** An object without what the API server and its controllers add, and without what differs from run to run. */
function normalised(object: AnyObject): unknown {
  const { status: _, metadata, ...rest } = object;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !(key in ANNOTATIONS));
  return {
    ...withoutAddresses(rest),
    metadata: {
      labels: metadata.labels ?? {},
      annotations: Object.fromEntries(annotations),
      ownerReferences: metadata.ownerReferences ?? [],
    },
    ...(object.kind === 'ConfigMap' && { data: filesOf(object.data as Record<string, string>) }),
  };
}

/** The API server gives a Service its addresses. */
function withoutAddresses(rest: Record<string, unknown>): Record<string, unknown> {
  if (rest.kind !== 'Service') return rest;
  const { clusterIP, clusterIPs: _, ...spec } = rest.spec as Record<string, unknown>;
  return { ...rest, spec: { ...spec, headless: clusterIP === 'None' } };
}

/** Configuration files as what they say; logging files only by name, since each operator ships its own. */
function filesOf(data: Readonly<Record<string, string>> = {}): unknown {
  return Object.fromEntries(
    Object.entries(data).map(([name, text]) => {
      if (/^(log4j|logback)/.test(name)) return [name, 'a logging file'];
      if (name === 'taskmanager-pod-template.yaml') return [name, parse(text)];
      return [name, settingsOf(text, name as ConfigFileName)];
    }),
  );
}

function settingsOf(text: string, name: ConfigFileName): unknown {
  const { 'kubernetes.jobmanager.owner.reference': owner = '', ...settings } = readConfigFile(
    text,
    name,
    CLIENT_VERSION,
  ).toRecord();
  const steady = JSON.stringify(settings)
    .replace(/podTemplate_\d+/g, 'podTemplate_N')
    .replace(/generated_conf_\d+/g, 'generated_conf_N')
    .replace(/(job-result-store\/[^/"]+\/)[^"/]+/g, '$1ID');
  return { ...(JSON.parse(steady) as object), owner: owner.split(',').sort() };
}

/** Every member that the Apache operator wrote is there with its value; what there is besides stands on a list. */
function expectStatus(actual: Record<string, unknown>, expected: Record<string, unknown>, id: string): void {
  const isBare = Object.keys(expected).length === 0;
  const may = [...Object.keys(expected), ...Object.keys(ADDED_TO_STATUS), ...(isBare ? ADDED_TO_NOTHING : [])];
  expect(
    Object.keys(actual).filter((member) => !may.includes(member)),
    `${id}: members that are on no list`,
  ).toEqual([]);
  const { conditions: theirs, ...rest } = timeless(expected);
  const { conditions: ours, ...own } = timeless(actual);
  expect(own, id).toMatchObject(rest as object);
  for (const condition of (theirs ?? []) as object[]) {
    expect(ours, `${id}: condition`).toEqual(expect.arrayContaining([expect.objectContaining(condition)]));
  }
}

/** Times replaced by whether there is one. */
function timeless(status: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(status), (key, value: unknown) =>
    /Time$|Timestamp$/.test(key) && value !== 0 ? 'a time' : value,
  ) as Record<string, unknown>;
}
