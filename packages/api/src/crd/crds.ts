import type { TSchema } from 'typebox';
import { flinkBlueGreenDeploymentSpec, flinkBlueGreenDeploymentStatus } from '../kinds/flink-blue-green-deployment.ts';
import { flinkDeploymentSpec, flinkDeploymentStatus } from '../kinds/flink-deployment.ts';
import { flinkSessionJobSpec, flinkSessionJobStatus } from '../kinds/flink-session-job.ts';
import { flinkStateSnapshotSpec, flinkStateSnapshotStatus } from '../kinds/flink-state-snapshot.ts';
import { flinkDeploymentRules, flinkSessionJobRules, flinkStateSnapshotRules, type Rules } from './rules.ts';
import { type StructuralSchema, structuralSchema, withRules } from './structural.ts';

/** API group of the kinds. */
export const FLINK_GROUP = 'flink.apache.org';
/** The only version of the kinds: served and stored. */
export const FLINK_API_VERSION = 'v1beta1';

/** A column that `kubectl get` prints. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** A CustomResourceDefinition of apiextensions.k8s.io/v1 as plain data. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
    };
    readonly scope: 'Namespaced';
    readonly versions: readonly [
      {
        readonly name: string;
        readonly served: true;
        readonly storage: true;
        readonly additionalPrinterColumns: readonly PrinterColumn[];
        readonly subresources: Readonly<Record<string, Readonly<Record<string, string>>>>;
        readonly schema: { readonly openAPIV3Schema: StructuralSchema };
      },
    ];
  };
}

interface Definition {
  readonly kind: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: TSchema;
  readonly status: TSchema;
  readonly columns: readonly PrinterColumn[];
  readonly scale?: Readonly<Record<string, string>>;
  readonly rules?: Rules;
}

/** What of the definitions can be left out. */
export interface CrdOptions {
  /**
   * False: without the rules, as in installations that are older than them. What validation refuses can be stored then, and is
   * for the operator to refuse. Default true.
   */
  readonly rules?: boolean;
}

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const SUMMARY: PrinterColumn = {
  name: 'Summary',
  type: 'string',
  jsonPath: '.status.summary',
  description: 'How it is, or what is waited for.',
};

const JOB_COLUMNS: readonly PrinterColumn[] = [
  { name: 'Job Status', type: 'string', jsonPath: '.status.jobStatus.state', description: 'State of the job.' },
  {
    name: 'Lifecycle State',
    type: 'string',
    jsonPath: '.status.lifecycleState',
    description: 'Where the resource stands in its life.',
  },
  AGE,
  SUMMARY,
];

/** The definition of FlinkDeployment. */
export function flinkDeploymentCrd(options: CrdOptions = {}): CustomResourceDefinition {
  return define(options, {
    rules: flinkDeploymentRules,
    kind: 'FlinkDeployment',
    shortName: 'flinkdep',
    description: 'A Flink cluster: one application, or a session cluster that jobs are submitted to.',
    spec: flinkDeploymentSpec,
    status: flinkDeploymentStatus,
    columns: JOB_COLUMNS,
    scale: {
      specReplicasPath: '.spec.taskManager.replicas',
      statusReplicasPath: '.status.taskManager.replicas',
      labelSelectorPath: '.status.taskManager.labelSelector',
    },
  });
}

/** The definition of FlinkSessionJob. */
export function flinkSessionJobCrd(options: CrdOptions = {}): CustomResourceDefinition {
  return define(options, {
    rules: flinkSessionJobRules,
    kind: 'FlinkSessionJob',
    shortName: 'sessionjob',
    description: 'A job on a session cluster.',
    spec: flinkSessionJobSpec,
    status: flinkSessionJobStatus,
    columns: JOB_COLUMNS,
  });
}

/** The definition of FlinkStateSnapshot. */
export function flinkStateSnapshotCrd(options: CrdOptions = {}): CustomResourceDefinition {
  return define(options, {
    rules: flinkStateSnapshotRules,
    kind: 'FlinkStateSnapshot',
    shortName: 'flinksnp',
    description: 'A savepoint or checkpoint of a job.',
    spec: flinkStateSnapshotSpec,
    status: flinkStateSnapshotStatus,
    columns: [
      { name: 'Path', type: 'string', jsonPath: '.status.path', description: 'Where the snapshot lies.' },
      { name: 'Result Timestamp', type: 'string', jsonPath: '.status.resultTimestamp', description: 'When it ended.' },
      { name: 'Snapshot State', type: 'string', jsonPath: '.status.state', description: 'State of the snapshot.' },
      AGE,
      SUMMARY,
    ],
  });
}

/** The definition of FlinkBlueGreenDeployment. */
export function flinkBlueGreenDeploymentCrd(): CustomResourceDefinition {
  return define(
    {},
    {
      kind: 'FlinkBlueGreenDeployment',
      shortName: 'flinkbgdep',
      description: 'Two FlinkDeployments made from one template, of which one serves.',
      spec: flinkBlueGreenDeploymentSpec,
      status: flinkBlueGreenDeploymentStatus,
      columns: [
        { name: 'Job Status', type: 'string', jsonPath: '.status.jobStatus.state', description: 'State of the job.' },
        AGE,
      ],
    },
  );
}

/** Every definition of the group, FlinkDeployment first. */
export function allCrds(options: CrdOptions = {}): CustomResourceDefinition[] {
  return [
    flinkDeploymentCrd(options),
    flinkSessionJobCrd(options),
    flinkStateSnapshotCrd(options),
    flinkBlueGreenDeploymentCrd(),
  ];
}

function define({ rules = true }: CrdOptions, definition: Definition): CustomResourceDefinition {
  const singular = definition.kind.toLowerCase();
  const plural = `${singular}s`;
  const schema: StructuralSchema = {
    type: 'object',
    description: definition.description,
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'Kind of this object.' },
      metadata: { type: 'object' },
      spec: structuralSchema(definition.spec),
      status: structuralSchema(definition.status),
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${FLINK_GROUP}` },
    spec: {
      group: FLINK_GROUP,
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural,
        singular,
        shortNames: [definition.shortName],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: FLINK_API_VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: definition.columns,
          subresources: definition.scale ? { status: {}, scale: definition.scale } : { status: {} },
          schema: {
            openAPIV3Schema: rules ? withRules(schema, definition.rules ?? {}) : schema,
          },
        },
      ],
    },
  };
}
