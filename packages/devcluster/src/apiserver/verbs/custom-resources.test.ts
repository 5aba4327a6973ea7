import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ApiServer, createApiServer, ObjectStore } from '../index.ts';

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const THINGS = '/apis/example.com/v1/namespaces/n/things';

const string = { type: 'string' };

const definition = {
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.size',
            statusReplicasPath: '.status.size',
            labelSelectorPath: '.status.sel',
          },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  color: string,
                  size: { 'x-kubernetes-preserve-unknown-fields': true },
                  mode: { type: 'string', default: 'auto' },
                  nullable: { type: 'string', nullable: true },
                  map: { type: 'object', additionalProperties: string },
                  any: { 'x-kubernetes-preserve-unknown-fields': true },
                  free: {
                    type: 'object',
                    'x-kubernetes-preserve-unknown-fields': true,
                    properties: { known: { type: 'object', properties: { a: string } } },
                  },
                  pod: {
                    type: 'object',
                    'x-kubernetes-embedded-resource': true,
                    'x-kubernetes-preserve-unknown-fields': true,
                  },
                },
              },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { phase: string } },
            },
          },
        },
      },
    ],
  },
};

let server: ApiServer;

interface Answered {
  readonly code: number;
  readonly warnings: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: answers are read field by field
  readonly body: any;
}

async function send(method: string, target: string, body: unknown, type = 'application/json'): Promise<Answered> {
  const [path = '', query = ''] = target.split('?');
  const response = await server.handle({
    method,
    path,
    query: new URLSearchParams(query),
    headers: { 'content-type': type },
    body: Buffer.from(JSON.stringify(body)),
    user: { name: 'admin', groups: ['system:masters'] },
    signal: new AbortController().signal,
  });
  const text = Buffer.from(response.body as Uint8Array).toString();
  return { code: response.status, warnings: response.warnings ?? [], body: JSON.parse(text) };
}

const thing = (spec: unknown, metadata: object = {}): object => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name: 'a', ...metadata },
  spec,
});

const create = (spec: unknown, metadata?: object): Promise<Answered> => send('POST', THINGS, thing(spec, metadata));
const apply = (spec: unknown, metadata?: object): Promise<Answered> =>
  send('PATCH', `${THINGS}/a?fieldManager=m`, thing(spec, metadata), APPLY);
const merge = (body: unknown, subresource = ''): Promise<Answered> =>
  send('PATCH', `${THINGS}/a${subresource}`, body, MERGE);

/** What answers say, in the form `code field: message`. */
const problems = ({ code, body }: Answered): string[] =>
  (body.details?.causes ?? [body]).map(
    ({ field = '', message }: { field?: string; message: string }) => `${code} ${field}: ${message}`,
  );

beforeEach(async () => {
  const clock = new VirtualClock();
  server = createApiServer({ store: new ObjectStore({ clock }), clock, random: new SeededRandom(1) });
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  await clock.advance(10_000);
});

describe('nulls of an apply', () => {
  test.each([
    ['color', { color: null }, 'string'],
    ['map.k', { map: { k: null } }, 'string'],
    ['free', { free: null }, 'object'],
    ['free.known', { free: { known: null } }, 'object'],
  ])('are refused by the schema of %s', async (path, spec, type) => {
    expect(problems(await apply(spec))).toEqual([
      `422 spec.${path}: Invalid value: "null": spec.${path} in body must be of type ${type}: "null"`,
    ]);
  });

  test('stay where they are allowed, give way to defaults, and are not stored where nothing is said of them', async () => {
    const { code, body } = await apply({ nullable: null, mode: null, any: null, free: { x: null } });
    expect([code, body.spec]).toEqual([201, { nullable: null, mode: 'auto', free: { x: null } }]);
  });

  test('make empty labels, and no annotations', async () => {
    const { code, body } = await apply({}, { labels: { a: null }, annotations: null });
    expect([code, body.metadata.labels, 'annotations' in body.metadata]).toEqual([201, { a: '' }, false]);
  });

  test('are dropped where a resource is created or merged', async () => {
    expect((await create({ color: null, map: { k: null } })).body.spec).toEqual({ mode: 'auto', map: {} });
    expect((await merge({ spec: { free: { known: { a: 'x' } }, color: null } })).code).toBe(200);
  });
});

