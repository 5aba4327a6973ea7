import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDecimals, decimalText, multiply, parseDecimal } from './decimal.ts';
import { flattenConfiguration } from './flatten.ts';
import { expandIngressTemplate } from './ingress-template.ts';
import { javaHashOrder } from './java-hash-order.ts';
import { JsonNumber, javaDoubleText, jsonEqual, parseExactJson } from './json.ts';
import { flinkMemoryText, memoryBytes, parseFlinkMemory } from './memory-size.ts';
import { parseQuantity } from './quantity.ts';

describe('JSON', () => {
  test('Numbers whose text says more than a JavaScript number keep their text', () => {
    expect(parseExactJson('{"a":1.0,"b":1,"c":9007199254740993,"d":0.5}')).toEqual({
      a: new JsonNumber('1.0'),
      b: 1,
      c: new JsonNumber('9007199254740993'),
      d: 0.5,
    });
  });

  test('Equality takes members in any order but tells 1 from 1.0', () => {
    expect(jsonEqual({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
    expect(jsonEqual(1, new JsonNumber('1.0'))).toBe(false);
    expect(jsonEqual({ a: null }, {})).toBe(false);
  });

  test('Doubles are written as Java writes them and read back as the same number', () => {
    expect([1, 0.001, 1e-4, 12345678, 1e7, 100].map(javaDoubleText)).toEqual([
      '1.0',
      '0.001',
      '1.0E-4',
      '1.2345678E7',
      '1.0E7',
      '100.0',
    ]);
    fc.assert(fc.property(fc.double({ noNaN: true }), (value) => Object.is(Number(javaDoubleText(value)), value)));
  });
});

describe('Decimals and quantities', () => {
  test('A product is exact, and text reads back as the same value', () => {
    const big = parseDecimal('123456789012345678901234567890.5')!;
    expect(decimalText(multiply(big, parseDecimal('2')!))).toBe('246913578024691357802469135781.0');
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: -20, max: 40 }), (unscaled, scale) => {
        const value = { unscaled, scale };
        return compareDecimals(parseDecimal(decimalText(value))!, value) === 0;
      }),
    );
  });

  test('Equal amounts are equal in any spelling', () => {
    const value = (text: string) => {
      const reading = parseQuantity(text);
      if (!reading.ok) throw new Error(reading.reason);
      return reading.value;
    };
    expect(compareDecimals(value('1'), value('1000m'))).toBe(0);
    expect(compareDecimals(value('1Gi'), value('1024Mi'))).toBe(0);
    expect(compareDecimals(value('1G'), value('1Gi'))).toBeLessThan(0);
  });

  test('No text makes the readers throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseQuantity(text);
        parseFlinkMemory(text);
        memoryBytes(text);
        return true;
      }),
    );
  });

  test('A memory size survives being written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (bytes) => {
        const reading = parseFlinkMemory(flinkMemoryText(bytes));
        return reading.ok && reading.value === bytes;
      }),
    );
  });
});

test('Nested configuration is flattened, the later of two spellings of a key winning', () => {
  expect(flattenConfiguration({ a: { b: 1, c: ['x', true] }, 'a.b': 'later', d: {}, e: [] })).toEqual({
    'a.b': 'later',
    'a.c': 'x;true',
  });
});

test('The hash order of Java depends on the size of the table alone, and loses no key', () => {
  expect(javaHashOrder(['sec1', 'sec2'])).toEqual(['sec2', 'sec1']);
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), (keys) => jsonEqual([...javaHashOrder(keys)].sort(), [...keys].sort())),
  );
});

test('An ingress template gives host and path, and says what is wrong with it', () => {
  expect(expandIngressTemplate('{{name}}.{{NAMESPACE}}.x/a', 'n', 's')).toEqual({
    ok: true,
    value: { host: 'n.s.x', path: '/a' },
  });
  expect(expandIngressTemplate('x:port', 'n', 's')).toMatchObject({ ok: false });
  expect(expandIngressTemplate('x:-', 'n', 's')).toMatchObject({ ok: false });
});

test('An ingress template in an odd form is taken apart as Java does it', () => {
  const target = (template: string) => expandIngressTemplate(template, 'n', 's');
  expect(target('//{{name}}/a')).toEqual({ ok: true, value: { host: '', path: '////n/a' } });
  expect(target('a@b@c/d')).toEqual({ ok: true, value: { host: '', path: '/d' } });
  expect(target('a@b/d')).toEqual({ ok: true, value: { host: 'b', path: '/d' } });
  expect(target('http://a/../b/./c ')).toEqual({ ok: true, value: { host: 'a', path: '/../b/./c' } });
  expect(target('x:\u0663/')).toEqual({ ok: true, value: { host: 'x', path: '/' } });
  expect(target('[::ffff:1.2.3.4]:80/')).toEqual({ ok: true, value: { host: '[::ffff:1.2.3.4]', path: '/' } });
});

test('An ingress template knows no scheme besides http and https', () => {
  expect(expandIngressTemplate('ftp://x/a', 'n', 's')).toEqual({ ok: true, value: { host: 'ftp', path: '//x/a' } });
});

test.each([
  ['x:99999999999/a', 'n', 'Error at index 9 in: "99999999999"'],
  ['x:-2/a', 'n', 'Invalid port number :-2'],
  ['[1.2.3.4]/a', 'n', 'Invalid host: [1.2.3.4]'],
  ['[::1', 'n', 'Invalid authority field: [::1'],
  ['a\tb/c', 'n', 'Illegal character found in host: control char (code=9)'],
  ['{{name}}.x', 'a$1', '"a$1" cannot be filled in because of its "$1"'],
  ['{{name}}.x', 'a\\', '"a\\\\" cannot be filled in because of its "\\\\"'],
])('An ingress template %j for %j is refused: %s', (template, name, reason) => {
  expect(expandIngressTemplate(template, name, 's')).toEqual({
    ok: false,
    reason: `Unable to process the Ingress template(${template}). Error: ${reason}`,
  });
});
