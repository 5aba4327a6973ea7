import { describe, expect, test } from 'vitest';
import type { CompiledVersion } from './compiled.ts';
import type { JsonSchema } from './json-schema.ts';
import { errorsOf, thing, versionOf } from './test-resources.ts';

const string: JsonSchema = { type: 'string' };
const NOT_CHECKED =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

describe('rules', () => {
  const rule = (schema: JsonSchema, text: string, more: object = {}): JsonSchema => ({
    ...schema,
    'x-kubernetes-validations': [{ rule: text, ...more }],
  });
  const at = (schema: JsonSchema, value: unknown, old?: unknown): string[] =>
    errorsOf(versionOf({ x: schema }), { x: value }, old === undefined ? undefined : { x: old });
  const list: JsonSchema = { type: 'array', items: { type: 'integer' } };

  test.each<[string, JsonSchema, unknown, unknown]>([
    ["self.startsWith('a') && self.size() > 2", string, 'abc', 'ab'],
    ['self.isSorted() && self.sum() == 6 && self.max() == 3 && self.indexOf(2) == 1', list, [1, 2, 3], [3, 2, 1]],
    [
      "isURL(self) && url(self).getHost() == 'h:80' && url(self).getPort() == '80' && url(self).getQuery()['q'] == ['1']",
      string,
      'http://h:80/p?q=1',
      'nope',
    ],
    ["isQuantity(self) && quantity(self).add(quantity('1')).compareTo(quantity('1025')) == 0", string, '1Ki', '2Ki'],
    ["isIP(self) && ip(self).family() == 4 && cidr('10.0.0.0/8').containsIP(self)", string, '10.1.2.3', '11.1.2.3'],
    [
      "cidr(self).masked() == cidr('10.0.0.0/8') && cidr(self).prefixLength() == 8",
      string,
      '10.1.2.3/8',
      '10.1.2.3/16',
    ],
    ["self.find('[0-9]+') == '12' && self.findAll('[a-z]+').size() == 2", string, 'ab12cd', 'ab'],
    [
      "has(self.a) ? self.a == 'x' : self.?b.orValue('q') == 'q'",
      { type: 'object', properties: { a: string, b: string } },
      {},
      { b: 'z' },
    ],
    ["self.?a.optMap(v, v + 'y').orValue('') == 'xy'", { type: 'object', properties: { a: string } }, { a: 'x' }, {}],
    ['self[?0].orValue(7) == 7', list, [], [1]],
    [
      "self.my__dash__key == 'x' && self.__namespace__ == 'y'",
      { type: 'object', properties: { 'my-key': string, namespace: string } },
      { 'my-key': 'x', namespace: 'y' },
      { 'my-key': 'x', namespace: 'z' },
    ],
    ["self > duration('1h')", { type: 'string', format: 'duration' }, '2h', '30m'],
    [
      "self < timestamp('2024-01-01T00:00:00Z')",
      { type: 'string', format: 'date-time' },
      '2023-01-01T00:00:00Z',
      '2025-01-01T00:00:00Z',
    ],
    ["type(self) == int ? self < 5 : self.endsWith('%')", { 'x-kubernetes-int-or-string': true }, 4, '6'],
    ['!format.dns1123Label().validate(self).hasValue()', string, 'abc', 'A_'],
    ["sets.contains(['a', 'b'], [self])", string, 'a', 'c'],
  ])('%s holds for some values and not for others', (text, schema, good, bad) => {
    expect(at(rule(schema, text), good)).toEqual([]);
    expect(at(rule(schema, text), bad)).toHaveLength(1);
  });

  test.each<[object, string]>([
    [{}, 'spec.x: Invalid value: "integer": failed rule: self > 3'],
    [{ message: 'too small' }, 'spec.x: Invalid value: "integer": too small'],
    [{ messageExpression: "'got ' + string(self)", message: 'unused' }, 'spec.x: Invalid value: "integer": got 2'],
    [{ messageExpression: "'a\\nb'", message: 'used' }, 'spec.x: Invalid value: "integer": used'],
    [{ reason: 'FieldValueForbidden', message: 'no' }, 'spec.x: Forbidden: no'],
    [{ reason: 'FieldValueRequired', message: 'must be' }, 'spec.x: Required value: must be'],
    [{ reason: 'FieldValueDuplicate' }, 'spec.x: Duplicate value: "integer"'],
  ])('a rule with %j fails with its words', (more, error) => {
    expect(at(rule({ type: 'integer' }, 'self > 3', more), 2)).toEqual([error]);
  });

  test.each<[string, JsonSchema, unknown, string]>([
    ['self.a == 1', { type: 'object', properties: { a: { type: 'integer' } } }, {}, 'no such key: a'],
    ['self[5] == 1', list, [1], 'index out of bounds: 5'],
    ["self.substring(1) == ''", string, '', 'index out of range: 1'],
    ['self * 9223372036854775807 > 0', { type: 'integer' }, 2, 'integer overflow'],
    ['1 / self > 0', { type: 'integer' }, 0, 'division by zero'],
  ])('what goes wrong in %s is said', (text, schema, value, problem) => {
    const [error] = at(rule(schema, text), value);
    expect(error).toBe(`spec.x: Invalid value: "${schema.type}": ${problem} evaluating rule: ${text}`);
  });

  test('a transition rule needs an old value, unless it says that it does not', () => {
    const grows = rule({ type: 'integer' }, 'self >= oldSelf');
    expect([at(grows, 1), at(grows, 1, 2), at(grows, 2, 1)].map((e) => e.length)).toEqual([0, 1, 0]);
    const first = rule(string, "oldSelf.hasValue() || self == 'first'", { optionalOldSelf: true });
    expect([at(first, 'second'), at(first, 'first'), at(first, 'second', 'x')].map((e) => e.length)).toEqual([1, 0, 0]);
  });

  test('items of a map list are compared with those of the same key', () => {
    const items = rule({ type: 'object', properties: { k: string, v: string } }, 'self.v == oldSelf.v');
    const schema: JsonSchema = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items,
    };
    const old = [
      { k: 'a', v: '1' },
      { k: 'b', v: '1' },
    ];
    expect(
      at(
        schema,
        [
          { k: 'c', v: '2' },
          { k: 'b', v: '2' },
        ],
        old,
      ),
    ).toHaveLength(1);
    expect(
      at(
        schema,
        [
          { k: 'c', v: '2' },
          { k: 'b', v: '1' },
        ],
        old,
      ),
    ).toEqual([]);
  });

  test('what failed before and did not change is let pass', () => {
    expect(at(rule({ type: 'integer' }, 'self > 3'), 2, 2)).toEqual([]);
    expect(at(rule({ type: 'integer' }, 'self > 3'), 1, 2)).toHaveLength(1);
  });

  test('are not run on an object that is broken otherwise', () => {
    const version = versionOf({ x: rule({ type: 'integer' }, 'false'), y: string });
    expect(errorsOf(version, { x: 1, y: 1 })).toEqual([
      'spec.y: Invalid value: "integer": spec.y in body must be of type string: "integer"',
      NOT_CHECKED,
    ]);
  });

  test('see the name of the object, and nothing else of its metadata', () => {
    const version = compileRoot("self.metadata.name == 't' && !has(self.metadata.labels)");
    expect(version.validate(thing({}, { labels: { a: 'b' } }), undefined)).toEqual([]);
    expect(version.validate(thing({}, { name: 'other' }), undefined)).toMatchObject([{ field: '<nil>' }]);
  });
});

function compileRoot(rule: string): CompiledVersion {
  const schema = { type: 'object', properties: { spec: { type: 'object' } }, 'x-kubernetes-validations': [{ rule }] };
  return versionOf({}, { schema: { openAPIV3Schema: schema } });
}
