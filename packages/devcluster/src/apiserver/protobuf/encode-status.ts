import { parseAccept } from '../discovery/media-types.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** Whether an Accept header asks for the binary encoding and nothing else. */
export function acceptsOnlyProtobuf(accept: string | undefined): boolean {
  return parseAccept(accept).every(({ type }) => type === PROTOBUF);
}

/**
 * A failure Status in the binary encoding. The server answers in JSON and YAML only; this is for clients that accept
 * nothing but the binary encoding, so that they can read why they get no answer.
 */
export function encodeStatus(status: {
  readonly message?: string;
  readonly reason?: string;
  readonly code: number;
}): Uint8Array {
  const body = Buffer.concat([
    // List metadata: selfLink, resourceVersion and continue, all empty, as Go writes them.
    field(1, Buffer.concat([field(1, ''), field(2, ''), field(3, '')])),
    field(2, 'Failure'),
    field(3, status.message ?? ''),
    field(4, status.reason ?? ''),
    Buffer.from([(6 << 3) | 0, ...varint(status.code)]),
  ]);
  const type = Buffer.concat([field(1, 'v1'), field(2, 'Status')]);
  // The envelope ends with content encoding and content type, both empty.
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, body), field(3, ''), field(4, '')]);
}

function field(number: number, content: string | Uint8Array): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return [...out, rest];
}
