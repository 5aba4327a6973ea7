import { describe, expect, test } from 'vitest';
import { expressionProblem } from './cel-rules.ts';
import type { JsonSchema } from './json-schema.ts';

const schema: JsonSchema = {
  type: 'object',
  properties: {
    a: { type: 'string' },
    n: { type: 'integer' },
    l: { type: 'array', items: { type: 'object', properties: { k: { type: 'string' } } } },
    m: { type: 'object', additionalProperties: { type: 'string' } },
    'my-key': { type: 'string' },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    either: { 'x-kubernetes-int-or-string': true },
  },
};

const problemOf = (rule: string, wanted: 'bool' | 'string' = 'bool'): string | undefined =>
  expressionProblem(rule, schema, false, { rule }, wanted);

describe('the check of expressions', () => {
  test.each([
    ['self.zz == "a"', 5, "undefined field 'zz'"],
    ['self.free.x == 1', 10, "undefined field 'x'"],
    ['self.metadata.name == "x"', 5, "undefined field 'metadata'"],
    ['has(self.zz)', 4, "undefined field 'zz'"],
    ['self.l.all(i, i.z == 1)', 16, "undefined field 'z'"],
    ['bar == 1', 1, "undeclared reference to 'bar' (in container '')"],
    ['foo(self.a)', 4, "undeclared reference to 'foo' (in container '')"],
    ['self.a.foo()', 11, "undeclared reference to 'foo' (in container '')"],
    ['self.a == 1', 8, "found no matching overload for '_==_' applied to '(string, int)'"],
    ['self.l[0].k == 1', 13, "found no matching overload for '_==_' applied to '(string, int)'"],
    ['self.n + 1.5 > 2.0', 8, "found no matching overload for '_+_' applied to '(int, double)'"],
    ['!self.n', 1, "found no matching overload for '!_' applied to '(int)'"],
    ['true ? self.n : self.a', 6, "found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
    ['self.n && true', 5, "expected type 'bool' but found 'int'"],
  ])('refuses %s at column %i', (rule, column, message) => {
    const dots = '.'.repeat(column - 1);
    expect(problemOf(rule)).toBe(`compilation failed: ERROR: <input>:1:${column}: ${message}\n | ${rule}\n | ${dots}^`);
  });

  test('names the line in rules of several lines', () => {
    expect(problemOf('self.a ==\n self.zz')).toContain("<input>:2:6: undefined field 'zz'\n |  self.zz\n | .....^");
  });

  test.each(['self.a', 'self.l.map(i, i.k)', 'self.n == 1 ? "a" : "b"'])(
    'refuses %s, which is no condition',
    (rule) => {
      expect(problemOf(rule)).toBe('cel expression must evaluate to a bool');
    },
  );

  test('a message has to be a string', () => {
    expect(problemOf('self.n', 'string')).toBe('must evaluate to a string');
    expect(problemOf("'n is ' + string(self.n)", 'string')).toBeUndefined();
  });

  test.each([
    'self.m.anything == "x"',
    'self.m.all(k, self.m[k] != k)',
    'self.n > 1.5',
    'self.my__dash__key.startsWith("a")',
    'type(self.either) == int ? self.either < 5 : self.either.endsWith("%")',
    'self.?nothing.orValue(1) == 1',
    'optional.of(self.n).hasValue() && sets.contains([1], [self.n])',
    'self.l.exists_one(i, i.k == "x") && self.l.filter(i, i.k != "").size() > 0',
    'self == oldSelf',
    'self.a.matches("^[a-z]+$") && self.a in ["x", "y"]',
    'duration("1h") > duration("1m") && timestamp("2024-01-01T00:00:00Z").getFullYear() == 2024',
    '{"a": 1}.a == 1 && [1, 2].sum() == 3 && cidr("10.0.0.0/8").containsIP(ip("10.1.2.3"))',
  ])('lets %s pass', (rule) => {
    expect(problemOf(rule)).toBeUndefined();
  });
});
