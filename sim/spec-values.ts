import { allCrds } from '@drey/api';

/** One member of a spec, and values to give it in turn. */
export interface Member {
  /** Names from `spec` on. */
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Values per member. */
const MOST_VALUES = 3;

/** What cannot be seen from a type: values that mean something, by path; an empty list is not walked. */
const meaning: Readonly<Record<string, readonly unknown[]>> = {
  image: ['flink:1.20.5', 'registry.example.com/flink:1.20'],
  flinkVersion: ['v1_19', 'v1_18'],
  serviceAccount: ['another', ''],
  flinkConfiguration: [
    { 'restart-strategy.type': 'fixed-delay' },
    { 'kubernetes.operator.job.restart.failed': 'true' },
    { 'web.timeout': '30 s', 'rest.flamegraph.enabled': 'true' },
    { 'taskmanager.numberOfTaskSlots': '4' },
    { 'kubernetes.cluster-id': 'forbidden' },
    // Refused in native mode.
    { 'kubernetes.taskmanager.stateful-set.enabled': 'true' },
    {
      'kubernetes.taskmanager.stateful-set.enabled': 'true',
      'kubernetes.taskmanager.stateful-set.volume.size': '1Gi',
      'kubernetes.taskmanager.stateful-set.volume.storage-class': 'fast',
    },
    {
      'kubernetes.taskmanager.stateful-set.enabled': 'true',
      'kubernetes.taskmanager.stateful-set.volume.size': 'ten',
    },
  ],
  'ingress.template': ['{{name}}.{{namespace}}.example.com', 'example.com/{{namespace}}/{{name}}(/|$)(.*)'],
  'ingress.className': ['nginx'],
  'ingress.annotations': [],
  'ingress.labels': [],
  'ingress.tls': [],
  podTemplate: [
    { metadata: { labels: { team: 'a' } } },
    { spec: { containers: [{ name: 'flink-main-container', env: [{ name: 'WALKED', value: 'yes' }] }] } },
    { spec: { terminationGracePeriodSeconds: 60, tolerations: [{ key: 'spot', operator: 'Exists' }] } },
  ],
  'jobManager.podTemplate': [{ metadata: { annotations: { walked: 'yes' } } }],
  'taskManager.podTemplate': [{ metadata: { annotations: { walked: 'yes' } } }],
  'jobManager.resource.memory': ['1100m', '2g', 'much'],
  'taskManager.resource.memory': ['1600m', '2 gb', '1m'],
  'jobManager.resource.ephemeralStorage': ['1Gi', '500Mi'],
  'taskManager.resource.ephemeralStorage': ['1Gi', '500Mi'],
  'jobManager.replicas': [2, 0],
  logConfiguration: [{ 'log4j-console.properties': 'rootLogger.level = DEBUG' }, { 'other.properties': 'x' }],
  'job.jarURI': ['local:///opt/flink/usrlib/other.jar', 'no uri at all'],
  'job.entryClass': ['org.example.Walked'],
  'job.args': [['--walked'], ['--walked', 'yes']],
  'job.parallelism': [1, 3, 0],
  // What it refers to may not change.
  deploymentName: ['another'],
  'savepoint.path': ['file:///state/elsewhere'],
  // These are commands, not states.
  'job.state': [],
  'job.initialSavepointPath': [],
  'job.savepointRedeployNonce': [],
  'job.autoscalerResetNonce': [],
  mode: [],
};

/** Every member of the spec of a kind, as its definition declares them, with values for each. */
export function walkedMembers(kind: 'FlinkDeployment' | 'FlinkSessionJob' | 'FlinkStateSnapshot'): Member[] {
  const found: Member[] = [];
  const visit = (path: readonly string[], schema: Schema): void => {
    const values = meaning[path.join('.')] ?? valuesOf(schema);
    if (values !== undefined) {
      if (values.length > 0) found.push({ path, values });
      return;
    }
    for (const [name, member] of Object.entries(schema.properties ?? {})) visit([...path, name], member);
  };
  for (const [name, member] of Object.entries(specSchema(kind).properties ?? {})) visit([name], member);
  return found;
}

function specSchema(kind: string): Schema {
  const definition = allCrds().find(({ spec }) => spec.names.kind === kind);
  const version = definition?.spec.versions[0] as
    | { readonly schema?: { readonly openAPIV3Schema?: Schema } }
    | undefined;
  return version?.schema?.openAPIV3Schema?.properties?.spec ?? {};
}

/** undefined: an object, whose members are walked instead. */
function valuesOf({ type, enum: allowed }: Schema): readonly unknown[] | undefined {
  if (allowed !== undefined) return allowed.filter((one) => one !== null && one !== '').slice(0, MOST_VALUES);
  switch (type) {
    case 'boolean':
      return [true, false];
    case 'integer':
      return [1, 2];
    case 'number':
      return [0.5, 1.5];
    case 'string':
      return ['walked'];
    case 'array':
      return [];
    default:
      return undefined;
  }
}
