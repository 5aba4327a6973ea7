import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonSchema } from './json-schema.ts';
import { errorsOf, thing, versionOf } from './test-resources.ts';

const string: JsonSchema = { type: 'string' };
describe('pruning', () => {
  const version = versionOf({
    a: string,
    free: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: { known: { type: 'object', properties: { a: string } } },
    },
    list: { type: 'array', items: { type: 'object', properties: { a: string } } },
    map: { type: 'object', additionalProperties: { type: 'object', properties: { a: string } } },
    pod: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  });

  test('drops what the schema does not know, and says where, sorted', () => {
    const object = thing(
      {
        z: 1,
        free: { any: { thing: 1 }, known: { a: 'x', b: 1 } },
        list: [{ a: 'x', c: 1 }],
        map: { k: { d: 1 } },
        pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', bogus: 1 }, spec: { kept: 1 } },
      },
      { bogus: 1 },
    );
    expect(version.prune(object)).toEqual([
      'metadata.bogus',
      'spec.free.known.b',
      'spec.list[0].c',
      'spec.map.k.d',
      'spec.pod.metadata.bogus',
      'spec.z',
    ]);
    expect(object.spec).toEqual({
      free: { any: { thing: 1 }, known: { a: 'x' } },
      list: [{ a: 'x' }],
      map: { k: {} },
      pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { kept: 1 } },
    });
  });

  test('a second time there is nothing to drop', () => {
    const anything = fc.dictionary(
      fc.constantFrom('a', 'free', 'list', 'map', 'pod', 'z'),
      fc.jsonValue({ maxDepth: 3 }),
    );
    fc.assert(
      fc.property(anything, (spec) => {
        const object = thing(structuredClone(spec) as object);
        version.prune(object);
        const once = structuredClone(object);
        expect(version.prune(object)).toEqual([]);
        expect(object).toEqual(once);
      }),
    );
  });

  test('an object with metadata of a wrong form cannot be read at all', () => {
    const problem = 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type map[string]string';
    expect(version.decodeProblem(thing({}, { labels: 5 }))).toBe(problem);
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { labels: 5 } };
    expect(version.decodeProblem(thing({ pod }))).toBe(`spec.pod.metadata: Invalid value: {"labels":5}: ${problem}`);
    expect(version.decodeProblem(thing({ pod: { apiVersion: 5 } }))).toBe(
      'spec.pod.apiVersion: Invalid value: 5: must be a string',
    );
    expect(version.decodeProblem(thing({ pod: { apiVersion: 'v1' } }))).toBeUndefined();
  });
});

describe('defaults', () => {
  const version = versionOf({
    mode: { type: 'string', default: 'auto' },
    nested: { type: 'object', default: {}, properties: { level: { type: 'integer', default: 3 } } },
    absent: { type: 'object', properties: { x: { type: 'integer', default: 1 } } },
    items: { type: 'array', items: { type: 'object', properties: { weight: { type: 'integer', default: 5 } } } },
    byKey: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { v: { type: 'integer', default: 9 } } },
    },
    nullable: { type: 'string', nullable: true, default: 'z' },
    plain: { type: 'string' },
  });

  test('are filled in where their object is, default objects included', () => {
    const object = thing({ items: [{}, { weight: 1 }], byKey: { k: {} } });
    version.applyDefaults(object);
    expect(object.spec).toEqual({
      mode: 'auto',
      nested: { level: 3 },
      items: [{ weight: 5 }, { weight: 1 }],
      byKey: { k: { v: 9 } },
      nullable: 'z',
    });
  });

  test('a null stays where it is allowed, gives way to a default, and is dropped elsewhere', () => {
    const object = thing({ mode: null, nullable: null, plain: null, absent: null, byKey: { k: null } });
    expect(version.prune(object)).toEqual([]);
    version.applyDefaults(object);
    expect(object.spec).toEqual({ mode: 'auto', nested: { level: 3 }, nullable: null, byKey: {} });
  });

  test('nulls of an object that was not read again are refused', () => {
    const object = thing({ byKey: { k: null } });
    version.applyDefaults(object);
    expect(version.validate(object, undefined).map((e) => e.message)).toEqual([
      'Invalid value: "null": spec.byKey.k in body must be of type object: "null"',
    ]);
  });

  test('objects do not share their defaults', () => {
    const [a, b] = [thing({}), thing({})];
    version.applyDefaults(a);
    version.applyDefaults(b);
    (a.spec as { nested: { level: number } }).nested.level = 7;
    expect((b.spec as { nested: { level: number } }).nested.level).toBe(3);
  });
});

