import { allCrds, type CustomResourceDefinition, isJsonObject } from '@drey/api';

/** A resource that is wrong in one way. */
export interface WrongResource {
  /** What is wrong, unique in the corpus. */
  readonly id: string;
  readonly kind: 'FlinkDeployment' | 'FlinkSessionJob' | 'FlinkStateSnapshot';
  /** The member that is wrong. */
  readonly path: string;
  readonly object: {
    readonly apiVersion: 'flink.apache.org/v1beta1';
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly spec: Record<string, unknown>;
  };
}

type Kind = WrongResource['kind'];
type Schema = Readonly<Record<string, unknown>>;
type Spec = Record<string, unknown>;

/** Good resources; each wrong one is one of these with one change. */
const GOOD: Readonly<Record<Kind, Spec>> = {
  FlinkDeployment: {
    image: 'flink:1.20',
    flinkVersion: 'v1_20',
    serviceAccount: 'flink',
    flinkConfiguration: {
      'taskmanager.numberOfTaskSlots': '2',
      'execution.checkpointing.dir': 'file:///state/checkpoints',
      'execution.checkpointing.savepoint-dir': 'file:///state/savepoints',
    },
    jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
    taskManager: { resource: { memory: '1024m', cpu: 0.5 } },
    job: { jarURI: 'local:///opt/flink/job.jar', parallelism: 2, upgradeMode: 'savepoint' },
  },
  FlinkSessionJob: {
    deploymentName: 'session',
    job: { jarURI: 'https://93.184.215.14/job.jar', parallelism: 2, upgradeMode: 'stateless' },
  },
  FlinkStateSnapshot: { jobReference: { kind: 'FlinkDeployment', name: 'app' }, savepoint: {} },
};

/**
 * A corpus of wrong resources, the same every time: every member of every kind's schema with values of every wrong type, and every
 * rule of validation broken in several ways. Each has to be refused with a code and the place, by the schema, by its rules or by
 * validation.
 */
export function wrongResources(): WrongResource[] {
  const kinds = new Map(allCrds().map((crd) => [crd.spec.names.kind, crd]));
  const ofSchema = (Object.keys(GOOD) as Kind[]).flatMap((kind) => wrongTypes(kind, kinds.get(kind)));
  return [...ofSchema, ...wrongPodTemplates(), ...wrongMeanings()];
}

/** A good resource of a kind. */
export function goodResource(kind: Kind): WrongResource['object'] {
  return resource(kind, GOOD[kind]);
}

function resource(kind: Kind, spec: Spec, name = 'app'): WrongResource['object'] {
  return { apiVersion: 'flink.apache.org/v1beta1', kind, metadata: { name, namespace: 'default' }, spec };
}

function wrong(kind: Kind, path: string, value: unknown, why?: string): WrongResource {
  const id = `${kind} ${path} ${why ?? shown(value)}`;
  return { id, kind, path: `spec.${path}`, object: resource(kind, changed(GOOD[kind], path.split('.'), value)) };
}

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A copy with the member at a path set, or taken away; what is no object on the way becomes one. */
function changed(node: unknown, [name = '', ...rest]: readonly string[], value: unknown): Spec {
  const out: Spec = isJsonObject(node) ? { ...node } : {};
  const key = name.replaceAll('/', '.');
  if (rest.length > 0) out[key] = changed(out[key], rest, value);
  else if (value === undefined) delete out[key];
  else out[key] = value;
  return out;
}

const WRONG_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  string: [{ a: 'text' }, ['text'], 7, true],
  integer: ['many', 1.5, { a: 1 }, [1], true],
  number: ['many', { a: 1 }, [1], true],
  boolean: ['maybe', 7, { a: true }, [true]],
  object: ['text', 7, true, ['text']],
  array: ['text', 7, { a: 'text' }],
  quantity: [true, { a: '1' }, ['1'], 1.5],
};

function wrongTypes(kind: Kind, crd: CustomResourceDefinition | undefined): WrongResource[] {
  const root = crd?.spec.versions[0].schema.openAPIV3Schema as { properties: Record<string, Schema> };
  return below(root.properties.spec ?? {}, []).flatMap(({ path, schema }) => {
    const type = schema['x-kubernetes-int-or-string'] === true ? 'quantity' : String(schema.type);
    const values = [...(WRONG_VALUES[type] ?? []), ...(schema.enum === undefined ? [] : ['no-such-word', ''])];
    return values.map((value) => wrong(kind, path.join('.'), wrapped(path, value)));
  });
}

