import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Makes the table the protobuf decoder reads: `generate-kube-protobuf.ts GO_FOLDER`.
 *
 * GO_FOLDER holds the unpacked Go modules `api@…` and `apimachinery@…` of k8s.io. Names, numbers and types of fields come
 * from their `generated.proto`; from the Go structs come two facts that protobuf does not have: which messages are written
 * into their parent in JSON (`i`), and which scalars keep their zero value because they are pointers or always written
 * (`z`). The table holds nothing else.
 */

/** `number name type flags`; flags: `r` repeated, `m` map (type is the value's), `i` inline, `z` keeps zero. */
type FieldLine = string;

interface GoFlags {
  readonly inline: boolean;
  readonly keepsZero: boolean;
  readonly jsonName: string;
}

const OUTPUT = join(import.meta.dirname, '../packages/devcluster/src/apiserver/protobuf/messages.generated.json.gz');
const PACKAGE_PREFIX = 'k8s.io.';

function main(goFolder: string | undefined): void {
  if (goFolder === undefined) throw new Error('usage: generate-kube-protobuf.ts GO_FOLDER');
  const module = (prefix: string): string => {
    const name = readdirSync(goFolder).find((entry) => entry.startsWith(`${prefix}@`));
    if (name === undefined) throw new Error(`no module ${prefix}@… in ${goFolder}`);
    return join(goFolder, name);
  };
  const messages: Record<string, FieldLine[]> = {};
  const groups: Record<string, string> = {};
  const api = module('api');
  for (const group of folders(api)) {
    for (const version of folders(join(api, group)).filter((name) => /^v\d+$/.test(name))) {
      const folder = join(api, group, version);
      if (!existsSync(join(folder, 'generated.proto'))) continue;
      addMessages(folder, messages);
      const name = /GroupName = "([^"]*)"/.exec(readFileSync(join(folder, 'register.go'), 'utf8'))?.[1];
      if (name !== undefined) groups[name] = group;
    }
  }
  const machinery = join(module('apimachinery'), 'pkg');
  for (const part of ['apis/meta/v1', 'runtime', 'api/resource', 'util/intstr'])
    addMessages(join(machinery, part), messages);
  const text = JSON.stringify({ groups, messages });
  writeFileSync(OUTPUT, gzipSync(text, { level: 9 }));
  process.stdout.write(`${Object.keys(messages).length} messages, ${text.length} characters\n`);
}

function folders(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function addMessages(folder: string, messages: Record<string, FieldLine[]>): void {
  const proto = readFileSync(join(folder, 'generated.proto'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
  const scope = /^package ([\w.]+);/m.exec(proto)?.[1];
  if (scope === undefined) throw new Error(`no package in ${folder}`);
  const structs = readStructs(folder);
  for (const [, name = '', body = ''] of proto.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const go = structs.get(name) ?? new Map<number, GoFlags>();
    const known = (type: string): string => qualified(type, scope);
    messages[`${scope}.${name}`.slice(PACKAGE_PREFIX.length)] = fieldLines(body, go, known);
  }
}

function fieldLines(body: string, go: ReadonlyMap<number, GoFlags>, known: (type: string) => string): FieldLine[] {
  const lines: FieldLine[] = [];
  const pattern = /^\s*(?:(optional|repeated) )?(map<string, ([\w.]+)>|[\w.]+) (\w+) = (\d+)/gm;
  for (const [, label, type = '', mapValue, name = '', number = ''] of body.matchAll(pattern)) {
    const facts = go.get(Number(number));
    const flags = [
      label === 'repeated' ? 'r' : '',
      mapValue === undefined ? '' : 'm',
      facts?.inline ? 'i' : '',
      facts?.keepsZero ? 'z' : '',
    ].join('');
    lines.push(`${number} ${facts?.jsonName || name} ${known(mapValue ?? type)} ${flags}`.trim());
  }
  return lines;
}

const SCALARS = new Set(['string', 'bytes', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double']);

function qualified(type: string, scope: string): string {
  if (SCALARS.has(type)) return type;
  const full = type.startsWith('.') ? type.slice(1) : type.includes('.') ? type : `${scope}.${type}`;
  return full.slice(PACKAGE_PREFIX.length);
}

/** Struct → protobuf number → facts, from the struct tags of the folder's Go files. */
function readStructs(folder: string): Map<string, Map<number, GoFlags>> {
  const structs = new Map<string, Map<number, GoFlags>>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.go') && !name.endsWith('_test.go'))) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, name = '', body = ''] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
      const fields = new Map<number, GoFlags>();
      for (const [, declared = '', tags = ''] of body.matchAll(/^\s*(.+?)\s+`([^`]*protobuf:"[^`]*)`/gm)) {
        const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
        const json = /json:"([^"]*)"/.exec(tags)?.[1];
        if (number === undefined || json === undefined) continue;
        const [jsonName = '', ...options] = json.split(',');
        const pointer = / \*/.test(declared);
        const keepsZero = pointer || !options.includes('omitempty');
        fields.set(Number(number), { inline: options.includes('inline'), keepsZero, jsonName });
      }
      structs.set(name, fields);
    }
  }
  return structs;
}

main(process.argv[2]);
