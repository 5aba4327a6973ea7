import { expect, test } from 'vitest';
import { readJavaUri } from './java-uri.ts';

test.each([
  [
    'https://u@h.example:80/a?b#c',
    { authority: 'u@h.example:80', host: 'h.example', path: '/a', query: 'b', fragment: 'c' },
  ],
  ['https://[fe80::1%eth0]/a', { authority: '[fe80::1%eth0]', host: '[fe80::1%eth0]', path: '/a' }],
  ['https://a_b/c', { authority: 'a_b', host: undefined }],
  ['https://127.1/c', { authority: '127.1', host: undefined }],
  ['s3:///ü/a%20b', { authority: undefined, path: '/ü/a%20b' }],
  ['mailto:x@y', { scheme: 'mailto', path: undefined }],
  ['', { scheme: undefined, path: '' }],
])('%j is taken apart as Java does it', (text, parts) => {
  expect(readJavaUri(text)).toMatchObject({ ok: true, value: parts });
});

test.each([
  ['ht tp://x', 'Illegal character in scheme name at index 2'],
  ['1:2', 'Illegal character in scheme name at index 0'],
  [':x', 'Expected scheme name at index 0'],
  ['a:', 'Expected scheme-specific part at index 2'],
  ['a:b c', 'Illegal character in opaque part at index 3'],
  ['https://', 'Expected authority at index 8'],
  ['https://a b/c', 'Illegal character in authority at index 8'],
  ['https://[::1/c', 'Expected closing bracket for IPv6 address at index 12'],
  ['https://[1::2::3]/', 'Expected hex digits or IPv4 address at index 14'],
  ['https://[1:2]/', 'IPv6 address too short at index 9'],
  ['https://[::1]x/', 'Expected port number at index 13'],
  ['https://h/a[1]', 'Illegal character in path at index 11'],
  ['https://h/a?b{', 'Illegal character in query at index 13'],
  ['https://h/a#b#', 'Illegal character in fragment at index 13'],
  ['https://h/%zz', 'Malformed escape pair at index 10'],
])('%j is no URI: %s', (text, reason) => {
  expect(readJavaUri(text)).toEqual({ ok: false, reason: `${reason}: ${text}` });
});
