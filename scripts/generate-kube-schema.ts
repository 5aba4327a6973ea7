import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Makes the table of built-in kinds: `generate-kube-schema.ts OPENAPI_FOLDER GO_FOLDER`.
 *
 * OPENAPI_FOLDER holds the `/openapi/v3/*` documents of a kube-apiserver, one JSON file each; GO_FOLDER the unpacked Go
 * modules of the same version (`k8s.io/api@…`, `apimachinery@…`, `apiextensions-apiserver@…`, `kube-aggregator@…`). From
 * Go come the facts that OpenAPI does not have: the order of fields, which are pointers, which are omitted when empty.
 * Descriptions are dropped.
 */

interface GoField {
  readonly name: string;
  /** `p` pointer, `l` slice, `m` map, `b` bytes, `s` other; followed by `o` when omitted if empty. */
  readonly flags: string;
  readonly type: string;
}
interface GoStruct {
  readonly fields: readonly (GoField | { readonly embeds: string })[];
}

const OUTPUT = join(import.meta.dirname, '../packages/devcluster/src/apiserver/schema/builtin.generated.json.gz');

const MODULES: readonly { readonly module: string; readonly folder: string; readonly prefix: string }[] = [
  { module: 'api@', folder: '', prefix: 'io.k8s.api' },
  { module: 'apimachinery@', folder: 'pkg', prefix: 'io.k8s.apimachinery.pkg' },
  { module: 'apiextensions-apiserver@', folder: 'pkg/apis', prefix: 'io.k8s.apiextensions-apiserver.pkg.apis' },
  { module: 'kube-aggregator@', folder: 'pkg/apis', prefix: 'io.k8s.kube-aggregator.pkg.apis' },
];

function main(openApiFolder: string | undefined, goFolder: string | undefined): void {
  if (openApiFolder === undefined || goFolder === undefined) {
    throw new Error('usage: generate-kube-schema.ts OPENAPI_FOLDER GO_FOLDER');
  }
  const definitions = readDefinitions(openApiFolder);
  const structs = readGo(goFolder);
  const go: Record<string, string[]> = {};
  for (const name of Object.keys(definitions).sort()) {
    const fields = flatten(name, structs);
    if (fields !== undefined) go[name] = fields.map((f) => `${f.name} ${f.flags} ${f.type}`);
  }
  const text = JSON.stringify({ definitions, go });
  writeFileSync(OUTPUT, gzipSync(text, { level: 9 }));
  const missing = Object.entries(definitions).filter(([n, d]) => 'properties' in d && go[n] === undefined);
  process.stdout.write(`${Object.keys(definitions).length} definitions, ${text.length} characters\n`);
  for (const [name] of missing) process.stdout.write(`no Go type for ${name}\n`);
}

function readDefinitions(folder: string): Record<string, Record<string, unknown>> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const file of readdirSync(folder).sort()) {
    const document = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
      components?: { schemas?: Record<string, Record<string, unknown>> };
    };
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
      all[name] = withoutDescriptions(schema, false) as Record<string, unknown>;
    }
  }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `isProperties`: the keys are field names, so `description` is one of them. */
function withoutDescriptions(value: unknown, isProperties: boolean): unknown {
  if (Array.isArray(value)) return value.map((v) => withoutDescriptions(v, false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isProperties || key !== 'description')
      .map(([key, v]) => [key, withoutDescriptions(v, key === 'properties' && !isProperties)]),
  );
}

function readGo(folder: string): Map<string, GoStruct> {
  const structs = new Map<string, GoStruct>();
  for (const { module, folder: sub, prefix } of MODULES) {
    const root = readdirSync(folder)
      .filter((name) => name.startsWith(module))
      .sort()
      .at(-1);
    if (root === undefined) throw new Error(`no module ${module} in ${folder}`);
    walkGo(join(folder, root, sub), prefix, structs);
  }
  return structs;
}

function walkGo(folder: string, name: string, structs: Map<string, GoStruct>): void {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) walkGo(path, `${name}.${entry}`, structs);
    else if (
      entry.endsWith('.go') &&
      !entry.endsWith('_test.go') &&
      !entry.startsWith('zz_') &&
      entry !== 'generated.pb.go'
    ) {
      parseGo(readFileSync(path, 'utf8'), name, structs);
    }
  }
}

function parseGo(source: string, packageName: string, structs: Map<string, GoStruct>): void {
  const imports = new Map<string, string>();
  for (const m of source.matchAll(/^\s*(?:import )?(\w+)?\s*"k8s\.io\/([^"]+)"/gm)) {
    const path = m[2] ?? '';
    imports.set(m[1] ?? path.split('/').at(-1) ?? '', `io.k8s.${path.replaceAll('/', '.')}`);
  }
  for (const m of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const fields: (GoField | { embeds: string })[] = [];
    for (const line of (m[2] ?? '').split('\n')) {
      const field = parseField(line, packageName, imports);
      if (field !== undefined) fields.push(field);
    }
    structs.set(`${packageName}.${m[1]}`, { fields });
  }
  for (const m of source.matchAll(/^type (\w+) (\w+)$/gm)) {
    const target = structs.get(`${packageName}.${m[2]}`);
    if (target !== undefined) structs.set(`${packageName}.${m[1]}`, target);
  }
}

function parseField(
  line: string,
  packageName: string,
  imports: ReadonlyMap<string, string>,
): GoField | { embeds: string } | undefined {
  const m = /^\s*(?:(\w+)\s+)?([*\w.[\]]+)\s+`[^`]*json:"([^"]*)"/.exec(line);
  if (m === null) return undefined;
  const type = m[2] ?? '';
  const [json = '', ...options] = (m[3] ?? '').split(',');
  if (json === '-') return undefined;
  if (options.includes('inline') || (json === '' && m[1] === undefined)) {
    const [left, right] = type.replace('*', '').split('.');
    return { embeds: right === undefined ? `${packageName}.${left}` : `${imports.get(left ?? '') ?? left}.${right}` };
  }
  const omitted = options.includes('omitempty') || options.includes('omitzero');
  const shape =
    type === '[]byte'
      ? 'b'
      : type.startsWith('[]')
        ? 'l'
        : type.startsWith('map[')
          ? 'm'
          : type.startsWith('*')
            ? 'p'
            : 's';
  const short = packageName.split('.').at(-1) ?? '';
  const bare = type.replace(/^\*/, '');
  const goType = /^[A-Z]/.test(bare) ? `${short}.${bare}` : bare.replace(/\]([A-Z])/, `]${short}.$1`);
  return {
    name: json === '' ? (m[1] ?? '') : json,
    flags: shape + (omitted ? 'o' : '') + (options.includes('omitzero') ? 'z' : ''),
    type: goType,
  };
}

function flatten(name: string, structs: ReadonlyMap<string, GoStruct>): GoField[] | undefined {
  const struct = structs.get(name);
  if (struct === undefined) return undefined;
  return struct.fields.flatMap((f) => ('embeds' in f ? (flatten(f.embeds, structs) ?? []) : [f]));
}

main(process.argv[2], process.argv[3]);