/** Items of lists and values of maps have a place of their own in the schema, and none in a path. */
function wrapped(path: readonly string[], value: unknown): unknown {
  const last = path.at(-1);
  return last === '0' ? [value] : value;
}

function below(schema: Schema, path: readonly string[]): { path: readonly string[]; schema: Schema }[] {
  const members = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const values = isJsonObject(schema.additionalProperties) ? [['some-key', schema.additionalProperties] as const] : [];
  return [...members, ...(values as [string, Schema][])].flatMap(([name, member]) => {
    // Inside pod templates nothing is known to the schema.
    if (name === 'podTemplate' || path.includes('podTemplate')) return [];
    return [{ path: [...path, name], schema: member }, ...below(member, [...path, name])];
  });
}

/** What the schema lets through, as it keeps pods as they are. */
function wrongPodTemplates(): WrongResource[] {
  const values: readonly (readonly [string, readonly unknown[]])[] = [
    ['', ['text', 7, []]],
    ['metadata', ['text', 7, []]],
    ['metadata.labels', ['text', ['a']]],
    ['metadata.annotations', ['text', 7]],
    ['metadata.finalizers', ['text', {}]],
    ['spec', ['text', 7, []]],
    ['spec.containers', ['text', 7, {}, ['text'], [7]]],
    ['spec.initContainers', ['text', {}, ['text']]],
    ['spec.volumes', ['text', {}, ['text'], [[]]]],
    ['spec.tolerations', ['text', {}]],
    ['spec.affinity', ['text', []]],
    ['spec.nodeSelector', ['text', [], { a: {} }]],
    ['spec.securityContext', ['text', [], { runAsUser: 'root' }]],
    ['spec.terminationGracePeriodSeconds', ['long', {}]],
    ['spec.hostNetwork', ['maybe', 7]],
    ['spec.serviceAccountName', [{}, []]],
    [
      'spec.containers',
      [[{ name: {} }], [{ name: 'a', env: 'text' }], [{ name: 'a', env: [{ name: 'A', value: {} }] }]],
    ],
    ['spec.containers', [[{ name: 'a', ports: [{ containerPort: 'http' }] }], [{ name: 'a', args: 'text' }]]],
    ['spec.containers', [[{ name: 'a', resources: { requests: { cpu: {} } } }], [{ name: 'a', volumeMounts: {} }]]],
  ];
  const places = ['podTemplate', 'jobManager.podTemplate', 'taskManager.podTemplate'];
  return places.flatMap((place) =>
    values.flatMap(([path, list]) =>
      list.map((value) => wrong('FlinkDeployment', path === '' ? place : `${place}.${path}`, value)),
    ),
  );
}

const CONF = 'flinkConfiguration';
/** A configuration key inside a path, whose dots part members. */
const conf = (key: string): string => `${CONF}.${key.replaceAll('.', '/')}`;

