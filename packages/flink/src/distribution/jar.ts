import { crc32, inflateRawSync } from 'node:zlib';

/** One entry of a jar, its content as it is stored. */
interface JarEntry {
  readonly name: Buffer;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly uncompressedSize: number;
  readonly content: Buffer;
}

const MANIFEST = 'META-INF/MANIFEST.MF';
const DOS_DATE_1980 = 0x21;

/**
 * A copy of a jar whose manifest names `mainClass`: the examples that Flink ships are the same classes under one jar a main
 * class, while the published jar names none. `others` are jars whose classes are added. Throws an Error when the bytes are
 * no jar.
 */
export function withMainClass(jar: Buffer, mainClass: string, others: readonly Buffer[] = []): Buffer {
  const manifest = Buffer.from(`Manifest-Version: 1.0\r\nMain-Class: ${mainClass}\r\n\r\n`);
  const first: JarEntry = {
    name: Buffer.from(MANIFEST),
    method: 0,
    flags: 0,
    crc: crc32(manifest),
    uncompressedSize: manifest.length,
    content: manifest,
  };
  const entries = new Map([[MANIFEST, first]]);
  for (const [index, one] of [jar, ...others].entries()) {
    for (const entry of readEntries(one)) {
      const name = entry.name.toString();
      if (!entries.has(name) && (index === 0 || !name.startsWith('META-INF/'))) entries.set(name, entry);
    }
  }
  return writeEntries([...entries.values()]);
}

/** The names of a jar's entries, in order. */
export function jarEntryNames(jar: Buffer): string[] {
  return readEntries(jar).map((entry) => entry.name.toString());
}

/** The text of one entry, or undefined when the jar has none of that name. */
export function jarEntryText(jar: Buffer, name: string): string | undefined {
  const entry = readEntries(jar).find((one) => one.name.toString() === name);
  if (entry === undefined) return undefined;
  return (entry.method === 0 ? entry.content : inflateRawSync(entry.content)).toString('utf8');
}

function readEntries(jar: Buffer): JarEntry[] {
  const end = jar.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end === -1 || end + 22 > jar.length) throw new Error('not a jar: no central directory');
  const count = jar.readUInt16LE(end + 10);
  let at = jar.readUInt32LE(end + 16);
  const entries: JarEntry[] = [];
  for (let index = 0; index < count; index += 1) {
    if (jar.readUInt32LE(at) !== 0x02014b50) throw new Error('not a jar: damaged central directory');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => jar.readUInt16LE(at + offset));
    const local = jar.readUInt32LE(at + 42);
    const start = local + 30 + jar.readUInt16LE(local + 26) + jar.readUInt16LE(local + 28);
    entries.push({
      name: jar.subarray(at + 46, at + 46 + (nameLength ?? 0)),
      method: jar.readUInt16LE(at + 10),
      // Sizes are written in front of the content here, so the flag for sizes behind it is dropped.
      flags: jar.readUInt16LE(at + 8) & ~0x8,
      crc: jar.readUInt32LE(at + 16),
      uncompressedSize: jar.readUInt32LE(at + 24),
      content: jar.subarray(start, start + jar.readUInt32LE(at + 20)),
    });
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
  }
  return entries;
}

function writeEntries(entries: readonly JarEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const common = commonHeader(entry);
    const local = Buffer.concat([Buffer.from([0x50, 0x4b, 0x03, 0x04]), common, entry.name]);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(offset, 10);
    const versionMadeBy = Buffer.from([0x14, 0x00]);
    directory.push(Buffer.from([0x50, 0x4b, 0x01, 0x02]), versionMadeBy, common, central, entry.name);
    parts.push(local, entry.content);
    offset += local.length + entry.content.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listing, end]);
}

/** The fields that the two headers of an entry share, without extra fields. */
function commonHeader(entry: JarEntry): Buffer {
  const header = Buffer.alloc(26);
  header.writeUInt16LE(20, 0);
  header.writeUInt16LE(entry.flags, 2);
  header.writeUInt16LE(entry.method, 4);
  header.writeUInt16LE(DOS_DATE_1980, 8);
  header.writeUInt32LE(entry.crc, 10);
  header.writeUInt32LE(entry.content.length, 14);
  header.writeUInt32LE(entry.uncompressedSize, 18);
  header.writeUInt16LE(entry.name.length, 22);
  return header;
}
