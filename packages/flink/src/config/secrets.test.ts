import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { secretsIn, secretValues, withoutSecrets } from './secrets.ts';

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

describe('Secrets inside plain data', () => {
  test('are the values of the headers with which jars are fetched, and tokens that say so', () => {
    const header = 'kubernetes.operator.user.artifacts.http.header';
    const flat = { [header]: 'Authorization: Basic dXNlcjpwYXNz, X-Art:"AKC5abc"' };
    expect(secretsIn(flat)).toEqual(['Basic dXNlcjpwYXNz', 'AKC5abc']);
    const spread = { [`${header}.X-Art`]: 'AKC5abc', env: [{ name: 'AUTH', value: 'Bearer abcdefgh123' }] };
    expect(secretsIn(spread)).toEqual(['AKC5abc', 'abcdefgh123']);
  });

  test('are found wherever users put them', () => {
    const spec = {
      flinkConfiguration: {
        's3.secret-key': 'flat-secret',
        fs: { azure: { account: { key: { x: 'nested-secret' } } } },
        'env.java.opts.all': '-Djavax.net.ssl.keyStorePassword=jvm-secret -Xmx1g',
        'security.delegation.tokens.enabled': true,
        'kubernetes.env.secretKeyRef': 'env:A,secret:name-of-a-secret,key:k',
      },
      job: {
        args: ['--db.password', 'arg-secret', '--url', 'jdbc:postgresql://u:url-secret@db/x', '--token=eq-secret'],
      },
      podTemplate: {
        spec: {
          imagePullSecrets: [{ name: 'pull' }],
          volumes: [{ name: 'v', secret: { secretName: 'mounted' } }],
          containers: [
            {
              name: 'main',
              env: [
                { name: 'API_TOKEN', value: 'env-secret' },
                { name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'ref', key: 'k' } } },
              ],
            },
          ],
        },
      },
    };
    expect(secretsIn(spec).sort()).toEqual([
      'arg-secret',
      'env-secret',
      'eq-secret',
      'flat-secret',
      'jvm-secret',
      'nested-secret',
      'url-secret',
    ]);
  });

  test('stand in no text that was cleaned of them, whatever is around them', () => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40 })
      .filter((text) => text.trim() === text && /[a-z]/i.test(text));
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        const secrets = secretsIn({ flinkConfiguration: { 'my.password': value } });
        expect(withoutSecrets(`${before} ${value} ${after}`, secrets)).not.toContain(value);
      }),
    );
  });
});
