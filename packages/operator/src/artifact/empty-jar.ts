import { crc32 } from 'node:zlib';

const NAME = Buffer.from('META-INF/MANIFEST.MF');
const MANIFEST = Buffer.from('Manifest-Version: 1.0\r\n\r\n');
/** 1 January 1980, the beginning of the format's time. */
const DATE = 0x21;

/**
 * A jar with nothing but a manifest, for jobs whose classes are in the image already: Flink runs no job without an uploaded
 * jar.
 */
export function emptyJar(): Uint8Array {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(10, 0);
  fields.writeUInt16LE(DATE, 8);
  fields.writeUInt32LE(crc32(MANIFEST), 10);
  fields.writeUInt32LE(MANIFEST.length, 14);
  fields.writeUInt32LE(MANIFEST.length, 18);
  fields.writeUInt16LE(NAME.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, NAME, MANIFEST]);
  const madeBy = Buffer.from([10, 0]);
  const directory = Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, fields, Buffer.alloc(14), NAME]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, directory, Buffer.from('PK\x05\x06'), end]);
}
