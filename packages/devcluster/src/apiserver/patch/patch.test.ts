import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StatusError } from '../model.ts';
import { builtinSchema, type TypeSchema } from '../schema/index.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  decodeJsonPatch,
  decodeMergePatch,
  decodeStrategicMergePatch,
  type JsonPatchOperation,
} from './index.ts';

function codeOf(run: () => unknown): { code: number; message: unknown; reason: unknown } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { code, message, reason } = error.status;
    return { code, message, reason };
  }
  throw new Error('nothing was thrown');
}

type Json = Record<string, unknown>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('JSON patch', () => {
  const document = { a: { b: [1, 2, 3] }, 'x/y': 1, n: null };
  const apply = (...operations: JsonPatchOperation[]): unknown => applyJsonPatch(document, operations);

  test('adds into objects, into lists by index, at the end and from the end', () => {
    expect(apply({ op: 'add', path: '/a/b/1', value: 9 })).toMatchObject({ a: { b: [1, 9, 2, 3] } });
    expect(apply({ op: 'add', path: '/a/b/-', value: 9 })).toMatchObject({ a: { b: [1, 2, 3, 9] } });
    expect(apply({ op: 'add', path: '/a/b/-1', value: 9 })).toMatchObject({ a: { b: [1, 2, 3, 9] } });
    expect(apply({ op: 'add', path: '/a/c', value: { d: 1 } })).toMatchObject({ a: { c: { d: 1 } } });
  });

  test('unescapes keys', () => {
    expect(apply({ op: 'remove', path: '/x~1y' })).toEqual({ a: { b: [1, 2, 3] }, n: null });
  });

  test('moves and copies, and a copy is independent', () => {
    const result = apply({ op: 'copy', from: '/a', path: '/c' }, { op: 'add', path: '/c/b/0', value: 0 });
    expect(result).toMatchObject({ a: { b: [1, 2, 3] }, c: { b: [0, 1, 2, 3] } });
    expect(apply({ op: 'move', from: '/a/b/0', path: '/first' })).toMatchObject({ a: { b: [2, 3] }, first: 1 });
  });

  test('replaces a key that is not there, as the server does', () => {
    expect(apply({ op: 'replace', path: '/a/new', value: 1 })).toMatchObject({ a: { new: 1 } });
  });

  test('a test with null holds for null and for nothing', () => {
    expect(apply({ op: 'test', path: '/n', value: null })).toEqual(document);
    expect(apply({ op: 'test', path: '/none', value: null })).toEqual(document);
  });

  test.each<JsonPatchOperation>([
    { op: 'remove', path: '/none' },
    { op: 'add', path: '/none/x', value: 1 },
    { op: 'add', path: '/a/b/7', value: 1 },
    { op: 'add', path: '/a/b/x', value: 1 },
    { op: 'test', path: '/a/b/0', value: 2 },
    { op: 'jump', path: '/a' },
    { path: '/a' },
  ])('%j does not apply: 422, and the document is what it was', (operation) => {
    const message = 'the server rejected our request due to an error in our request';
    const before = structuredClone(document);
    const failing = (): unknown => apply({ op: 'add', path: '/z', value: 1 }, operation);
    expect(codeOf(failing)).toEqual({ code: 422, message, reason: 'Invalid' });
    expect(document).toEqual(before);
  });

  test.each([
    ['{"op":"x"}', 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    ['[1]', 'error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp'],
    [
      '[{"op":5}]',
      'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string',
    ],
    ['[', 'error decoding patch: unexpected end of JSON input'],
  ])('the body %s is a bad request', (text, message) => {
    expect(codeOf(() => decodeJsonPatch(bytes(text)))).toEqual({ code: 400, message, reason: 'BadRequest' });
  });

  test('more than ten thousand operations are too many', () => {
    const body = bytes(JSON.stringify(new Array(10_001).fill({ op: 'test', path: '/a' })));
    expect(codeOf(() => decodeJsonPatch(body)).code).toBe(413);
  });
});

describe('merge patch', () => {
  test('null removes, objects merge, everything else is replaced', () => {
    const document = { a: { b: 1, c: 2 }, l: [1, 2], s: 'x' };
    expect(applyMergePatch(document, { a: { b: null, d: 3 }, l: [3], s: { t: 1 }, none: null })).toEqual({
      a: { c: 2, d: 3 },
      l: [3],
      s: { t: 1 },
    });
  });

  test('nulls inside a new value go too', () => {
    expect(applyMergePatch({}, { a: { b: null, c: { d: null } }, l: [{ x: null }, null] })).toEqual({
      a: { c: {} },
      l: [{}, null],
    });
  });

  test('applied twice it changes nothing more, and the document is untouched', () => {
    // Nulls inside of lists are kept or not, depending on what was there: the server's library has it so.
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
    const { json } = fc.letrec((tie) => ({
      json: fc.dictionary(
        fc.constantFrom('a', 'b', 'c'),
        fc.oneof({ maxDepth: 3 }, scalar, fc.array(fc.nat()), tie('json')),
      ),
    }));
    fc.assert(
      fc.property(json, json, (document, patch) => {
        const before = structuredClone(document);
        const once = applyMergePatch(document as Json, patch as Json);
        expect(applyMergePatch(once, patch as Json)).toEqual(once);
        expect(document).toEqual(before);
      }),
    );
  });

  test('a body that is no object is a bad request', () => {
    const message = 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}';
    expect(codeOf(() => decodeMergePatch(bytes('[1]'))).message).toBe(message);
    expect(codeOf(() => decodeMergePatch(bytes('null'))).message).toBe('Invalid JSON Patch');
    const strategic = 'json: cannot unmarshal array into Go value of type map[string]interface {}';
    expect(codeOf(() => decodeStrategicMergePatch(bytes('[1]'))).message).toBe(strategic);
  });
});