function wrongMeanings(): WrongResource[] {
  const deployment = (path: string, ...values: readonly unknown[]): WrongResource[] =>
    values.map((value) => wrong('FlinkDeployment', path, value));
  const sessionJob = (path: string, ...values: readonly unknown[]): WrongResource[] =>
    values.map((value) => wrong('FlinkSessionJob', path, value));
  const several = (why: string, path: string, changes: Readonly<Record<string, unknown>>): WrongResource => {
    const entries = Object.entries(changes);
    const spec = entries.reduce((out, [at, value]) => changed(out, at.split('.'), value), GOOD.FlinkDeployment);
    const id = `FlinkDeployment ${why}`;
    return { id, kind: 'FlinkDeployment', path: `spec.${path}`, object: resource('FlinkDeployment', spec) };
  };
  const memories = ['plenty', '1x', '-1g', '0', '1 zb', ' ', '1024m1', '1.5.5g', 'Gi'];
  const quantities = ['two', '-', '1..5', '1kk', '5 5', 'Gi'];
  return [
    ...wrongNames(),
    ...deployment('flinkVersion', undefined, 'v1_13', 'v1_14'),
    ...deployment('serviceAccount', undefined),
    ...['jobManager', 'taskManager'].flatMap((role) => [
      ...deployment(`${role}.resource.memory`, undefined, ...memories),
      ...deployment(`${role}.resource.ephemeralStorage`, ...quantities),
      ...deployment(`${role}.resources`, { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } }),
      ...deployment(`${role}.resources`, { requests: { memory: '1Gi', cpu: '2' }, limits: { cpu: '1' } }),
      ...deployment(`${role}.resources`, { requests: { memory: '1Gi', cpu: '-1' } }, { requests: { memory: '0' } }),
      ...deployment(`${role}.resources`, ...quantities.map((memory) => ({ limits: { memory } }))),
      ...deployment(`${role}.replicas`, 0, -1, -2_147_483_648),
    ]),
    ...deployment('jobManager.replicas', 2, 3),
    ...deployment('job.parallelism', undefined, 0, -1),
    ...['kubernetes.namespace', 'kubernetes.cluster-id', 'high-availability.cluster-id'].flatMap((key) =>
      deployment(conf(key), 'mine'),
    ),
    ...deployment(`${CONF}.kubernetes`, { namespace: 'mine' }, { 'cluster-id': 'mine' }),
    ...deployment(conf('kubernetes.operator.deployment.rollback.enabled'), 'true', true),
    several('health check without recovery', CONF, {
      [conf('kubernetes.operator.cluster.health-check.enabled')]: 'true',
      [conf('kubernetes.operator.jm-deployment-recovery.enabled')]: 'false',
    }),
    ...deployment('ingress', {}, { className: 'nginx' }),
    ...deployment('ingress.template', 'http://[', '{{name}}:port/path', 'a b.example.com/{{name}}'),
    ...deployment('logConfiguration', { 'log4j.properties': 'x' }, { 'logback.xml': 'x' }, { '': 'x' }),
    ...deployment(conf('execution.checkpointing.dir'), undefined),
    ...deployment(conf('execution.checkpointing.savepoint-dir'), undefined, '', ' '),
    several('last-state without a directory', CONF, {
      'job.upgradeMode': 'last-state',
      [conf('execution.checkpointing.dir')]: undefined,
    }),
    ...['periodic.savepoint.interval', 'job.upgrade.last-state.max.allowed.checkpoint.age'].map((key) =>
      several(`${key} without a directory for savepoints`, CONF, {
        'job.upgradeMode': 'stateless',
        [conf('execution.checkpointing.savepoint-dir')]: undefined,
        [conf(`kubernetes.operator.${key}`)]: '1h',
      }),
    ),
    several('a savepoint without a directory', CONF, {
      'job.upgradeMode': 'stateless',
      'job.savepointTriggerNonce': 1,
      [conf('execution.checkpointing.savepoint-dir')]: undefined,
    }),
    ...wrongAutoscaler(several),
    ...deployment('imagePullPolicy', 'Sometimes', 'always'),
    ...deployment(conf('taskmanager.numberOfTaskSlots'), 'many', '1.5'),
    ...deployment(conf('kubernetes.rest-service.exposed.type'), 'Nowhere'),
    // Of a native cluster.
    ...deployment(conf('kubernetes.taskmanager.stateful-set.enabled'), 'true', 'perhaps'),
    ...wrongStatefulSets(several),
    ...sessionJob('deploymentName', undefined, '', 'Session', '1st', 'a'.repeat(46), 'a_b', 'a.b', '-a', 'a-'),
    ...sessionJob('job', undefined),
    ...sessionJob(
      'job.jarURI',
      ...[
        'job.jar',
        '/opt/job.jar',
        'file:///job.jar',
        'local:///job.jar',
        'http://93.184.215.14/job.jar',
        's3://b/job.jar',
      ],
      ...['https:///job.jar', 'https://127.0.0.1/job.jar', 'https://localhost/job.jar', 'https://10.1.2.3/job.jar'],
      ...[
        'https://[::1]/job.jar',
        'https://169.254.169.254/job.jar',
        'https://0.0.0.0/j.jar',
        'https://no.such.host/j.jar',
      ],
      ...[
        'https://127.1/j.jar',
        'https://2130706433/j.jar',
        'https://[fe80::1]/j.jar',
        'https://a b/j.jar',
        ':',
        'https:',
      ],
    ),
    ...wrongSnapshots(),
  ];
}

