import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from './decode.ts';

function decode(base64: string) {
  const decoded = decodeProtobuf(Buffer.from(base64, 'base64'));
  return 'object' in decoded ? decoded.object : decoded.error;
}

/** Encodes one length-delimited field. */
function field(number: number, ...content: (string | number[] | Buffer)[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part as string)));
  return Buffer.concat([Buffer.from([(number << 3) | 2, body.length]), body]);
}

function message(apiVersion: string, kind: string, raw: Buffer): Buffer {
  const type = field(1, field(1, apiVersion), field(2, kind));
  return Buffer.concat([Buffer.from('k8s\0'), type, field(2, raw)]);
}

describe('the protobuf decoder', () => {
  it('reads what kubectl create configmap and secret send, without zero values', () => {
    expect(decode('azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhwKEgoCcGISABoAIgAqADIAOABCABIGCgFhEgFiGgAiAA==')).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'pb' },
      data: { a: 'b' },
    });
    expect(decode('azhzAAoMCgJ2MRIGU2VjcmV0Eh8KEwoDcGJzEgAaACIAKgAyADgAQgASBgoBdRIBdhoAGgAiAA==')).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pbs' },
      data: { u: 'dg==' },
    });
  });

  it('reads numbers and nested kinds', () => {
    const token =
      'azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBIdChAKABIAGgAiACoAMgA4AEIAEgMgkBwaBAoAEgAaACIA';
    expect(decode(token)).toMatchObject({ kind: 'TokenRequest', spec: { expirationSeconds: 3600 } });
  });

  it('writes inlined messages into their parent, and keeps zeros that are pointers', () => {
    const spec = field(2, field(1, field(1, 'v'), field(2, field(2, field(1, 'Memory')))), [4 << 3, 0]);
    const pod = decodeProtobuf(message('v1', 'Pod', Buffer.concat([field(1, field(1, 'p')), spec])));
    expect(pod).toEqual({
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p' },
        spec: { volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }], terminationGracePeriodSeconds: 0 },
      },
    });
  });

  it('reads times, quantities and int-or-string', () => {
    const created = field(1, field(1, 'p'), field(8, [8, 0x80, 0x92, 0xb8, 0xc3, 0x06]));
    const port = field(1, field(4, [8, 0], [16, 80]), [3 << 3, 80]);
    const other = field(1, field(4, [8, 1], field(3, 'web')), [3 << 3, 81]);
    const service = decodeProtobuf(message('v1', 'Service', Buffer.concat([created, field(2, port, other)])));
    expect(service).toMatchObject({
      object: {
        metadata: { creationTimestamp: '2025-07-09T06:15:28Z' },
        spec: {
          ports: [
            { port: 80, targetPort: 80 },
            { port: 81, targetPort: 'web' },
          ],
        },
      },
    });
    const hard = field(2, field(1, field(1, 'cpu'), field(2, field(1, '500m'))));
    expect(decodeProtobuf(message('v1', 'ResourceQuota', hard))).toMatchObject({
      object: { spec: { hard: { cpu: '500m' } } },
    });
  });

  it('takes options of any group', () => {
    const options = message('apps/v1', 'DeleteOptions', field(4, 'Background'));
    expect(decodeProtobuf(options)).toMatchObject({ object: { propagationPolicy: 'Background' } });
  });

  it('says what is wrong with other bodies', () => {
    expect(decodeProtobuf(Buffer.from('{}'))).toEqual({
      error: 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})',
    });
    expect(decodeProtobuf(message('example.com/v1', 'Thing', Buffer.alloc(0)))).toEqual({
      error: 'no kind "Thing" is registered for version "example.com/v1"',
    });
    expect(decodeProtobuf(Buffer.concat([Buffer.from('k8s\0'), Buffer.from([10, 50])]))).toEqual({
      error: 'unexpected EOF',
    });
  });
});
