import { expect, test } from 'vitest';
import { parseJson } from './json.ts';

const big = (text: string): unknown => ({ big: text });

test('An integer that a number cannot hold goes through the given maker, wherever it stands', () => {
  expect(parseJson('{"a":9007199254740993,"b":[-9223372036854775808 ]}', big)).toEqual({
    a: { big: '9007199254740993' },
    b: [{ big: '-9223372036854775808' }],
  });
});

test('Everything else is ordinary JSON: smaller integers, fractions, digits inside texts', () => {
  const text = '{"a":9007199254740991,"b":1.2345678901234567,"c":"x,1234567890123456789,y","d":1e300}';
  expect(parseJson(text, big)).toEqual(JSON.parse(text));
});

test('Without a maker the nearest number is taken', () => {
  expect(parseJson('[9007199254740993]', undefined)).toEqual([9007199254740992]);
});
