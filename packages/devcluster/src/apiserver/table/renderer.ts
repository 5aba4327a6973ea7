import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { AnyObject } from '@drey/kube';
import type { ResourceDefinition, TableColumn, TableRenderer } from '../model.ts';
import { clusterCells } from './cells/cluster.ts';
import { infrastructureCells } from './cells/infrastructure.ts';
import { podCells, podRowConditions } from './cells/pods.ts';
import { workloadCells } from './cells/workloads.ts';

/** The cells of one object, in the order of its kind's columns. */
export type CellWriter = (object: AnyObject, now: number) => unknown[];

type ColumnDefinition = Readonly<Omit<TableColumn, 'cell'>>;

interface Layout {
  readonly columns: readonly ColumnDefinition[];
  readonly cells: CellWriter;
}

const writers: Readonly<Record<string, CellWriter>> = {
  '/Pod': podCells,
  ...workloadCells,
  ...clusterCells,
  ...infrastructureCells,
};

/** Built-in kinds with a layout of their own, as `group/Kind`. */
export const printedKinds: readonly string[] = Object.keys(writers);

/**
 * Renders objects as rows. Built-in kinds have the columns of Kubernetes 1.34; kinds without a layout here show name and
 * time of creation; custom resources show their name and the columns of their definition.
 */
export const renderTable: TableRenderer = (definition, objects, { includeObject, now }) => {
  const layout = layoutOf(definition);
  return {
    columnDefinitions: layout.columns.map((column) => ({ ...column })),
    rows: objects.map((object) => {
      const conditions = definition.group === '' && definition.kind === 'Pod' ? podRowConditions(object) : undefined;
      return {
        cells: layout.cells(object, now),
        ...(conditions === undefined ? {} : { conditions }),
        object: rowObject(object, includeObject),
      };
    }),
  };
};

function rowObject(object: AnyObject, include: 'None' | 'Metadata' | 'Object'): unknown {
  switch (include) {
    case 'None':
      return null;
    case 'Object':
      return object;
    case 'Metadata':
      return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  }
}

function layoutOf(definition: ResourceDefinition): Layout {
  if (definition.crd !== undefined) return customLayout(definition.columns);
  const columns =
    builtinColumns()[
      `${definition.group === '' ? '' : `${definition.group}/`}${definition.version}/${definition.plural}`
    ];
  const cells = writers[`${definition.group}/${definition.kind}`];
  if (cells !== undefined && columns !== undefined) return { columns, cells };
  return {
    columns: [nameColumn(), createdAtColumn()],
    cells: ({ metadata }) => [metadata.name ?? '', metadata.creationTimestamp ?? null],
  };
}

let loaded: Readonly<Record<string, readonly ColumnDefinition[]>> | undefined;

function builtinColumns(): Readonly<Record<string, readonly ColumnDefinition[]>> {
  loaded ??= JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, 'columns.generated.json.gz'))).toString('utf8'),
  ) as Readonly<Record<string, readonly ColumnDefinition[]>>;
  return loaded;
}

function columnOf(resource: string, name: string): ColumnDefinition {
  const found = builtinColumns()[resource]?.find((column) => column.name === name);
  if (found === undefined) throw new Error(`no column ${name} of ${resource}`);
  return found;
}

function nameColumn(): ColumnDefinition {
  return columnOf('v1/pods', 'Name');
}

function createdAtColumn(): ColumnDefinition {
  return columnOf('rbac.authorization.k8s.io/v1/roles', 'Created At');
}

/** The name comes before the columns of the definition. */
function customLayout(own: readonly TableColumn[]): Layout {
  return {
    columns: [nameColumn(), ...own.map(({ cell: _cell, ...column }) => column)],
    cells: (object, now) => [object.metadata.name ?? '', ...own.map(({ cell }) => cell(object, now))],
  };
}
