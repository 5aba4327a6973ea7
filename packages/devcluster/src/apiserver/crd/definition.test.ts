import type { AnyObject } from '@drey/kube';
import { describe, expect, test } from 'vitest';
import { builtinSchema, normalize, type TypeSchema } from '../schema/index.ts';
import { printerColumns } from './columns.ts';
import { applyCrdDefaults, crdStatus, prepareCrd } from './definition.ts';
import { compileJsonPath } from './json-path.ts';
import type { JsonSchema } from './json-schema.ts';
import { validateCrd } from './validate-definition.ts';

const schema = builtinSchema('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition') as TypeSchema;

function definition(root: object = { type: 'object' }, spec: object = {}, version: object = {}): AnyObject {
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: root }, ...version }];
  const names = { plural: 'foos', kind: 'Foo' };
  const sent = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'foos.example.com' },
    spec: { group: 'example.com', scope: 'Namespaced', names, versions, ...spec },
  };
  const decoded = normalize(sent, schema);
  if (!decoded.ok) throw new Error(decoded.message);
  const crd = decoded.value as unknown as AnyObject;
  applyCrdDefaults(crd);
  prepareCrd(crd, undefined);
  return crd;
}

const errorsOf = (crd: AnyObject, old?: AnyObject): string[] =>
  validateCrd(crd, old).map((e) => `${e.field}: ${e.message}`);
const withSpec = (properties: Record<string, JsonSchema>): object => ({
  type: 'object',
  properties: { spec: { type: 'object', properties } },
});
const X = 'spec.validation.openAPIV3Schema.properties[spec].properties[x]';
const NOW = '2026-01-01T00:00:00Z';