describe('validation', () => {
  const at = (schema: JsonSchema, value: unknown, old?: unknown): string[] =>
    errorsOf(versionOf({ x: schema }), { x: value }, old === undefined ? undefined : { x: old });

  test.each<[string, JsonSchema, unknown, string[]]>([
    ['a type', string, 5, ['spec.x: Invalid value: "integer": spec.x in body must be of type string: "integer"']],
    [
      'a fraction',
      { type: 'integer' },
      1.5,
      ['spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"'],
    ],
    ['characters, not bytes', { type: 'string', maxLength: 3 }, 'ééé', []],
    [
      'a length',
      { type: 'string', minLength: 2 },
      'é',
      ['spec.x: Invalid value: "é": spec.x in body should be at least 2 chars long'],
    ],
    ['a pattern of Go', { type: 'string', pattern: '(?i)^A[[:digit:]]$' }, 'a1', []],
    ['an enum', { type: 'integer', enum: [1, 2] }, 3, ['spec.x: Unsupported value: 3: supported values: "1", "2"']],
    [
      'an integer with a fractional factor',
      { type: 'number', multipleOf: 0.5 },
      1,
      ['spec.x: Invalid value: 0: factor MultipleOf declared for spec.x must be positive: 0'],
    ],
    ['an integer below a fractional minimum', { type: 'number', minimum: 1.5 }, 1, []],
    [
      'a number where a format stands',
      { type: 'string', format: 'date-time' },
      5,
      ['spec.x: Invalid value: "int64": spec.x in body must be of type date-time: "int64"'],
    ],
    ['an unknown format', { type: 'string', format: 'whatever' }, 'x', []],
    [
      'several problems of one list',
      { type: 'array', minItems: 2, items: { type: 'object', required: ['a'], properties: { a: string } } },
      [{}],
      ['spec.x[0].a: Required value', 'spec.x: Invalid value: 1: spec.x in body should have at least 2 items'],
    ],
    [
      'no alternative, with the reasons of the nearest one',
      { type: 'object', properties: { p: string, q: string }, oneOf: [{ required: ['p'] }, { required: ['q'] }] },
      {},
      [
        '<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid',
        'spec.x.p: Required value',
      ],
    ],
    [
      'a negation',
      { type: 'string', not: { enum: ['bad'] } },
      'bad',
      ['<nil>: Invalid value: "": "spec.x" must not validate the schema (not)'],
    ],
    [
      'a set',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: string },
      ['a', 'b', 'a', 'a'],
      ['spec.x[2]: Duplicate value: "a"'],
    ],
    [
      'a map list whose key has a default',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k', 'p'],
        items: { type: 'object', properties: { k: string, p: { type: 'integer', default: 1 } } },
      },
      [{ k: 'a', p: 1 }, { k: 'a' }],
      ['spec.x[1]: Duplicate value: {"k":"a"}'],
    ],
    [
      'a map list with one key three times, once',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: string } },
      },
      [{ k: 'a' }, { k: 'a' }, { k: 'a' }],
      ['spec.x[1]: Duplicate value: {"k":"a"}'],
    ],
    [
      'an object inside without a kind',
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      { apiVersion: 'a/b/c' },
      [
        'spec.x.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        'spec.x.kind: Required value',
      ],
    ],
  ])('judges %s', (_, schema, value, errors) => {
    expect(at(schema, value)).toEqual(errors);
  });

  test.each<[string, string[], string[]]>([
    ['date', ['2024-02-29'], ['2023-02-29', '2024-1-1']],
    ['date-time', ['2024-01-01T00:00:00Z', '2024-01-01t00:00:00.1+01:00'], ['2024-01-01', '2024-13-01T00:00:00Z']],
    ['duration', ['1h30m', '5 minutes', '1.5h'], ['', 'soon']],
    ['hostname', ['localhost', 'a.example.com'], ['a.b', 'a_b', '-a']],
    ['ipv4', ['1.2.3.4', '01.2.3.4'], ['::1', '1.2.3']],
    ['cidr', ['10.0.0.0/8', '::/0'], ['10.0.0.0', '1.2.3.4/33']],
    ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['x']],
    ['byte', ['AAE='], ['%', 'A']],
    ['isbn', ['0321751043', '978-0321751041'], ['1']],
    ['creditcard', ['4111-1111-1111-1111'], ['4111111111111112']],
    ['rgbcolor', ['rgb(1,2,3)'], ['rgb(1,2,300)']],
  ])('knows the format %s', (format, good, bad) => {
    for (const text of good) expect(at({ type: 'string', format }, text), text).toEqual([]);
    for (const text of bad) expect(at({ type: 'string', format }, text), text).toHaveLength(1);
  });

  test('lets pass what was wrong before and did not change', () => {
    const short: JsonSchema = { type: 'string', maxLength: 2 };
    const schema: JsonSchema = { type: 'object', properties: { a: short, b: short } };
    expect(at(schema, { a: 'long', b: 'x' }, { a: 'long' })).toEqual([]);
    expect(at(schema, { a: 'longer' }, { a: 'long' })).toEqual(['spec.x.a: Too long: may not be more than 2 bytes']);
    expect(at({ type: 'array', items: short }, ['long', 'x'], ['long'])).toHaveLength(1);
  });

  test('a resource of another kind is told nothing else', () => {
    const other = { ...thing({ x: 5 }), kind: 'Other' };
    expect(versionOf({ x: string }).validate(other, undefined)).toEqual([
      { field: 'kind', reason: 'FieldValueInvalid', message: 'Invalid value: "Other": must be Thing' },
    ]);
  });
});
