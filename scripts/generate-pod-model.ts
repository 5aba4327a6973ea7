import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes the table of the types that a pod template consists of: `generate-pod-model.ts OPENAPI_V2_FILE`, the document
 * `/openapi/v2` of a kube-apiserver. The table says which members each type has and of which type they are; the order and
 * the meaning of everything else follow from that.
 */

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

const OUTPUT = join(import.meta.dirname, '../packages/api/src/spec/pod-model.generated.json');
const ROOTS = ['io.k8s.api.core.v1.PodTemplateSpec', 'io.k8s.api.core.v1.ResourceRequirements'];
/** Types whose values are taken as they are. */
const OPAQUE = new Set(['IntOrString', 'Time', 'MicroTime', 'FieldsV1', 'RawExtension']);

function main(file: string | undefined): void {
  if (file === undefined) throw new Error('usage: generate-pod-model.ts OPENAPI_V2_FILE');
  const { definitions } = JSON.parse(readFileSync(file, 'utf8')) as { definitions: Record<string, Schema> };
  const model = new Map<string, Record<string, string>>();
  const visit = (name: string): string => {
    const short = name.slice(name.lastIndexOf('.') + 1);
    if (short === 'Quantity') return 'quantity';
    if (OPAQUE.has(short)) return 'any';
    if (model.has(short)) return short;
    const members: Record<string, string> = {};
    model.set(short, members);
    const properties = definitions[name]?.properties ?? {};
    for (const member of Object.keys(properties).sort()) members[member] = typeOf(properties[member] ?? {});
    return short;
  };
  const typeOf = (schema: Schema): string => {
    if (schema.$ref !== undefined) return visit(schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1));
    if (schema.type === 'array') return `[${typeOf(schema.items ?? {})}`;
    if (schema.type === 'object' && schema.additionalProperties) return `{${typeOf(schema.additionalProperties)}`;
    return ['string', 'integer', 'number', 'boolean'].includes(schema.type ?? '') ? (schema.type ?? '') : 'any';
  };
  for (const root of ROOTS) visit(root);
  const lines = [...model.keys()].sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(model.get(name))}`);
  writeFileSync(OUTPUT, `{${lines.join(',\n')}}\n`);
}

main(process.argv[2]);
