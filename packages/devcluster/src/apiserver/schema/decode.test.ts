import { describe, expect, test } from 'vitest';
import { builtinSchema, decodeJson, decodeYaml, strictFieldErrors, type TypeSchema, unknownFields } from './index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function schemaOf(group: string, version: string, kind: string): TypeSchema {
  const schema = builtinSchema(group, version, kind);
  if (schema === undefined) throw new Error(`no schema of ${kind}`);
  return schema;
}

describe('decodeJson', () => {
  test.each([
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ["{'a'}", "invalid character '\\'' looking for beginning of object key string"],
    ['{}x', "invalid character 'x' after top-level value"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['{"a":1', 'unexpected end of JSON input'],
    ['', 'unexpected end of JSON input'],
  ])('says why %s is malformed, in the words of Go', (text, message) => {
    expect(decodeJson(bytes(text))).toEqual({ ok: false, message });
  });

  test('reports repeated keys by path, and the last one wins', () => {
    expect(decodeJson(bytes('{"data":{"a":"1","a":"2"},"l":[{"x":1,"x":2}]}'))).toMatchObject({
      ok: true,
      value: { data: { a: '2' }, l: [{ x: 2 }] },
      duplicates: ['data.a', 'l[0].x'],
    });
  });

  test('a key named __proto__ is a key like others', () => {
    const decoded = decodeYaml(bytes('__proto__: {a: 1}\nb: 2\n'));
    expect(decoded.ok && Object.keys(decoded.value as object)).toEqual(['__proto__', 'b']);
  });
});

describe('decodeYaml', () => {
  test('reads YAML 1.1 as the real server does', () => {
    const text = 'a: &x {b: yes, c: 012}\nd: *x\ne: {<<: *x, f: 2024-01-01}\n1: "no"\nt: 12:30\n';
    expect(decodeYaml(bytes(text))).toMatchObject({
      ok: true,
      value: {
        a: { b: true, c: 10 },
        d: { b: true, c: 10 },
        e: { b: true, c: 10, f: '2024-01-01' },
        1: 'no',
        t: '12:30',
      },
    });
  });

  test('reads JSON as JSON', () => {
    expect(decodeYaml(bytes('{"a": {"b": 1, "b": 2}}'))).toMatchObject({
      ok: true,
      value: { a: { b: 2 } },
      duplicates: ['a.b'],
    });
  });

  test.each([
    ['a: [b', "yaml: line 1: did not find expected ',' or ']'"],
    ['a: {b', "yaml: line 1: did not find expected ',' or '}'"],
    ['a: b: c', 'yaml: mapping values are not allowed in this context'],
    ['key: value\n  more: x\n', 'yaml: line 2: mapping values are not allowed in this context'],
    ['a:\n  b: 1\n c: 2\n', 'yaml: line 2: did not find expected key'],
    ['a: "x', 'yaml: found unexpected end of stream'],
    ['\ta: 1', 'yaml: found character that cannot start any token'],
    ['a: 1\n\tb: 2', 'yaml: line 2: found a tab character that violates indentation'],
    ['a: 1\nb', "yaml: line 3: could not find expected ':'"],
    ['a: @x', 'yaml: found character that cannot start any token'],
    ['- a\nb: 1', "yaml: line 1: did not find expected '-' indicator"],
    ['a: *x', "yaml: unknown anchor 'x' referenced"],
    ['a: "\\q"', 'yaml: found unknown escape character'],
  ])('says why %j is malformed, in the words of the real server', (text, message) => {
    expect(decodeYaml(bytes(text))).toEqual({ ok: false, message });
  });

  test('reads the first of several documents, and nothing as null', () => {
    expect(decodeYaml(bytes('a: 1\n---\nb: 2\n'))).toMatchObject({ ok: true, value: { a: 1 } });
    expect(decodeYaml(bytes(''))).toMatchObject({ ok: true, value: null });
  });

  test('refuses a document that aliases blow up', () => {
    const levels = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 8; i++) levels.push(`a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join(',')}]`);
    expect(decodeYaml(bytes(levels.join('\n')))).toEqual({
      ok: false,
      message: 'yaml: document contains excessive aliasing',
    });
  });
});

describe('field validation', () => {
  const configMap = schemaOf('', 'v1', 'ConfigMap');

  test('names unknown and repeated fields in document order, each once', () => {
    const text =
      '{"metadata":{"name":"x","q":1},"data":{"a":"1","a":"2"},"x":1,"x":2,"binaryData":{"b":"AA==","b":"AA=="},"data":{}}';
    expect(strictFieldErrors(text, configMap)).toEqual([
      'unknown field "metadata.q"',
      'duplicate field "data.a"',
      'unknown field "x"',
      'duplicate field "binaryData.b"',
      'duplicate field "data"',
    ]);
  });

  test('looks into lists but not into raw values', () => {
    const pod = schemaOf('', 'v1', 'Pod');
    expect(unknownFields({ spec: { containers: [{ name: 'c', bogus: 1 }] } }, pod)).toEqual([
      'spec.containers[0].bogus',
    ]);
    const revision = schemaOf('apps', 'v1', 'ControllerRevision');
    expect(unknownFields({ data: { anything: { goes: 1 } }, revision: 1 }, revision)).toEqual([]);
  });

  test('knows the schemas inside of definitions', () => {
    const crd = schemaOf('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');
    const schema = { type: 'object', properties: { a: { type: 'array', items: { type: 'string', bogus: 1 } } } };
    const path = 'spec.versions[0].schema.openAPIV3Schema.properties.a.items.bogus';
    expect(unknownFields({ spec: { versions: [{ schema: { openAPIV3Schema: schema } }] } }, crd)).toEqual([path]);
  });
});
