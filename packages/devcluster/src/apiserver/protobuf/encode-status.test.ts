import { expect, it } from 'vitest';
import { encodeStatus } from './encode-status.ts';

it('writes a Status as a real server does', () => {
  const bytes = encodeStatus({ message: 'm'.repeat(116), reason: 'NotAcceptable', code: 406 });
  const head = 'k8s\0\n\f\n\x02v1\x12\x06Status\x12\x99\x01\n\x06\n\0\x12\0\x1a\0\x12\x07Failure\x1at';
  const tail = '"\rNotAcceptable0\x96\x03\x1a\0"\0';
  expect(Buffer.from(bytes).toString('latin1')).toBe(`${head}${'m'.repeat(116)}${tail}`);
});
