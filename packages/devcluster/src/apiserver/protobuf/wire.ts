/** Reads the protobuf wire format: tags, varints, lengths. Throws {@link WireError} on anything malformed. */
export class WireError extends Error {}

export type WireValue = bigint | Uint8Array;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const MAX_VARINT_BYTES = 10;

/** The fields of one message in wire order. Fixed-width numbers come as their bytes. */
export function* readFields(data: Uint8Array): Generator<{ number: number; value: WireValue }> {
  const cursor = { at: 0 };
  while (cursor.at < data.length) {
    const tag = readVarint(data, cursor);
    const number = Number(tag >> 3n);
    if (number === 0) throw new WireError(`illegal tag 0 (wire type ${tag & 7n})`);
    yield { number, value: readValue(data, cursor, Number(tag & 7n)) };
  }
}

function readValue(data: Uint8Array, cursor: { at: number }, wireType: number): WireValue {
  switch (wireType) {
    case VARINT:
      return readVarint(data, cursor);
    case FIXED64:
      return take(data, cursor, 8);
    case BYTES:
      return take(data, cursor, Number(readVarint(data, cursor)));
    case FIXED32:
      return take(data, cursor, 4);
    default:
      throw new WireError(`illegal wireType ${wireType}`);
  }
}

function take(data: Uint8Array, cursor: { at: number }, length: number): Uint8Array {
  if (length > data.length - cursor.at) throw new WireError('unexpected EOF');
  cursor.at += length;
  return data.subarray(cursor.at - length, cursor.at);
}

function readVarint(data: Uint8Array, cursor: { at: number }): bigint {
  let value = 0n;
  for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
    const byte = data[cursor.at];
    if (byte === undefined) throw new WireError('unexpected EOF');
    cursor.at += 1;
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new WireError('integer overflow');
}

/** All varints of a packed repeated field. */
export function readPacked(data: Uint8Array): bigint[] {
  const cursor = { at: 0 };
  const out: bigint[] = [];
  while (cursor.at < data.length) out.push(readVarint(data, cursor));
  return out;
}
