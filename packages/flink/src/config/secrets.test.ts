import { describe, expect, test } from 'vitest';
import { secretValues, withoutSecrets } from './secrets.ts';

describe('A text that others may read', () => {
  test('has no value of a sensitive key in it', () => {
    const secrets = secretValues([
      ['s3.secret-key', 'hunter2'],
      ['s3.endpoint', 'https://s3'],
      ['fs.token', ''],
    ]);
    expect(secrets).toEqual(['hunter2']);
    expect(withoutSecrets('could not sign with hunter2 for https://s3', secrets)).toBe(
      'could not sign with ****** for https://s3',
    );
  });

  test('keeps what is too short to be told from other text', () => {
    expect(withoutSecrets('abc abcabc', ['abc'])).toBe('abc abcabc');
  });

  test.each([
    ['jdbc:postgresql://user:pw@db/x', 'jdbc:postgresql://user:******@db/x'],
    ['Authorization: Bearer abcdefgh123', 'Authorization: Bearer ******'],
    ['sasl password=letmein;', 'sasl password=******;'],
    ['"api-key": "k123"', '"api-key": "******"'],
    ['s3.access-key: AKIA', 's3.access-key: ******'],
    ['Source: file-input -> tokenizer -> sink', 'Source: file-input -> tokenizer -> sink'],
    ['at tokenizer: line 3', 'at tokenizer: line 3'],
  ])('%s', (text, shown) => {
    expect(withoutSecrets(text)).toBe(shown);
  });
});