test('unknown fields below what is preserved are gone after an apply', async () => {
  expect((await apply({ free: { known: { b: 1 }, other: 1 } })).body.spec.free).toEqual({ known: {}, other: 1 });
});

describe('objects inside', () => {
  const unreadable = { apiVersion: 'v1', kind: 'Pod', metadata: { labels: 5 } };
  const labels = 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type map[string]string';

  test.each<[string, object, string]>([
    ['metadata of another form', unreadable, `spec.pod.metadata: Invalid value: {"labels":5}: ${labels}`],
    ['a number for a version', { apiVersion: 5 }, 'spec.pod.apiVersion: Invalid value: 5: must be a string'],
  ])('with %s cannot be read', async (_, pod, problem) => {
    expect(problems(await create({ pod }))).toEqual([
      `400 : Thing in version "v1" cannot be handled as a Thing: ${problem}`,
    ]);
    await create({});
    const { code, body } = await merge({ spec: { pod } });
    expect([code, body.details.causes[0].field]).toEqual([422, 'patch']);
    expect(body.message.endsWith(`: ${problem}`)).toBe(true);
    // Keys are printed in order.
    expect(body.message).toContain('patch: Invalid value: "{\\"apiVersion\\":\\"example.com/v1\\",\\"kind\\":');
  });

  test('need a version that is a text', async () => {
    const problem = 'spec.pod.apiVersion: Invalid value: null: must be a string';
    const pod = { apiVersion: null, kind: 'Pod' };
    expect(problems(await create({ pod }))[0]).toMatch(new RegExp(`^400 .*: ${problem}$`));
    expect(problems(await apply({ pod }))).toEqual([`422 ${problem}`]);
  });

  test('may have empty labels after an apply', async () => {
    const { code, body } = await apply({ pod: { ...unreadable, metadata: { labels: { a: null } } } });
    expect([code, body.spec.pod.metadata.labels]).toEqual([201, { a: '' }]);
  });
});

describe('finalizers', () => {
  test('are names, in a create and in an update', async () => {
    const created = problems(await create({}, { finalizers: ['not a name'] }));
    await create({});
    expect(created[0]).toMatch(/^422 metadata.finalizers: Invalid value: "not a name": name part must consist of/);
    expect(problems(await merge({ metadata: { finalizers: ['not a name'] } }))).toEqual(created);
  });

  test('should have a domain, which is said once for each of them', async () => {
    const advice = 'to avoid accidental conflicts with other finalizer writers';
    expect((await create({}, { finalizers: ['x', 'example.com/y', 'orphan'] })).warnings).toEqual([
      `metadata.finalizers: "x": prefer a domain-qualified finalizer name ${advice}`,
    ]);
    expect((await merge({ metadata: { finalizers: ['x', 'a.b'] } })).warnings).toEqual([
      `metadata.finalizers: "a.b": prefer a domain-qualified finalizer name including a path (/) ${advice}`,
    ]);
  });
});

test('messages of the status endpoint name fields of the status, and quote what was sent', async () => {
  await create({ color: 'a<b' });
  expect(problems(await merge({ status: { phase: 5 } }, '/status'))).toEqual([
    '422 status.phase: Invalid value: "integer": phase in body must be of type string: "integer"',
  ]);
  expect((await merge({ metadata: { labels: 5 } })).body.message).toContain('\\"color\\":\\"a\\\\u003cb\\"');
});

describe('what a Scale is made of', () => {
  const accessor = (type: string): string => `.spec.size accessor error: ${type}, expected int64`;

  test.each<[unknown, string]>([
    [-1, 'Invalid value: -1: should be a non-negative integer'],
    [5_000_000_000, 'Invalid value: 5000000000: should be less than or equal to 2147483647'],
    [1.5, `Invalid value: 0: ${accessor('1.5 is of the type float64')}`],
    ['a', `Invalid value: 0: ${accessor('a is of the type string')}`],
  ])('is judged with the resource: %s', async (size, message) => {
    expect(problems(await create({ size }))).toEqual([`422 .spec.size: ${message}`]);
  });

  test('is judged in the status, too', async () => {
    await create({});
    expect(problems(await merge({ status: { size: -1, sel: 5 } }, '/status'))).toEqual([
      '422 .status.size: Invalid value: -1: should be a non-negative integer',
      '422 .status.sel: Invalid value: "": .status.sel accessor error: 5 is of the type int64, expected string',
    ]);
  });
});
