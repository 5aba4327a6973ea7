import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFolder } from './golden.ts';

/** `node golden/pack.ts FOLDER AREA…` packs areas of a golden folder into this one. */
const [folder, ...areas] = process.argv.slice(2);
if (folder === undefined || areas.length === 0) {
  process.stderr.write('usage: node golden/pack.ts FOLDER AREA…\n');
  process.exit(2);
}
for (const area of areas) {
  const files = readFolder(join(folder, area));
  const packed = gzipSync(JSON.stringify(Object.fromEntries(files)), { level: 9 });
  writeFileSync(join(import.meta.dirname, `${area}.json.gz`), packed);
  process.stdout.write(`${area}: ${files.size} files, ${packed.length} bytes\n`);
}
