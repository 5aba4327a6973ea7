import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  difference,
  EMPTY,
  equalSets,
  type FieldSet,
  FieldSetBuilder,
  fieldSetOf,
  fromFieldsV1,
  has,
  intersection,
  members,
  printPath,
  recursiveDifference,
  toFieldsV1,
  union,
} from './field-set.ts';

const element = fc.constantFrom(
  'f:a',
  'f:b',
  'f:c',
  'k:{"name":"x"}',
  'k:{"name":"y","port":1}',
  'v:"s"',
  'v:1',
  'i:0',
);
const path = fc.array(element, { minLength: 1, maxLength: 4 });
const set = fc.array(path, { maxLength: 8 }).map((paths) => {
  const builder = new FieldSetBuilder();
  for (const p of paths) builder.insert(p);
  return builder.set;
});

const keys = (s: FieldSet): readonly string[] => members(s).map((p) => p.join(' '));

describe('sets of fields', () => {
  test('survive the way through fieldsV1', () => {
    fc.assert(fc.property(set, (s) => equalSets(fromFieldsV1(toFieldsV1(s)) ?? EMPTY, s)));
  });

  test('union, intersection and difference are those of their members', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [x, y] = [keys(a), keys(b)];
        expect(new Set(keys(union(a, b)))).toEqual(new Set([...x, ...y]));
        expect(keys(intersection(a, b))).toEqual(x.filter((key) => y.includes(key)));
        expect(keys(difference(a, b))).toEqual(x.filter((key) => !y.includes(key)));
      }),
    );
  });

  test('a recursive difference takes away what lies below members too', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const gone = members(b);
        const left = members(recursiveDifference(a, b));
        for (const p of members(a)) {
          const below = gone.some((g) => g.every((e, i) => e === p[i]));
          expect(left.some((l) => l.join(' ') === p.join(' '))).toBe(!below);
        }
      }),
    );
  });

  test('operations change neither operand', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const before = JSON.stringify([toFieldsV1(a), toFieldsV1(b)]);
        union(a, b);
        intersection(a, b);
        difference(a, b);
        recursiveDifference(a, b);
        expect(JSON.stringify([toFieldsV1(a), toFieldsV1(b)])).toBe(before);
      }),
    );
  });

  test('a member with fields below is marked with a dot', () => {
    const s = union(fieldSetOf([['a']]), fieldSetOf([['a', 'b']]));
    expect(toFieldsV1(s)).toEqual({ 'f:a': { '.': {}, 'f:b': {} } });
    expect([has(s, ['f:a']), has(s, ['f:a', 'f:b']), has(s, ['f:b'])]).toEqual([true, true, false]);
  });

  test('key fields in another order are the same element', () => {
    const a = fromFieldsV1({ 'k:{"b":1,"a":"x"}': {} });
    expect(a && [...a.keys()]).toEqual(['k:{"a":"x","b":1}']);
  });

  test.each([[null], ['x'], [{ 'x:y': {} }], [{ 'k:{': {} }], [{ 'f:a': 1 }]])('%j is no set', (fields) => {
    expect(fromFieldsV1(fields)).toBeUndefined();
  });

  test('paths are printed as conflicts name them', () => {
    const p = ['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name'];
    expect(printPath(p)).toBe('.spec.ports[containerPort=80,protocol="TCP"].name');
    expect(printPath(['f:finalizers', 'v:"x"'])).toBe('.finalizers[="x"]');
  });
});