describe('a definition', () => {
  test('gets its names, its conversion and its stored version', () => {
    expect(definition()).toMatchObject({
      spec: {
        names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
        conversion: { strategy: 'None' },
      },
      status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'] },
    });
    expect(errorsOf(definition())).toEqual([]);
  });

  test('keeps stored versions and adds the new storage version', () => {
    const old = definition();
    const versions = [
      { name: 'v1', served: true, storage: false },
      { name: 'v2', served: true, storage: true },
    ];
    const next: AnyObject = { ...old, spec: { ...(old.spec as object), versions } };
    prepareCrd(next, old);
    expect(next.status).toMatchObject({ storedVersions: ['v1', 'v2'] });
  });

  test.each<[string, object, string[]]>([
    [
      'a group without a dot',
      { group: 'short' },
      [
        'metadata.name: Invalid value: "foos.example.com": must be spec.names.plural+"."+spec.group',
        'spec.group: Invalid value: "short": should be a domain with at least one dot',
      ],
    ],
    [
      'an unknown scope',
      { scope: 'Global' },
      ['spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'],
    ],
    [
      'equal kind and list kind',
      { names: { plural: 'foos', kind: 'Foo', listKind: 'Foo' } },
      ['spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same'],
    ],
    [
      'no versions',
      { versions: [] },
      [
        'spec.versions: Invalid value: []: must have exactly one version marked as storage version',
        'status.storedVersions: Invalid value: null: must have at least one stored version',
      ],
    ],
    [
      'a webhook without a client',
      { conversion: { strategy: 'Webhook' } },
      [
        'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
        'spec.conversion.conversionReviewVersions: Required value',
      ],
    ],
    [
      'preserved unknown fields',
      { preserveUnknownFields: true },
      [
        'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ],
    ],
  ])('with %s is refused', (_, spec, errors) => {
    expect(errorsOf(definition(undefined, spec))).toEqual(errors);
  });

  test.each<[JsonSchema, string[]]>([
    [{}, [`${X}.type: Required value: must not be empty for specified object fields`]],
    [
      { type: 'strange' },
      [
        `${X}.type: Unsupported value: "strange": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [{ type: 'array' }, [`${X}.items: Required value: must be specified`]],
    [
      { type: 'string', pattern: '(' },
      [
        `${X}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
      ],
    ],
    [
      { type: 'string', anyOf: [{ type: 'string' }] },
      [`${X}.anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [{ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, []],
    [{ type: 'string', maxLength: 2, default: 'abc' }, [`${X}.default: Too long: may not be more than 2 bytes`]],
    [{ type: 'object', default: { y: 1 } }, [`${X}.default: Invalid value: {"y":1}: must not have unknown fields`]],
    [
      { type: 'array', uniqueItems: true, items: { type: 'string' } },
      [`${X}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
    ],
    [{ type: 'object', $ref: '#/x' }, [`${X}.$ref: Forbidden: $ref is not supported`]],
    [
      { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
      [`${X}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`],
    ],
    [
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: { type: 'string' } } },
      },
      [
        `${X}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
      ],
    ],
    [
      { type: 'array', items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } },
      [
        `${X}.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${X}`,
      ],
    ],
    [
      { type: 'string', 'x-kubernetes-validations': [{ rule: "self == 'a'", fieldPath: '.z' }] },
      [`${X}.x-kubernetes-validations[0].fieldPath: Invalid value: ".z": must be a valid path`],
    ],
  ])('with the schema %j is judged', (property, errors) => {
    expect(errorsOf(definition(withSpec({ x: property })))).toEqual(errors);
  });

  test('a combination at the root may only talk about declared fields', () => {
    const root = { ...withSpec({}), oneOf: [{ properties: { z: { minLength: 1 } } }] };
    const path = 'spec.validation.openAPIV3Schema';
    const detail = `Required value: because it is defined in ${path}.oneOf[0].properties[z]`;
    expect(errorsOf(definition(root))).toEqual([`${path}.properties[z]: ${detail}`]);
  });

  test('a rule that is no expression is refused, with the rule', () => {
    const property: JsonSchema = { type: 'string', 'x-kubernetes-validations': [{ rule: 'self ==' }] };
    const [error] = errorsOf(definition(withSpec({ x: property })));
    expect(error).toMatch(
      /x-kubernetes-validations\[0\]\.rule: Invalid value: \{"Rule":"self ==",.*\}: compilation failed: /,
    );
  });

  test('versions that differ are named one by one', () => {
    const versions = ['v1', 'v2'].map((name, i) => ({
      name,
      served: true,
      storage: i === 0,
      schema: { openAPIV3Schema: withSpec({ x: { type: i === 0 ? 'strange' : 'string' } }) },
    }));
    const path = 'spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[x].type';
    expect(errorsOf(definition(undefined, { versions }))).toEqual([expect.stringContaining(path)]);
  });

  test('scope and kind are fixed once it is established, group and plural always', () => {
    const old = definition();
    const changed = definition(undefined, { scope: 'Cluster', names: { plural: 'foos', kind: 'Bar' } });
    expect(errorsOf(changed, old)).toEqual([]);
    const established = { ...old, status: crdStatus(old, [], NOW) } as unknown as AnyObject;
    expect(errorsOf(changed, established)).toEqual([
      'spec.scope: Invalid value: "Cluster": field is immutable',
      'spec.names.kind: Invalid value: "Bar": field is immutable',
    ]);
  });
});

describe('the status of a definition', () => {
  test('accepts free names and establishes it; a second look changes nothing', () => {
    const crd = definition();
    const status = crdStatus(crd, [], NOW);
    expect(status).toMatchObject({
      acceptedNames: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      conditions: [
        { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', lastTransitionTime: NOW },
        { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
      ],
    });
    crd.status = status;
    expect(crdStatus(crd, [crd], '2027-01-01T00:00:00Z')).toBe(status);
  });

  test('refuses names that another definition of the group has', () => {
    const first = definition();
    first.status = crdStatus(first, [], NOW);
    const second = definition(undefined, {
      names: { plural: 'bars', singular: 'foo', kind: 'Foo', shortNames: ['foos'] },
    });
    second.metadata.name = 'bars.example.com';
    expect(crdStatus(second, [first], NOW)).toMatchObject({
      acceptedNames: { plural: 'bars', kind: '' },
      conditions: [
        { type: 'NamesAccepted', status: 'False', reason: 'ListKindConflict', message: '"FooList" is already in use' },
        { type: 'Established', status: 'False', reason: 'NotAccepted' },
      ],
    });
  });
});

describe('printer columns', () => {
  const object = {
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { n: 3.7, on: true, list: ['x', 'y'], map: { b: 1, a: 2 }, 'a.b': 'dot' },
    status: { conditions: [{ type: 'X' }, { type: 'Ready', status: 'True', n: 2 }] },
  } as unknown as AnyObject;
  const now = Date.parse('2026-01-01T00:01:30Z');

  test.each<[string, string, unknown]>([
    ['integer', '.spec.n', 3],
    ['number', '.spec.n', 3.7],
    ['boolean', '.spec.on', true],
    ['string', '.spec.on', 'true'],
    ['string', '.spec.list', '["x","y"]'],
    ['string', '.spec.map', '{"a":2,"b":1}'],
    ['string', ".spec['a.b']", 'dot'],
    ['string', '.spec.a\\.b', 'dot'],
    ['string', '.spec.list[-1]', 'y'],
    ['string', '.status.conditions[?(@.type=="Ready")].status', 'True'],
    ['string', '.status.conditions[?(@.n>1)].type', 'Ready'],
    ['string', '.status.conditions[*].type', 'X'],
    ['string', '.status.none.x', null],
    ['integer', '.spec.list', null],
    ['date', '.metadata.creationTimestamp', '90s'],
    ['date', '.spec.list', null],
  ])('a %s column at %s', (type, jsonPath, cell) => {
    const [column] = printerColumns([{ name: 'C', type, jsonPath }]);
    expect(column?.cell(object, now)).toEqual(cell);
  });

  test('without any there is the age', () => {
    expect(printerColumns(undefined).map((c) => [c.name, c.cell(object, now)])).toEqual([['Age', '90s']]);
  });

  test.each(['.spec[', '.a[?(x)]', 'spec', '.a..'])('%s is no path', (path) => {
    expect(compileJsonPath(path)).toBeUndefined();
  });

  test('looks below with two dots', () => {
    expect(compileJsonPath('..status')?.({ a: { status: 1 }, b: [{ status: 2 }] })).toEqual([1, 2]);
  });
});