function wrongNames(): WrongResource[] {
  // Those that Kubernetes itself takes as names.
  const names = ['1st', 'a.b', 'a'.repeat(46), 'n'.repeat(63), '9', '0-a', 'a.b.c'];
  return names.map((name) => ({
    id: `FlinkDeployment named ${name}`,
    kind: 'FlinkDeployment',
    path: 'metadata.name',
    object: resource('FlinkDeployment', GOOD.FlinkDeployment, name),
  }));
}

function wrongStatefulSets(
  several: (why: string, path: string, changes: Readonly<Record<string, unknown>>) => WrongResource,
): WrongResource[] {
  const options = 'kubernetes.taskmanager.stateful-set';
  const values: Readonly<Record<string, readonly string[]>> = {
    [`${options}.volume.size`]: ['ten', '0', '-1Gi', '1 Gi', ''],
    [`${options}.volume.storage-class`]: ['Fast One', '', '-a', 'x'.repeat(254)],
    'process.taskmanager.working-dir': ['here', '', '/a,/b', '/a b'],
  };
  return Object.entries(values).flatMap(([key, list]) =>
    list.map((value) =>
      several(`StatefulSet of TaskManagers with ${key} ${shown(value)}`, CONF, {
        mode: 'standalone',
        [conf(`${options}.enabled`)]: 'true',
        [conf(key)]: value,
      }),
    ),
  );
}

function wrongAutoscaler(
  several: (why: string, path: string, changes: Readonly<Record<string, unknown>>) => WrongResource,
): WrongResource[] {
  const values: Readonly<Record<string, readonly string[]>> = {
    'scale-down.max-factor': ['-1', 'much'],
    'scale-up.max-factor': ['-0.5', ''],
    'utilization.target': ['-0.1', '1.1', 'half'],
    'target.utilization.boundary': ['-1', 'x'],
    'utilization.max': ['0.1', '2'],
    'utilization.min': ['0.9', '-1'],
    'memory.gc-pressure.threshold': ['2', 'x'],
    'memory.heap-usage.threshold': ['-1', '1.5'],
    'observed-scalability.coefficient-min': ['0', '2'],
    'excluded.periods': ['10:00-09:00', 'always', '09:00-10:00 && 11:00-12:00', '* * * * *'],
    'metrics.window': ['1 s', '10 s'],
  };
  return Object.entries(values).flatMap(([key, list]) =>
    list.map((value) =>
      several(`autoscaler ${key} ${shown(value)}`, CONF, {
        [conf('job.autoscaler.enabled')]: 'true',
        [conf(`job.autoscaler.${key}`)]: value,
      }),
    ),
  );
}

function wrongSnapshots(): WrongResource[] {
  const reference = { kind: 'FlinkDeployment', name: 'app' };
  const specs: readonly (readonly [string, string, Spec])[] = [
    ['nothing', '', {}],
    ['neither', '', { jobReference: reference }],
    ['both', '', { jobReference: reference, savepoint: {}, checkpoint: {} }],
    ['both, existing', '', { savepoint: { alreadyExists: true, path: 'file:///a' }, checkpoint: {} }],
    ['a savepoint of nothing', 'jobReference', { savepoint: {} }],
    ['a checkpoint of nothing', 'jobReference', { checkpoint: {} }],
    ['a savepoint of nothing that does not exist', 'jobReference', { savepoint: { alreadyExists: false } }],
    ['a savepoint of nothing with a path', 'jobReference', { savepoint: { path: 'file:///a' } }],
    ['a job that is not there', 'jobReference.name', { jobReference: { ...reference, name: 'none' }, savepoint: {} }],
    ['a job without a name', 'jobReference.name', { jobReference: { kind: 'FlinkDeployment' }, checkpoint: {} }],
  ];
  return specs.map(([why, path, spec]) => ({
    id: `FlinkStateSnapshot of ${why}`,
    kind: 'FlinkStateSnapshot',
    path: path === '' ? 'spec' : `spec.${path}`,
    object: resource('FlinkStateSnapshot', spec),
  }));
}
