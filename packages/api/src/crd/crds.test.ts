import { expect, test } from 'vitest';
import { allCrds, flinkDeploymentCrd } from './crds.ts';
import type { StructuralSchema } from './structural.ts';

const schemaOf = (crd = flinkDeploymentCrd()): StructuralSchema => crd.spec.versions[0].schema.openAPIV3Schema;

function at(schema: StructuralSchema, ...path: readonly string[]): StructuralSchema {
  return path.reduce((here, name) => (here.properties as Record<string, StructuralSchema>)[name]!, schema);
}

function everyNode(schema: StructuralSchema, visit: (node: StructuralSchema) => void): void {
  visit(schema);
  const children = Object.values((schema.properties ?? {}) as Record<string, StructuralSchema>);
  for (const child of [...children, schema.items, schema.additionalProperties]) {
    if (typeof child === 'object' && child !== null) everyNode(child as StructuralSchema, visit);
  }
}

function describesItsMembers(node: StructuralSchema): void {
  for (const [name, member] of Object.entries((node.properties ?? {}) as Record<string, StructuralSchema>)) {
    expect(member.description, name).toBeTruthy();
  }
}

test('All four kinds of the group are defined, FlinkDeployment first', () => {
  expect(allCrds().map((crd) => [crd.metadata.name, ...crd.spec.names.shortNames])).toEqual([
    ['flinkdeployments.flink.apache.org', 'flinkdep'],
    ['flinksessionjobs.flink.apache.org', 'sessionjob'],
    ['flinkstatesnapshots.flink.apache.org', 'flinksnp'],
    ['flinkbluegreendeployments.flink.apache.org', 'flinkbgdep'],
  ]);
});

test('Every node has a type or keeps what it is given, and every member says what it is', () => {
  for (const crd of allCrds()) {
    everyNode(schemaOf(crd), (node) => {
      expect(node.type !== undefined || node['x-kubernetes-int-or-string'] === true).toBe(true);
      expect(node).not.toHaveProperty('required');
    });
    everyNode(at(schemaOf(crd), 'spec'), describesItsMembers);
    everyNode(at(schemaOf(crd), 'status'), describesItsMembers);
  }
});

test('What users write into pod templates and flinkConfiguration is kept, known or not', () => {
  for (const path of [['podTemplate'], ['podTemplate', 'spec'], ['podTemplate', 'metadata'], ['flinkConfiguration']]) {
    expect(at(schemaOf(), 'spec', ...path)).toHaveProperty('x-kubernetes-preserve-unknown-fields', true);
  }
  for (const role of ['jobManager', 'taskManager']) {
    expect(at(schemaOf(), 'spec', role, 'podTemplate')).toHaveProperty('x-kubernetes-preserve-unknown-fields', true);
  }
});

test('Enums have the spellings of the Apache operator', () => {
  expect(at(schemaOf(), 'spec', 'job', 'upgradeMode').enum).toEqual(['savepoint', 'last-state', 'stateless']);
  expect(at(schemaOf(), 'spec', 'flinkVersion').enum).toContain('v1_13');
  expect(at(schemaOf(), 'status', 'lifecycleState').enum).toContain('ROLLED_BACK');
});

test('A FlinkDeployment can be scaled and its status is written apart', () => {
  expect(flinkDeploymentCrd().spec.versions[0].subresources).toEqual({
    status: {},
    scale: {
      specReplicasPath: '.spec.taskManager.replicas',
      statusReplicasPath: '.status.taskManager.replicas',
      labelSelectorPath: '.status.taskManager.labelSelector',
    },
  });
});
