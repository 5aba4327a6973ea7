import type { ObjectReader, ResourceDefinition } from '../model.ts';
import type { OpenApiDefinition } from '../schema/index.ts';
import type { DiscoveredVersion } from './groups.ts';

const META = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1';
const CONVENTIONS = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';

/** The texts that every kind has, as `kubectl explain` shows them. */
const common = {
  apiVersion: {
    description:
      'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized ' +
      'schemas to the latest internal value, and may reject unrecognized values. ' +
      `More info: ${CONVENTIONS}#resources`,
    type: 'string',
  },
  kind: {
    description:
      'Kind is a string value representing the REST resource this object represents. Servers may infer this from the ' +
      'endpoint the client submits requests to. Cannot be updated. In CamelCase. ' +
      `More info: ${CONVENTIONS}#types-kinds`,
    type: 'string',
  },
} as const;

interface CrdSpec {
  readonly group: string;
  readonly names: { readonly plural: string };
  readonly versions: readonly {
    readonly name: string;
    readonly schema?: { readonly openAPIV3Schema?: OpenApiDefinition };
  }[];
}

/** The definitions of a version's custom resources and their lists, by names such as `com.example.v1.Fruit`. */
export function customDefinitions(
  group: string,
  version: DiscoveredVersion,
  objects: ObjectReader,
): Record<string, OpenApiDefinition> {
  const out: Record<string, OpenApiDefinition> = {};
  const scope = `${group.split('.').reverse().join('.')}.${version.version}`;
  for (const definition of version.resources) {
    if (definition.crd === undefined) continue;
    const name = `${scope}.${definition.kind}`;
    out[name] = kindDefinition(definition, schemaOf(definition, objects));
    out[`${scope}.${definition.listKind}`] = listDefinition(definition, name);
  }
  return out;
}

function schemaOf(definition: ResourceDefinition, objects: ObjectReader): OpenApiDefinition {
  const crd = objects.get(
    'apiextensions.k8s.io',
    'customresourcedefinitions',
    undefined,
    `${definition.plural}.${definition.group}`,
  );
  const spec = crd?.spec as CrdSpec | undefined;
  const version = spec?.versions.find(({ name }) => name === definition.version);
  return version?.schema?.openAPIV3Schema ?? { type: 'object' };
}

function kindDefinition(definition: ResourceDefinition, schema: OpenApiDefinition): OpenApiDefinition {
  const metadata = {
    description: `Standard object's metadata. More info: ${CONVENTIONS}#metadata`,
    allOf: [{ $ref: `${META}.ObjectMeta` }],
  };
  // A root that keeps everything is published without properties of its own.
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true && schema.properties === undefined;
  return {
    ...schema,
    ...(open ? {} : { properties: { ...schema.properties, ...common, metadata } }),
    ...gvk(definition, definition.kind),
  };
}

function listDefinition(definition: ResourceDefinition, item: string): OpenApiDefinition {
  return {
    description: `${definition.listKind} is a list of ${definition.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...common,
      items: {
        description: `List of ${definition.plural}. More info: ${CONVENTIONS}`,
        type: 'array',
        items: { $ref: `#/components/schemas/${item}` },
      },
      metadata: {
        description: `Standard list metadata. More info: ${CONVENTIONS}#types-kinds`,
        allOf: [{ $ref: `${META}.ListMeta` }],
      },
    },
    ...gvk(definition, definition.listKind),
  };
}

function gvk(
  { group, version }: ResourceDefinition,
  kind: string,
): Pick<OpenApiDefinition, 'x-kubernetes-group-version-kind'> {
  return { 'x-kubernetes-group-version-kind': [{ group, kind, version }] };
}