describe('strategic merge patch', () => {
  const pod = builtinSchema('', 'v1', 'Pod') as TypeSchema;
  const apply = (spec: object, patch: object): unknown => {
    const document = { spec };
    const before = structuredClone(document);
    const result = applyStrategicMergePatch(document, { spec: patch }, pod);
    expect(document).toEqual(before);
    return result.spec;
  };
  const containers = [
    { name: 'a', image: 'i:1' },
    { name: 'b', image: 'i:1' },
  ];

  test('merges lists by their key, new items after the old ones', () => {
    expect(apply({ containers }, { containers: [{ name: 'b', image: 'i:2' }, { name: 'c' }] })).toEqual({
      containers: [{ name: 'a', image: 'i:1' }, { name: 'b', image: 'i:2' }, { name: 'c' }],
    });
  });

  test('deletes an item, and replaces a list or a map', () => {
    expect(apply({ containers }, { containers: [{ name: 'a', $patch: 'delete' }] })).toEqual({
      containers: [containers[1]],
    });
    expect(apply({ containers }, { containers: [{ name: 'z' }, { $patch: 'replace' }] })).toEqual({
      containers: [{ name: 'z' }],
    });
    const selector = { nodeSelector: { a: '1', b: '2' } };
    expect(apply(selector, { nodeSelector: { $patch: 'replace', c: '3' } })).toEqual({ nodeSelector: { c: '3' } });
    expect(apply(selector, { nodeSelector: { $patch: 'delete' } })).toEqual({ nodeSelector: {} });
  });

  test('orders by $setElementOrder, items of the server staying near their neighbours', () => {
    const patch = { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }], containers: [{ name: 'c' }] };
    expect(apply({ containers }, patch)).toEqual({
      containers: [{ name: 'c' }, { name: 'a', image: 'i:1' }, { name: 'b', image: 'i:1' }],
    });
  });

  test('merges lists of scalars as sets and deletes from them', () => {
    const meta = { metadata: { finalizers: ['x', 'y'] } };
    const patch = (metadata: object): unknown => applyStrategicMergePatch(meta, { metadata }, pod).metadata;
    expect(patch({ finalizers: ['z', 'y'] })).toEqual({ finalizers: ['z', 'x', 'y'] });
    expect(patch({ '$deleteFromPrimitiveList/finalizers': ['x'] })).toEqual({ finalizers: ['y'] });
  });

  test('replaces lists without a merge strategy', () => {
    expect(apply({ tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'b' }] })).toEqual({
      tolerations: [{ key: 'b' }],
    });
  });

  test('keeps only retained keys', () => {
    const volumes = [{ name: 'v', emptyDir: {}, other: 1 }];
    const patch = { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/' } }] };
    expect(apply({ volumes }, patch)).toEqual({ volumes: [{ name: 'v', hostPath: { path: '/' } }] });
  });

  test.each<[object, number, string]>([
    [{ containers: [{ image: 'x' }] }, 500, 'map: map[image:x] does not contain declared merge key: name'],
    [{ containers: [{ name: 'a', $patch: 'burn' }] }, 500, 'unknown patch type: burn in map: map[$patch:burn name:a]'],
    [{ $retainKeys: 'x' }, 400, 'invalid patch format of retainKeys'],
    [{ $retainKeys: ['x'], containers: [] }, 400, 'invalid patch format of retainKeys'],
    [{ $setElementOrder: [] }, 400, 'invalid patch format of setElementOrder list'],
    [
      { containers: [[1]] },
      500,
      'list element types are not identical: [[map[image:i:1 name:a] map[image:i:1 name:b]] [[1]]]',
    ],
  ])('%j fails as in the real server', (patch, code, message) => {
    expect(codeOf(() => apply({ containers }, patch))).toMatchObject({ code, message });
  });
});
